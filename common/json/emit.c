#include "common/json/emit.h"

#include "common/base/base64url.h"
#include "common/json/scan_string.h"

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

/* One of the text's letters at least has to be escaped. */
static void emit_escaped(struct emit *out, struct slice bytes)
{
    const char *p = bytes.p, *end = bytes.p + bytes.n;

    for (;; p++) {
        const char *stop = scan_string_plain(p, end);

        emit_bytes(out, (struct slice){p, (size_t)(stop - p)});
        if (stop == end)
            return;
        if (*stop == '"' || *stop == '\\')
            emit_text(out, "\\");
        emit_letter(out, stop);
        p = stop;
    }
}

void emit_string(struct emit *out, struct slice bytes)
{
    char *at;

    if (bytes.n && scan_string_plain(bytes.p, bytes.p + bytes.n) != bytes.p + bytes.n) {
        emit_text(out, "\"");
        emit_escaped(out, bytes);
        emit_text(out, "\"");
        return;
    }
    at = emit_take(out, bytes.n + 2);
    if (!at)
        return;
    *at++ = '"';
    if (bytes.n)
        memcpy(at, bytes.p, bytes.n);
    at[bytes.n] = '"';
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
    char *at = emit_take(out, BASE64URL_LEN(bytes.n));

    if (at)
        base64url_encode(bytes, at);
}

void emit_begin(struct emit *out)
{
    emit_text(out, "{");
    out->inside = false;
}

void emit_member(struct emit *out, const char *name)
{
    if (out->inside)
        emit_text(out, ",");
    out->inside = true;
    emit_string(out, slice_of(name));
    emit_text(out, ":");
}

void emit_member_string(struct emit *out, const char *name, struct slice value)
{
    emit_member(out, name);
    emit_string(out, value);
}

void emit_member_base64url(struct emit *out, const char *name, struct slice value)
{
    emit_member(out, name);
    emit_text(out, "\"");
    emit_base64url(out, value);
    emit_text(out, "\"");
}

void emit_end(struct emit *out)
{
    emit_text(out, "}");
}
