#include "common/base/base64url.h"
#include "common/jose/key_errors.h"
#include "common/jose/key_object.h"
#include "common/json/emit.h"

struct jwk_members {
    const struct alg *alg;
    const struct key_parts *parts;
    struct slice kid;
    bool one_alg;
};

/* The members of RFC 7638 3.2, in the order of their names. */
static void emit_required(struct emit *out, const void *arg)
{
    const struct jwk_members *jwk = arg;
    const struct alg *alg = jwk->alg;
    const struct key_parts *parts = jwk->parts;

    emit_begin(out);
    if (alg->crv)
        emit_member_string(out, "crv", slice_of(alg->crv));
    if (alg->kind == ALG_RSA)
        emit_member_base64url(out, "e", parts->at[RSA_E]);
    if (alg->kind == ALG_OCT)
        emit_member_base64url(out, "k", parts->at[OCT_K]);
    emit_member_string(out, "kty", slice_of(alg->kty));
    if (alg->kind == ALG_RSA)
        emit_member_base64url(out, "n", parts->at[RSA_N]);
    else if (alg->kind != ALG_OCT)
        emit_member_base64url(out, "x", parts->at[0]);
    if (alg->kind == ALG_EC)
        emit_member_base64url(out, "y", parts->at[EC_Y]);
    emit_end(out);
}

enum tok_err key_thumbprint(const struct key *key, char ret[KEY_THUMBPRINT_LEN])
{
    KEY_ERRORS_DROP;
    CLEANUP(key_parts_clear) struct key_parts parts = {0};
    CLEANUP(secret_clear) struct secret text = {0};
    uint8_t digest[32];
    size_t len = sizeof(digest);
    enum tok_err err = key_parts_of(key, KEY_PUBLIC, &parts);

    if (err)
        return err;
    err = emit_secret(emit_required, &(struct jwk_members){.alg = key->alg, .parts = &parts},
                      &text);
    if (err)
        return err;
    if (EVP_Q_digest(key->ctx, "SHA256", NULL, text.p, text.n, digest, &len) != 1)
        return TOK_CRYPTO;
    base64url_encode((struct slice){(const char *)digest, sizeof(digest)}, ret);
    return TOK_OK;
}

static void emit_jwk(struct emit *out, const void *arg)
{
    const struct jwk_members *jwk = arg;
    const struct alg *alg = jwk->alg;
    const struct key_member *members = key_members(alg->kind);

    emit_begin(out);
    emit_member_string(out, "kty", slice_of(alg->kty));
    if (alg->crv)
        emit_member_string(out, "crv", slice_of(alg->crv));
    for (size_t i = 0; members[i].name; i++)
        if (jwk->parts->at[i].n)
            emit_member_base64url(out, members[i].name, jwk->parts->at[i]);
    emit_member_string(out, "kid", jwk->kid);
    if (jwk->one_alg)
        emit_member_string(out, "alg", slice_of(alg->name));
    emit_member_string(out, "use", SLICE("sig"));
    emit_end(out);
}

static enum tok_err write_jwk(const struct key *key, enum key_part part, struct secret *ret)
{
    KEY_ERRORS_DROP;
    CLEANUP(key_parts_clear) struct key_parts parts = {0};
    char thumbprint[KEY_THUMBPRINT_LEN];
    struct jwk_members jwk = {key->alg, &parts, key_kid(key), key->algs == alg_bit(key->alg)};
    enum tok_err err = key_parts_of(key, part, &parts);

    if (err)
        return err;
    if (!jwk.kid.n) {
        err = key_thumbprint(key, thumbprint);
        if (err)
            return err;
        jwk.kid = (struct slice){thumbprint, KEY_KID_LEN};
    }
    return emit_secret(emit_jwk, &jwk, ret);
}

enum tok_err key_public_jwk(const struct key *key, char **ret)
{
    CLEANUP(secret_clear) struct secret text = {0};
    enum tok_err err;

    if (key->alg->kind == ALG_OCT)
        return TOK_KEYS;
    err = write_jwk(key, KEY_PUBLIC, &text);
    if (err)
        return err;
    *ret = text.p;
    text.p = NULL;
    return TOK_OK;
}

enum tok_err key_private_jwk(const struct key *key, struct secret *ret)
{
    return write_jwk(key, KEY_PRIVATE, ret);
}
