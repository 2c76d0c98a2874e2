#include "common/base/base64url.h"
#include "common/jose/jws.h"
#include "common/json/emit.h"
#include "common/token/bundle.h"

#include <stdio.h>

const char *const bundle_states[] = {
    [BUNDLE_KEY_NEXT] = "next",
    [BUNDLE_KEY_SIGNING] = "signing",
    [BUNDLE_KEY_OLD] = "old",
};

enum tok_err bundle_link_text(const char *iss, const struct key *key, char ret[BUNDLE_LINK_MAX],
                              size_t *ret_n)
{
    char thumbprint[KEY_THUMBPRINT_LEN];
    enum tok_err err = key_thumbprint(key, thumbprint);

    if (!err)
        *ret_n = (size_t)snprintf(ret, BUNDLE_LINK_MAX, "jwt-bundle-key %s %.*s", iss,
                                  KEY_THUMBPRINT_LEN, thumbprint);
    return err;
}

static void emit_member_integer(struct emit *out, const char *name, int64_t value)
{
    emit_member(out, name);
    emit_integer(out, value);
}

/* The public JWK; state NULL: without that member. */
static enum tok_err emit_jwk(struct emit *out, const struct key *key, const char *state)
{
    CLEANUP(cleanup_free) char *jwk = NULL;
    enum tok_err err = key_public_jwk(key, &jwk);

    if (err)
        return err;
    emit_bytes(out, (struct slice){jwk, strlen(jwk) - 1}); /* without its '}' */
    emit_text(out, state ? ",\"state\":\"" : "");
    emit_text(out, state ? state : "");
    emit_text(out, state ? "\"}" : "}");
    return TOK_OK;
}

static enum tok_err emit_keys(struct emit *out, const struct bundle *b, bool with_state)
{
    enum tok_err err = TOK_OK;

    emit_member(out, "keys");
    emit_text(out, "[");
    for (size_t i = 0; !err && i < b->n_keys; i++) {
        emit_text(out, i ? "," : "");
        err = emit_jwk(out, b->keys[i], with_state ? bundle_states[b->states[i]] : NULL);
    }
    emit_text(out, "]");
    return err;
}

/* What says that `key` is the successor of `before`. */
static enum tok_err emit_link(struct emit *out, const char *iss, const struct key *before,
                              const struct key *key)
{
    char text[BUNDLE_LINK_MAX], signature[KEY_SIGNATURE_MAX];
    size_t n;
    enum tok_err err = bundle_link_text(iss, key, text, &n);

    if (!err)
        err = key_sign(before, (struct slice){text, n}, signature);
    if (err)
        return err;
    emit_member_string(out, "by", key_kid(before));
    emit_member_base64url(out, "signature", (struct slice){signature, key_sig_len(before)});
    return TOK_OK;
}

static enum tok_err emit_chain(struct emit *out, const struct bundle *b)
{
    enum tok_err err = TOK_OK;

    emit_member(out, "bundle_keys");
    emit_text(out, "[");
    for (size_t i = 0; !err && i < b->n_chain; i++) {
        emit_text(out, i ? "," : "");
        emit_begin(out);
        emit_member(out, "jwk");
        err = emit_jwk(out, b->chain[i], NULL);
        if (!err && i > 0)
            err = emit_link(out, b->iss, b->chain[i - 1], b->chain[i]);
        emit_end(out);
    }
    emit_text(out, "]");
    return err;
}

/* What key documents do not have. */
static void emit_rest(struct emit *out, const struct bundle *b)
{
    const struct slice sha256 = {(const char *)b->revoked.sha256, REVOKED_SHA256_LEN};

    emit_member_integer(out, "exp", b->exp);
    emit_member_integer(out, "epoch", b->epoch);
    emit_member(out, "revoked");
    emit_begin(out);
    emit_member_base64url(out, "sha256", sha256);
    emit_member_integer(out, "count", (int64_t)b->revoked.count);
    emit_member_integer(out, "pruned_until", b->pruned_until);
    emit_end(out);
}

static enum tok_err emit_payload(struct emit *out, const struct bundle *b, bool whole)
{
    enum tok_err err;

    emit_begin(out);
    emit_member_string(out, "iss", slice_of(b->iss));
    emit_member_integer(out, "iat", b->iat);
    emit_member_integer(out, "seq", b->seq);
    err = emit_keys(out, b, true);
    if (!err)
        err = emit_chain(out, b);
    if (whole)
        emit_rest(out, b);
    emit_end(out);
    return err;
}

static enum tok_err write_as(const char *typ, const struct bundle *b, bool whole,
                             struct secret *ret)
{
    UNINITIALIZED char room[BASE64URL_BYTES(BUNDLE_MAX)];
    struct emit out = {.p = room, .size = sizeof(room)};
    enum tok_err err;

    for (size_t i = 0; i < b->n_chain; i++)
        if (key_alg(b->chain[i]) != alg_find(SLICE(BUNDLE_ALG)))
            return TOK_KEYS;
    err = emit_payload(&out, b, whole);
    if (err)
        return err;
    if (out.n > out.size)
        return TOK_TOO_LONG;
    return jws_sign(b->chain[b->n_chain - 1], typ, (struct slice){room, out.n}, BUNDLE_MAX,
                    ret);
}

enum tok_err bundle_write(const struct bundle *b, struct secret *ret)
{
    return write_as("jwt-bundle", b, true, ret);
}

enum tok_err key_document_write(const struct bundle *b, struct secret *ret)
{
    return write_as("jwt-issuer-keys", b, false, ret);
}

enum tok_err bundle_jwks(const struct bundle *b, struct secret *ret)
{
    UNINITIALIZED char room[BASE64URL_BYTES(BUNDLE_MAX)];
    struct emit out = {.p = room, .size = sizeof(room)};
    enum tok_err err;

    emit_begin(&out);
    err = emit_keys(&out, b, false);
    emit_end(&out);
    emit_text(&out, "\n");
    if (err)
        return err;
    return out.n > out.size ? TOK_TOO_LONG : secret_copy((struct slice){room, out.n}, ret);
}

void bundle_clear(struct bundle *b)
{
    for (size_t i = 0; i < b->n_keys; i++)
        key_free(b->keys[i]);
    for (size_t i = 0; i < b->n_chain; i++)
        key_free(b->chain[i]);
    *b = (struct bundle){0};
}
