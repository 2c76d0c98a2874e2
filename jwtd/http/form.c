#include "jwtd/http/form.h"

#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Bytes of the UTF-8 sequence (RFC 3629 4) that s begins with; 0 when it is none. */
static size_t sequence(const unsigned char *s, size_t n)
{
    static const struct {
        unsigned char from, to, next_from, next_to;
        size_t len;
    } rows[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (s[0] < rows[i].from || s[0] > rows[i].to)
            continue;
        if (rows[i].len == 1)
            return 1;
        if (rows[i].len > n || s[1] < rows[i].next_from || s[1] > rows[i].next_to)
            return 0;
        for (size_t k = 2; k < rows[i].len; k++)
            if ((s[k] & 0xc0) != 0x80)
                return 0;
        return rows[i].len;
    }
    return 0;
}

bool form_is_utf8(struct slice s)
{
    size_t len;

    for (size_t i = 0; i < s.n; i += len) {
        len = sequence((const unsigned char *)s.p + i, s.n - i);
        if (len == 0)
            return false;
    }
    return true;
}

/* True when this byte ends the text that is being decoded. */
static bool ends(char c, char stop)
{
    return c == '&' || c == stop;
}

/* Printable ASCII: all else is written as %XX. */
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
            high = hex(in.p[form->at + 1]);
            low = hex(in.p[form->at + 2]);
        }
        if (!is_plain(c) || (c == '%' && (high < 0 || low < 0))) {
            form->fault = "a byte that must be written as %XX, or a % without its two digits";
            return false;
        }
        if (c == '%')
            form->at += 2;
        form->room[n++] = c == '%' ? (char)(high * 16 + low) : (c == '+' ? ' ' : c);
    }
    *ret = (struct slice){form->room, n};
    form->room += n;
    if (!form_is_utf8(*ret))
        form->fault = "bytes that are no UTF-8";
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
