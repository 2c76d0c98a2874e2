#include "emit.h"

#include "base64url.h"

#include <inttypes.h>
#include <stdio.h>
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
    emit_bytes(out, (struct slice){text, strlen(text)});
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
    emit_text(out, "\"");
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] == '"' || bytes.p[i] == '\\')
            emit_text(out, "\\");
        emit_letter(out, &bytes.p[i]);
    }
    emit_text(out, "\"");
}

void emit_integer(struct emit *out, int64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRId64, value);
    emit_text(out, text);
}

void emit_base64url(struct emit *out, struct slice bytes)
{
    char *at = take(out, BASE64URL_LEN(bytes.n));

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
    emit_string(out, (struct slice){name, strlen(name)});
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
