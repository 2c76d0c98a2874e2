#include "common/jose/key_parts.h"

#include <string.h>

DEFINE_CLEANUP(EVP_MD_CTX *, cleanup_md_ctx, EVP_MD_CTX_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, cleanup_pkey_ctx, EVP_PKEY_CTX_free)

#define DER_MAX (3 + 2 * (3 + 66)) /* an ECDSA-Sig-Value of P-521 */

/* HMAC */

static enum tok_err verify_mac(const struct key *key, struct slice input,
                               struct slice signature)
{
    UNINITIALIZED uint8_t mac[HMAC_MAX];
    enum tok_err err = key_hmac(key->alg, &key->hmac, input, mac);

    if (!err && !secret_equal((struct slice){(const char *)mac, key->sig_len}, signature))
        err = TOK_SIGNATURE;
    secret_wipe(mac, sizeof(mac));
    return err;
}

/* Signatures */

/* Does "no" mean the signature? libcrypto says no for its own sake too, below 0 or not, and
 * tells by an error that is fatal, or by nothing at all below 0. Only a queue that was empty
 * before is looked through: what is in it is new. */
static enum tok_err meaning_of(int result, bool queue_was_empty)
{
    unsigned long error = queue_was_empty ? ERR_get_error() : 0;
    enum tok_err err = result < 0 && queue_was_empty && !error ? TOK_CRYPTO : TOK_SIGNATURE;

    for (; error; error = ERR_get_error()) {
        if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
            return TOK_NO_MEMORY;
        if (ERR_FATAL_ERROR(error))
            err = TOK_CRYPTO;
    }
    return err;
}

/* A check or a signature works on a copy of the key's context, so that the key itself stays as
 * it is. */
static enum tok_err copy_of_message(const EVP_MD_CTX *keyed, EVP_MD_CTX **ret)
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

struct digest {
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned int n;
};

static enum tok_err copy_of_digest(const struct key *key, const EVP_PKEY_CTX *keyed,
                                   struct slice input, EVP_PKEY_CTX **ret,
                                   struct digest *ret_digest)
{
    if (EVP_Digest(input.p, input.n, ret_digest->bytes, &ret_digest->n, key->digest, NULL) != 1)
        return TOK_CRYPTO;
    *ret = EVP_PKEY_CTX_dup(keyed);
    return *ret ? TOK_OK : TOK_CRYPTO;
}

static enum tok_err verify_digest(const struct key *key, struct slice input,
                                  struct slice signature, int *ret)
{
    CLEANUP(cleanup_pkey_ctx) EVP_PKEY_CTX *once = NULL;
    UNINITIALIZED struct digest digest;
    enum tok_err err = copy_of_digest(key, key->verify.of_digest, input, &once, &digest);

    if (err)
        return err;
    *ret = EVP_PKEY_verify(once, (const uint8_t *)signature.p, signature.n, digest.bytes,
                           digest.n);
    return TOK_OK;
}

static enum tok_err verify_message(const struct key *key, struct slice input,
                                   struct slice signature, int *ret)
{
    CLEANUP(cleanup_md_ctx) EVP_MD_CTX *once = NULL;
    enum tok_err err = copy_of_message(key->verify.of_message, &once);

    if (err)
        return err;
    *ret = EVP_DigestVerify(once, (const uint8_t *)signature.p, signature.n,
                            (const uint8_t *)input.p, input.n);
    return TOK_OK;
}

static enum tok_err verify_pair(const struct key *key, struct slice input,
                                struct slice signature)
{
    QUIET_ERRORS;
    int result = 0;
    enum tok_err err = key->digest ? verify_digest(key, input, signature, &result)
                                   : verify_message(key, input, signature, &result);

    if (err)
        return err;
    return result == 1 ? TOK_OK : meaning_of(result, QUEUE_WAS_EMPTY);
}

static enum tok_err sign_digest(const struct key *key, struct slice input, uint8_t *ret,
                                size_t *ret_n)
{
    CLEANUP(cleanup_pkey_ctx) EVP_PKEY_CTX *once = NULL;
    UNINITIALIZED struct digest digest;
    enum tok_err err = copy_of_digest(key, key->sign.of_digest, input, &once, &digest);

    if (err)
        return err;
    return EVP_PKEY_sign(once, ret, ret_n, digest.bytes, digest.n) == 1 ? TOK_OK : TOK_CRYPTO;
}

static enum tok_err sign_message(const struct key *key, struct slice input, uint8_t *ret,
                                 size_t *ret_n)
{
    CLEANUP(cleanup_md_ctx) EVP_MD_CTX *once = NULL;
    enum tok_err err = copy_of_message(key->sign.of_message, &once);

    if (err)
        return err;
    return EVP_DigestSign(once, ret, ret_n, (const uint8_t *)input.p, input.n) == 1
               ? TOK_OK
               : TOK_CRYPTO;
}

static enum tok_err sign_pair(const struct key *key, struct slice input, uint8_t *ret,
                              size_t *ret_n)
{
    QUIET_ERRORS;

    return key->digest ? sign_digest(key, input, ret, ret_n)
                       : sign_message(key, input, ret, ret_n);
}

