#include "emit.h"

#include "base64url.h"
#include "scan_string.h"

#include <string.h>

/* Where n more bytes go, or NULL when they have no room; counts them either way. */
static char *take(struct emit *out, size_t n)
{
    bool fits = out->p && out->n <= out->size && n <= out->size - out->n;
    char *at = fits ? out->p + out->n : NULL;

    out->n += n;
    return at;
}

void emit_bytes(struct emit *out, struct slice bytes)
{
    char *at = take(out, bytes.n);

    if (at && bytes.n)
        memcpy(at, bytes.p, bytes.n);
}

void emit_text(struct emit *out, const char *text)
{
    emit_bytes(out, slice_of(text));
}

static void emit_letter(struct emit *out, const char *letter)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)*letter;
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (c < 0x20)
        emit_bytes(out, (struct slice){escape, sizeof(escape)});
    else
        emit_bytes(out, (struct slice){letter, 1});
}

void emit_string(struct emit *out, struct slice bytes)
{
    const char *p = bytes.p, *end = bytes.p + bytes.n;

    emit_bytes(out, SLICE("\""));
    while (bytes.n) {
        const char *stop = scan_string_plain(p, end);

        emit_bytes(out, (struct slice){p, (size_t)(stop - p)});
        if (stop == end)
            break;
        if (*stop == '"' || *stop == '\\')
            emit_bytes(out, SLICE("\\"));
        emit_letter(out, stop);
        p = stop + 1;
    }
    emit_bytes(out, SLICE("\""));
}

void emit_integer(struct emit *out, int64_t value)
{
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    char text[20], *end = text + sizeof(text), *p = end;

    do
        *--p = (char)('0' + left % 10);
    while (left /= 10);
    if (value < 0)
        *--p = '-';
    emit_bytes(out, (struct slice){p, (size_t)(end - p)});
}

void emit_base64url(struct emit *out, struct slice bytes)
{
    char *at = take(out, BASE64URL_LEN(bytes.n));

    if (at)
        base64url_encode(bytes, at);
}

void emit_begin(struct emit *out)
{
    emit_bytes(out, SLICE("{"));
    out->inside = false;
}

void emit_member(struct emit *out, const char *name)
{
    if (out->inside)
        emit_bytes(out, SLICE(","));
    out->inside = true;
    emit_string(out, slice_of(name));
    emit_bytes(out, SLICE(":"));
}

void emit_member_string(struct emit *out, const char *name, struct slice value)
{
    emit_member(out, name);
    emit_string(out, value);
}

void emit_member_base64url(struct emit *out, const char *name, struct slice value)
{
    emit_member(out, name);
    emit_bytes(out, SLICE("\""));
    emit_base64url(out, value);
    emit_bytes(out, SLICE("\""));
}

void emit_end(struct emit *out)
{
    emit_bytes(out, SLICE("}"));
}
