#include "jwtd/http/form.h"

#include "common/base/text.h"
#include "common/base/utf8.h"

bool form_is_utf8(struct slice s)
{
    const char *p = s.p, *end = s.p + s.n;

    while (p < end) {
        size_t n = utf8_length(p, end);

        if (n == 0)
            return false;
        p += n;
    }
    return true;
}

static bool ends(char c, char stop)
{
    return c == '&' || c == stop;
}

/* Printable ASCII. All other bytes must be encoded as %XX. */
static bool is_plain(char c)
{
    return c > ' ' && (unsigned char)c < 0x7f;
}

/* Decodes up to '&' or stop. */
static bool decode(struct form *form, char stop, struct slice *ret)
{
    struct slice in = form->bytes;
    size_t n = 0;

    for (; form->at < in.n && !ends(in.p[form->at], stop); form->at++) {
        char c = in.p[form->at];
        int high = -1, low = -1;

        if (c == '%' && in.n - form->at > 2) {
            high = text_hex_digit(in.p[form->at + 1]);
            low = text_hex_digit(in.p[form->at + 2]);
        }
        if (!is_plain(c) || (c == '%' && (high < 0 || low < 0))) {
            form->fault =
                "a byte that must be encoded as %XX, or a % without two hexadecimal digits";
            return false;
        }
        if (c == '%')
            form->at += 2;
        form->room[n++] = c == '%' ? (char)(high * 16 + low) : (c == '+' ? ' ' : c);
    }
    *ret = (struct slice){form->room, n};
    form->room += n;
    if (!form_is_utf8(*ret))
        form->fault = "invalid UTF-8";
    return !form->fault;
}

bool form_next(struct form *form, struct slice *ret_name, struct slice *ret_value)
{
    struct slice name, value = {"", 0};

    if (form->fault || form->at == form->bytes.n || !decode(form, '=', &name))
        return false;
    if (form->at < form->bytes.n && form->bytes.p[form->at] == '=') {
        form->at++;
        if (!decode(form, '&', &value))
            return false;
    }
    if (form->at < form->bytes.n)
        form->at++;
    *ret_name = name;
    *ret_value = value;
    return true;
}