/* ECDSA: JOSE writes r and s at their full width (RFC 7518 3.4), libcrypto reads and writes
 * them as DER. */

/* A positive INTEGER, shortest form (X.690 8.3). Returns its bytes; 0: the number is zero. */
static size_t der_integer(const uint8_t *number, size_t n, uint8_t *ret)
{
    size_t pad;

    while (n && *number == 0) {
        number++;
        n--;
    }
    if (n == 0)
        return 0;
    pad = *number >> 7;
    ret[0] = 0x02;
    ret[1] = (uint8_t)(n + pad);
    ret[2] = 0;
    memcpy(ret + 2 + pad, number, n);
    return 2 + pad + n;
}

/* 0: r or s is zero, which no signature has and a careless check takes (CVE-2022-21449). That
 * they are below the group's order is libcrypto's to check. */
static size_t der_of(struct slice signature, uint8_t ret[DER_MAX])
{
    const uint8_t *r = (const uint8_t *)signature.p;
    size_t half = signature.n / 2, r_len, s_len, head;
    UNINITIALIZED uint8_t body[DER_MAX];

    r_len = der_integer(r, half, body);
    s_len = der_integer(r + half, half, body + r_len);
    if (r_len == 0 || s_len == 0)
        return 0;
    head = r_len + s_len < 0x80 ? 2 : 3;
    ret[0] = 0x30;
    ret[1] = 0x81;
    ret[head - 1] = (uint8_t)(r_len + s_len);
    memcpy(ret + head, body, r_len + s_len);
    return head + r_len + s_len;
}

static enum tok_err verify_ecdsa(const struct key *key, struct slice input,
                                 struct slice signature)
{
    UNINITIALIZED uint8_t der[DER_MAX];
    size_t n = der_of(signature, der);

    if (n == 0)
        return TOK_SIGNATURE;
    return verify_pair(key, input, (struct slice){(const char *)der, n});
}

/* An INTEGER at its full width; it is taken off. */
static bool take_integer(struct slice *der, size_t half, uint8_t *ret)
{
    const uint8_t *p = (const uint8_t *)der->p;
    size_t n;

    if (der->n < 2 || p[0] != 0x02 || p[1] > der->n - 2)
        return false;
    n = p[1];
    *der = (struct slice){der->p + 2 + n, der->n - 2 - n};
    for (p += 2; n && *p == 0; n--)
        p++;
    if (n > half)
        return false;
    memset(ret, 0, half - n);
    memcpy(ret + half - n, p, n);
    return true;
}

/* What libcrypto signed. Its ECDSA_SIG could be asked, for several allocations. */
static bool from_der(struct slice der, size_t half, uint8_t *ret)
{
    const uint8_t *p = (const uint8_t *)der.p;
    size_t head = der.n > 2 && p[1] == 0x81 ? 3 : 2;

    if (der.n < head || p[0] != 0x30 || p[head - 1] != der.n - head)
        return false;
    der = (struct slice){der.p + head, der.n - head};
    return take_integer(&der, half, ret) && take_integer(&der, half, ret + half) && der.n == 0;
}

static enum tok_err sign_ecdsa(const struct key *key, struct slice input, uint8_t *ret)
{
    UNINITIALIZED uint8_t der[DER_MAX];
    size_t n = sizeof(der);
    enum tok_err err = sign_pair(key, input, der, &n);

    if (!err && !from_der((struct slice){(const char *)der, n}, key->sig_len / 2, ret))
        err = TOK_CRYPTO;
    secret_wipe(der, sizeof(der));
    return err;
}

enum tok_err key_verify(const struct key *key, struct slice input, struct slice signature)
{
    if (signature.n != key->sig_len)
        return TOK_SIGNATURE;
    switch (key->alg->kind) {
    case ALG_OCT:
        return verify_mac(key, input, signature);
    case ALG_EC:
        return verify_ecdsa(key, input, signature);
    case ALG_RSA:
    case ALG_OKP:
        return verify_pair(key, input, signature);
    }
    return TOK_CRYPTO;
}

static enum tok_err sign(const struct key *key, struct slice input, uint8_t *ret)
{
    size_t n = KEY_SIGNATURE_MAX;
    enum tok_err err;

    switch (key->alg->kind) {
    case ALG_OCT:
        return key_hmac(key->alg, &key->hmac, input, ret);
    case ALG_EC:
        return sign_ecdsa(key, input, ret);
    case ALG_RSA:
    case ALG_OKP:
        err = sign_pair(key, input, ret, &n);
        return !err && n != key->sig_len ? TOK_CRYPTO : err;
    }
    return TOK_CRYPTO;
}

enum tok_err key_sign(const struct key *key, struct slice input, void *ret)
{
    UNINITIALIZED uint8_t signature[KEY_SIGNATURE_MAX];
    enum tok_err err;

    if (!key->is_private)
        return TOK_KEYS;
    err = sign(key, input, signature);
    if (err)
        return err;
    memcpy(ret, signature, key->sig_len);
    secret_wipe(signature, key->sig_len);
    return TOK_OK;
}
