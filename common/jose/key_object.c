#include "common/jose/key_object.h"

#include "common/jose/key_errors.h"
#include "common/jose/key_rules.h"

#include <openssl/rand.h>

DEFINE_CLEANUP(EVP_PKEY_CTX *, cleanup_pkey_ctx, EVP_PKEY_CTX_free)

void key_free(struct key *key)
{
    if (!key)
        return;
    key_context_clear(key);
    EVP_PKEY_free(key->pkey);
    secret_clear(&key->octets);
    free(key);
}

const struct alg *key_alg(const struct key *key)
{
    return key->alg;
}

alg_set key_algs(const struct key *key)
{
    return key->algs;
}

bool key_is_same(const struct key *a, const struct key *b)
{
    KEY_ERRORS_DROP;

    if (a->alg->kind != b->alg->kind)
        return false;
    return a->pkey ? EVP_PKEY_eq(a->pkey, b->pkey) == 1
                   : secret_equal(secret_slice(&a->octets), secret_slice(&b->octets));
}

struct slice key_kid(const struct key *key)
{
    return (struct slice){key->kid, key->kid_len};
}

void key_kid_copy(const struct key *key, char ret[KEY_KID_MAX + 1])
{
    memcpy(ret, key->kid, key->kid_len);
    ret[key->kid_len] = '\0';
}

bool key_is_private(const struct key *key)
{
    return key->is_private;
}

size_t key_sig_len(const struct key *key)
{
    return key->sig_len;
}

/* Does the private key match the public one? A signature shows it for every kind. */
static enum tok_err prove_pair(const struct key *key, struct errmsg *errmsg)
{
    CLEANUP(cleanup_pkey_ctx)
    EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(key->ctx, key->pkey, NULL);
    const struct slice text = SLICE("test of a key pair");
    char signature[KEY_SIGNATURE_MAX];
    enum tok_err err;

    if (!check)
        return TOK_NO_MEMORY;
    if (key->alg->kind == ALG_EC && EVP_PKEY_private_check(check) != 1)
        return errmsg_set(errmsg, TOK_KEYS, "d: out of range for the curve");
    err = key_sign(key, text, signature);
    if (err)
        return err;
    err = key_verify(key, text, (struct slice){signature, key->sig_len});
    if (err == TOK_SIGNATURE)
        return errmsg_set(errmsg, TOK_KEYS, "d: does not match the public key");
    return err;
}

static enum tok_err make_pair(struct key *key, const struct key_parts *parts,
                              struct errmsg *errmsg)
{
    enum tok_err err = key_parts_to_pkey(key->ctx, key->alg, parts, &key->pkey);

    if (err == TOK_KEYS)
        return errmsg_set(errmsg, err, "%s",
                          key->alg->kind == ALG_EC ? "x, y: not a point on the curve"
                                                   : "refused by libcrypto");
    if (err)
        return err;
    if (key->alg->kind == ALG_RSA)
        key->sig_len = parts->at[RSA_N].n;
    err = key_context_make(key);
    if (err || !key->is_private)
        return err;
    err = key_rules_pair(key->alg, parts, errmsg);
    return err ? err : prove_pair(key, errmsg);
}

static enum tok_err make_secret(struct key *key, const struct key_parts *parts)
{
    enum tok_err err = secret_copy(parts->at[OCT_K], &key->octets);

    return err ? err : key_context_make(key);
}

static void set_kid(struct key *key, struct slice kid)
{
    if (kid.n > 0)
        memcpy(key->kid, kid.p, kid.n);
    key->kid_len = kid.n;
}

enum tok_err key_implied_algs(alg_set fitting, enum key_part part, alg_set *ret,
                              struct errmsg *errmsg)
{
    const struct alg *first = alg_first(fitting);

    if (!first)
        return errmsg_set(errmsg, TOK_UNSUPPORTED,
                          "alg: missing, and no allowed algorithm fits this key (algorithms=)");
    if (fitting != alg_bit(first) && (first->kind != ALG_RSA || part != KEY_PUBLIC))
        return errmsg_set(errmsg, TOK_KEYS,
                          "alg: missing, and several algorithms fit this key; "
                          "choose one (algorithms=, --alg=)");
    *ret = fitting;
    return TOK_OK;
}

