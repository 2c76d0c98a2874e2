#include "common/json/emit.h"

#include "common/base/base64url.h"

static void emit_escaped(struct emit *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    const char unicode[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    const char mark[] = {'\\', (char)c};

    if (c < 0x20)
        emit_bytes(out, (struct slice){unicode, sizeof(unicode)});
    else
        emit_bytes(out, (struct slice){mark, sizeof(mark)});
}

void emit_string(struct emit *out, struct slice bytes)
{
    size_t done = 0;

    emit_text(out, "\"");
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        emit_bytes(out, (struct slice){bytes.p + done, i - done});
        emit_escaped(out, c);
        done = i + 1;
    }
    emit_bytes(out, slice_skip(bytes, done));
    emit_text(out, "\"");
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
