#include "key.h"

#include "base64url.h"
#include "emit.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct key {
    const struct alg *alg;
    OSSL_LIB_CTX *ctx;
    EVP_PKEY *pkey;
    EVP_MD_CTX *verify;
    EVP_MD_CTX *sign; /* NULL: a public key */
    uint8_t x[KEY_RAW_MAX];
    size_t kid_len; /* 0: none */
    char kid[KEY_KID_MAX];
};

DEFINE_CLEANUP(EVP_MD_CTX *, cleanup_md_ctx, EVP_MD_CTX_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, cleanup_pkey_ctx, EVP_PKEY_CTX_free)

/* libcrypto's error queue is the caller's too: what we put there is taken off again. An empty
 * queue takes no mark, and is then emptied whole, which is what it was. */
static inline void errors_forget(const int *mark)
{
    (void)mark;
    (void)ERR_pop_to_mark();
}

#define QUIET_ERRORS                                                                           \
    CLEANUP(errors_forget) __attribute__((unused)) const int errors_mark_ = ERR_set_mark()

void key_free(struct key *key)
{
    if (!key)
        return;
    EVP_MD_CTX_free(key->verify);
    EVP_MD_CTX_free(key->sign);
    EVP_PKEY_free(key->pkey);
    free(key);
}

const struct alg *key_alg(const struct key *key)
{
    return key->alg;
}

struct slice key_kid(const struct key *key)
{
    return (struct slice){key->kid, key->kid_len};
}

/* y < 2^255 - 19 */
static bool is_reduced(const uint8_t y[32])
{
    bool big = y[31] == 0x7f && y[0] >= 0xed;

    for (size_t i = 1; big && i < 31; i++)
        big = y[i] == 0xff;
    return !big;
}

/*
 * Points by which a signature says nothing. Those of order 1, 2, 4 and 8 hold for (nearly) any
 * message once R and S fit (Cremers, Jackson, "Prime, Order Please!", 2019, table 2): they are
 * the five y below, with either sign of x. A y of p = 2^255 - 19 or more is no encoding at all
 * (RFC 8032 5.1.3), yet libcrypto reduces it. A y off the curve needs no check here: under it
 * no signature holds.
 */
