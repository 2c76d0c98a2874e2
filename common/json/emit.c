#include "common/json/emit.h"

#include "common/base/base64url.h"

#include <inttypes.h>
#include <stdio.h>

/* Counts n bytes. Yields where they go, or NULL when they do not fit. */
static char *take_room(struct emit *out, size_t n)
{
    bool fits = out->p && out->n <= out->size && n <= out->size - out->n;
    char *at = fits ? out->p + out->n : NULL;

    out->n += n;
    return at;
}

void emit_bytes(struct emit *out, struct slice bytes)
{
    char *at = take_room(out, bytes.n);

    if (at && bytes.n > 0)
        memcpy(at, bytes.p, bytes.n);
}

void emit_text(struct emit *out, const char *text)
{
    emit_bytes(out, slice_of(text));
}

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
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRId64, value);
    emit_text(out, text);
}

void emit_base64url(struct emit *out, struct slice bytes)
{
    char *at = take_room(out, BASE64URL_LEN(bytes.n));

    if (at)
        base64url_encode(bytes, at);
}

void emit_begin(struct emit *out)
{
    emit_text(out, "{");
    out->inside = false;
}

void emit_end(struct emit *out)
{
    emit_text(out, "}");
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

enum tok_err emit_secret(emit_fn *fn, const void *arg, struct secret *ret)
{
    struct emit out = {0};
    enum tok_err err;

    fn(&out, arg);
    err = secret_alloc(out.n, ret);
    if (err)
        return err;
    out = (struct emit){.p = ret->p, .size = ret->n};
    fn(&out, arg);
    return TOK_OK;
}
