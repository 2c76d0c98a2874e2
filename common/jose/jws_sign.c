/* Apart from jws.c, which programs without libcrypto link. */
#include "common/jose/jws.h"

#include "common/base/base64url.h"
#include "common/json/emit.h"

/* A byte of a kid takes at most six in JSON: \u0000. */
#define HEADER_ROOM (64 + 6 * KEY_KID_MAX)

static struct slice make_header(const struct key *key, const char *typ, char room[HEADER_ROOM])
{
    struct emit out = {.p = room, .size = HEADER_ROOM};

    emit_begin(&out);
    emit_member_string(&out, "alg", slice_of(key_alg(key)->name));
    emit_member_string(&out, "typ", slice_of(typ));
    if (key_kid(key).n > 0)
        emit_member_string(&out, "kid", key_kid(key));
    emit_end(&out);
    return (struct slice){room, out.n};
}

static size_t length_with(const struct key *key, struct slice header, size_t payload)
{
    return BASE64URL_LEN(header.n) + 1 + BASE64URL_LEN(payload) + 1 +
           BASE64URL_LEN(key_sig_len(key));
}

size_t jws_length(const struct key *key, const char *typ, size_t payload)
{
    char room[HEADER_ROOM];

    return length_with(key, make_header(key, typ, room), payload);
}

enum tok_err jws_sign(const struct key *key, const char *typ, struct slice payload, size_t max,
                      struct secret *ret)
{
    CLEANUP(secret_clear) struct secret text = {0};
    UNINITIALIZED char signature[KEY_SIGNATURE_MAX];
    char room[HEADER_ROOM];
    struct slice header = make_header(key, typ, room);
    size_t len = length_with(key, header, payload.n);
    struct emit out;
    enum tok_err err;

    if (max && len > max)
        return TOK_TOO_LONG;
    err = secret_alloc(len, &text);
    if (err)
        return err;
    out = (struct emit){.p = text.p, .size = text.n};
    emit_base64url(&out, header);
    emit_text(&out, ".");
    emit_base64url(&out, payload);
    err = key_sign(key, (struct slice){text.p, out.n}, signature);
    if (err)
        return err;
    emit_text(&out, ".");
    emit_base64url(&out, (struct slice){signature, key_sig_len(key)});
    secret_wipe(signature, key_sig_len(key));
    *ret = text;
    text = (struct secret){0};
    return TOK_OK;
}