static bool ed25519_point_ok(const uint8_t x[32])
{
    static const uint8_t small_order_y[][32] = {
        {0},
        {1},
        {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
         0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
         0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
         0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
         0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    };
    uint8_t y[32];

    memcpy(y, x, sizeof(y));
    y[31] &= 0x7f;
    if (!is_reduced(y))
        return false;
    for (size_t i = 0; i < sizeof(small_order_y) / sizeof(small_order_y[0]); i++)
        if (memcmp(y, small_order_y[i], sizeof(y)) == 0)
            return false;
    return true;
}

/* The contexts of key->pkey that checks and signatures are copied from. */
static enum tok_err make_contexts(struct key *key, enum key_part part)
{
    const char *digest = key->alg->digest;

    key->verify = EVP_MD_CTX_new();
    if (!key->verify)
        return TOK_NO_MEMORY;
    if (EVP_DigestVerifyInit_ex(key->verify, NULL, digest, key->ctx, NULL, key->pkey, NULL) !=
        1)
        return TOK_CRYPTO;
    if (part == KEY_PUBLIC)
        return TOK_OK;
    key->sign = EVP_MD_CTX_new();
    if (!key->sign)
        return TOK_NO_MEMORY;
    if (EVP_DigestSignInit_ex(key->sign, NULL, digest, key->ctx, NULL, key->pkey, NULL) != 1)
        return TOK_CRYPTO;
    return TOK_OK;
}

/* Takes pkey over, also on failure. */
static enum tok_err make_key(OSSL_LIB_CTX *ctx, const struct alg *alg, EVP_PKEY *pkey,
                             enum key_part part, struct key **ret)
{
    CLEANUP(cleanup_key) struct key *key = calloc(1, sizeof(*key));
    size_t x_len = sizeof(key->x);
    enum tok_err err;

    if (!key) {
        EVP_PKEY_free(pkey);
        return TOK_NO_MEMORY;
    }
    *key = (struct key){.alg = alg, .ctx = ctx, .pkey = pkey};
    if (EVP_PKEY_get_raw_public_key(pkey, key->x, &x_len) != 1 || x_len != alg->public_len)
        return TOK_CRYPTO;
    if (!ed25519_point_ok(key->x))
        return TOK_KEYS;
    err = make_contexts(key, part);
    if (err)
        return err;
    *ret = key;
    key = NULL;
    return TOK_OK;
}

enum tok_err key_from_raw(OSSL_LIB_CTX *ctx, const struct alg *alg, enum key_part part,
                          const uint8_t *bytes, struct slice kid, struct key **ret)
{
    QUIET_ERRORS;
    struct key *key;
    EVP_PKEY *pkey;
    enum tok_err err;

    if (kid.n > KEY_KID_MAX)
        return TOK_KEYS;
    if (part == KEY_PUBLIC)
        pkey = EVP_PKEY_new_raw_public_key_ex(ctx, alg->ossl, NULL, bytes, alg->public_len);
    else
        pkey = EVP_PKEY_new_raw_private_key_ex(ctx, alg->ossl, NULL, bytes, alg->private_len);
    if (!pkey)
        return TOK_CRYPTO;
    err = make_key(ctx, alg, pkey, part, &key);
    if (err)
        return err;
    if (kid.n)
        memcpy(key->kid, kid.p, kid.n);
    key->kid_len = kid.n;
    *ret = key;
    return TOK_OK;
}

struct slice key_raw_public(const struct key *key)
{
    return (struct slice){(const char *)key->x, key->alg->public_len};
}

enum tok_err key_raw_private(const struct key *key, struct secret *ret)
{
    QUIET_ERRORS;
    size_t len = key->alg->private_len;
    enum tok_err err;

    if (!key->sign)
        return TOK_KEYS;
    err = secret_alloc(len, ret);
    if (err)
        return err;
    if (EVP_PKEY_get_raw_private_key(key->pkey, (uint8_t *)ret->p, &len) == 1 && len == ret->n)
        return TOK_OK;
    secret_clear(ret);
    return TOK_CRYPTO;
}

enum tok_err key_thumbprint(const struct key *key, char ret[KEY_THUMBPRINT_LEN])
{
    QUIET_ERRORS;
    char text[160];
    struct emit out = {.p = text, .size = sizeof(text)};
    uint8_t digest[32];
    size_t len = sizeof(digest);

    /* The members that RFC 7638 3.2 asks for, in the order of their names. */
    emit_begin(&out);
    emit_member_string(&out, "crv", (struct slice){key->alg->crv, strlen(key->alg->crv)});
    emit_member_string(&out, "kty", (struct slice){key->alg->kty, strlen(key->alg->kty)});
    emit_member_base64url(&out, "x", key_raw_public(key));
    emit_end(&out);
    if (out.n > sizeof(text) ||
        EVP_Q_digest(key->ctx, "SHA256", NULL, text, out.n, digest, &len) != 1)
        return TOK_CRYPTO;
    base64url_encode((struct slice){(const char *)digest, sizeof(digest)}, ret);
    return TOK_OK;
}

static enum tok_err set_own_kid(struct key *key)
{
    char thumbprint[KEY_THUMBPRINT_LEN];
    enum tok_err err = key_thumbprint(key, thumbprint);

    if (err)
        return err;
    memcpy(key->kid, thumbprint, KEY_KID_LEN);
    key->kid_len = KEY_KID_LEN;
    return TOK_OK;
}

enum tok_err key_generate(OSSL_LIB_CTX *ctx, const struct alg *alg, struct key **ret)
{
    QUIET_ERRORS;
    CLEANUP(cleanup_pkey_ctx)
    EVP_PKEY_CTX *generator = EVP_PKEY_CTX_new_from_name(ctx, alg->ossl, NULL);
    CLEANUP(cleanup_key) struct key *key = NULL;
    EVP_PKEY *pkey = NULL;
    enum tok_err err;

    if (!generator || EVP_PKEY_keygen_init(generator) != 1 ||
        EVP_PKEY_generate(generator, &pkey) != 1)
        return TOK_CRYPTO;
    err = make_key(ctx, alg, pkey, KEY_PRIVATE, &key);
    if (err)
        return err;
    err = set_own_kid(key);
    if (err)
        return err;
    *ret = key;
    key = NULL;
    return TOK_OK;
}

/* A copy of a keyed context, so that the key itself stays as it is. */
static enum tok_err copy_keyed(const EVP_MD_CTX *keyed, EVP_MD_CTX **ret)
{
    CLEANUP(cleanup_md_ctx) EVP_MD_CTX *copy = EVP_MD_CTX_new();

    if (!copy)
        return TOK_NO_MEMORY;
    if (EVP_MD_CTX_copy_ex(copy, keyed) != 1)
        return TOK_CRYPTO;
    *ret = copy;
    copy = NULL;
    return TOK_OK;
}

enum tok_err key_verify(const struct key *key, struct slice input, struct slice signature)
{
    QUIET_ERRORS;
    CLEANUP(cleanup_md_ctx) EVP_MD_CTX *once = NULL;
    enum tok_err err;

    if (signature.n != key->alg->sig_len)
        return TOK_SIGNATURE;
    err = copy_keyed(key->verify, &once);
    if (err)
        return err;
    if (EVP_DigestVerify(once, (const uint8_t *)signature.p, signature.n,
                         (const uint8_t *)input.p, input.n) != 1)
        return TOK_SIGNATURE;
    return TOK_OK;
}

enum tok_err key_sign(const struct key *key, struct slice input, void *ret)
{
    QUIET_ERRORS;
    CLEANUP(cleanup_md_ctx) EVP_MD_CTX *once = NULL;
    uint8_t signature[KEY_SIGNATURE_MAX];
    size_t len = sizeof(signature);
    enum tok_err err;

    if (!key->sign)
        return TOK_KEYS;
    err = copy_keyed(key->sign, &once);
    if (err)
        return err;
    if (EVP_DigestSign(once, signature, &len, (const uint8_t *)input.p, input.n) != 1 ||
        len != key->alg->sig_len)
        return TOK_CRYPTO;
    memcpy(ret, signature, len);
    return TOK_OK;
}