enum tok_err key_make(const struct key_spec *spec, struct key **ret, struct errmsg *errmsg)
{
    KEY_ERRORS_DROP;
    CLEANUP(cleanup_key) struct key *key = NULL;
    const struct alg *alg = alg_first(spec->algs);
    enum tok_err err = key_rules(alg, spec->parts, errmsg);

    if (err)
        return err;
    /* key_generate() sets the kid later. */
    key = calloc(1, sizeof(*key) + (spec->kid.n ? spec->kid.n : KEY_KID_LEN));
    if (!key)
        return TOK_NO_MEMORY;
    key->alg = alg;
    key->algs = spec->algs;
    key->ctx = spec->ctx;
    key->is_private = spec->is_private;
    key->sig_len = alg->sig_len;
    set_kid(key, spec->kid);
    err = key->alg->kind == ALG_OCT ? make_secret(key, spec->parts)
                                    : make_pair(key, spec->parts, errmsg);
    if (err)
        return err;
    *ret = key;
    key = NULL;
    return TOK_OK;
}

static enum tok_err generate_pair(OSSL_LIB_CTX *ctx, const struct alg *alg,
                                  struct key_parts *ret)
{
    CLEANUP(cleanup_pkey) EVP_PKEY *pkey = NULL;

    if (alg->kind == ALG_RSA)
        pkey = EVP_PKEY_Q_keygen(ctx, NULL, alg->ossl, (size_t)KEY_RSA_BITS);
    else
        pkey = EVP_PKEY_Q_keygen(ctx, NULL, alg->ossl,
                                 alg->crv); /* only EC has the last argument */
    return pkey ? key_parts_of_pkey(pkey, alg, KEY_PRIVATE, ret) : TOK_CRYPTO;
}

static enum tok_err generate_octets(OSSL_LIB_CTX *ctx, const struct alg *alg,
                                    struct key_parts *ret)
{
    enum tok_err err = secret_alloc(alg->part_len, &ret->room);

    if (err)
        return err;
    if (RAND_priv_bytes_ex(ctx, (uint8_t *)ret->room.p, ret->room.n, 0) != 1)
        return TOK_CRYPTO;
    ret->at[OCT_K] = secret_slice(&ret->room);
    return TOK_OK;
}

enum tok_err key_generate(OSSL_LIB_CTX *ctx, const struct alg *alg, struct key **ret)
{
    KEY_ERRORS_DROP;
    CLEANUP(key_parts_clear) struct key_parts parts = {0};
    CLEANUP(cleanup_key) struct key *key = NULL;
    const struct key_spec spec = {
        .ctx = ctx, .algs = alg_bit(alg), .is_private = true, .parts = &parts};
    char thumbprint[KEY_THUMBPRINT_LEN];
    enum tok_err err;

    err = alg->kind == ALG_OCT ? generate_octets(ctx, alg, &parts)
                               : generate_pair(ctx, alg, &parts);
    if (!err)
        err = key_make(&spec, &key, NULL);
    if (!err)
        err = key_thumbprint(key, thumbprint);
    if (err)
        return err;
    set_kid(key, (struct slice){thumbprint, KEY_KID_LEN});
    *ret = key;
    key = NULL;
    return TOK_OK;
}

enum tok_err key_parts_of(const struct key *key, enum key_part part, struct key_parts *ret)
{
    struct key_parts parts = {0};
    enum tok_err err;

    if (part == KEY_PRIVATE && !key->is_private)
        return TOK_KEYS;
    if (key->pkey)
        return key_parts_of_pkey(key->pkey, key->alg, part, ret);
    err = secret_copy(secret_slice(&key->octets), &parts.room);
    if (err)
        return err;
    parts.at[OCT_K] = secret_slice(&parts.room);
    *ret = parts;
    return TOK_OK;
}
