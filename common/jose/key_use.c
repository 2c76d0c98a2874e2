#include "common/jose/key_errors.h"
#include "common/jose/key_object.h"

#include <openssl/ecdsa.h>

DEFINE_CLEANUP(EVP_MD_CTX *, cleanup_md_ctx, EVP_MD_CTX_free)
DEFINE_CLEANUP(ECDSA_SIG *, cleanup_ecdsa_sig, ECDSA_SIG_free)

#define DER_MAX (3 + 2 * (3 + 66)) /* bytes of an ECDSA-Sig-Value of P-521 */

/* HMAC */

static enum tok_err make_mac(const struct key *key, struct slice input,
                             uint8_t ret[EVP_MAX_MD_SIZE])
{
    KEY_ERRORS_DROP;
    size_t n;

    /* Without a key, EVP_MAC_init() starts again with the one that the context has. */
    if (EVP_MAC_init(key->mac, NULL, 0, NULL) != 1 ||
        EVP_MAC_update(key->mac, (const uint8_t *)input.p, input.n) != 1 ||
        EVP_MAC_final(key->mac, ret, &n, EVP_MAX_MD_SIZE) != 1 || n != key->sig_len)
        return TOK_CRYPTO;
    return TOK_OK;
}

static enum tok_err verify_mac(const struct key *key, struct slice input,
                               struct slice signature)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    enum tok_err err = make_mac(key, input, mac);

    if (!err && !secret_equal((struct slice){(const char *)mac, key->sig_len}, signature))
        err = TOK_SIGNATURE;
    secret_wipe(mac, sizeof(mac));
    return err;
}

/* Signatures of a key pair */

static enum tok_err copy_context(const EVP_MD_CTX *keyed, EVP_MD_CTX **ret)
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

/* Maps a result of EVP_DigestVerify() that is not 1. For an invalid signature it is 0 or, when
 * the signature is malformed, below 0 with an error in the queue. For a failure of libcrypto
 * there is a fatal error in the queue, or the result is below 0 without an error. Errors in a
 * queue that was not empty before may be old and are not considered. */
static enum tok_err map_openssl_error(int result, bool queue_was_empty)
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

static enum tok_err verify_in(EVP_MD_CTX *context, struct slice input, struct slice signature)
{
    KEY_ERRORS_DROP;
    int result = EVP_DigestVerify(context, (const uint8_t *)signature.p, signature.n,
                                  (const uint8_t *)input.p, input.n);

    return result == 1 ? TOK_OK : map_openssl_error(result, KEY_ERRORS_WERE_NONE);
}

static enum tok_err verify_pair(const struct key *key, struct slice input,
                                struct slice signature)
{
    CLEANUP(cleanup_md_ctx) EVP_MD_CTX *copy = NULL;
    enum tok_err err = copy_context(key->verify, &copy);

    return err ? err : verify_in(copy, input, signature);
}

static enum tok_err sign_pair(const struct key *key, struct slice input, uint8_t *ret,
                              size_t *ret_n)
{
    KEY_ERRORS_DROP;
    CLEANUP(cleanup_md_ctx) EVP_MD_CTX *copy = NULL;
    enum tok_err err = copy_context(key->sign, &copy);

    if (err)
        return err;
    return EVP_DigestSign(copy, ret, ret_n, (const uint8_t *)input.p, input.n) == 1
               ? TOK_OK
               : TOK_CRYPTO;
}

/* ECDSA: JOSE writes r and s at their full width (RFC 7518 3.4), libcrypto as DER. */

/* Takes both numbers over. */
static enum tok_err make_ecdsa_sig(struct slice signature, ECDSA_SIG **ret)
{
    const uint8_t *bytes = (const uint8_t *)signature.p;
    int half = (int)(signature.n / 2);
    BIGNUM *r = BN_bin2bn(bytes, half, NULL), *s = BN_bin2bn(bytes + half, half, NULL);
    ECDSA_SIG *sig = ECDSA_SIG_new();

    if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(sig);
        return TOK_NO_MEMORY;
    }
    *ret = sig;
    return TOK_OK;
}

static enum tok_err verify_ecdsa(const struct key *key, struct slice input,
                                 struct slice signature)
{
    KEY_ERRORS_DROP;
    CLEANUP(cleanup_ecdsa_sig) ECDSA_SIG *sig = NULL;
    uint8_t der[DER_MAX], *end = der;
    enum tok_err err = make_ecdsa_sig(signature, &sig);
    int n;

    if (err)
        return err;
    /* CVE-2022-21449: libraries took r = s = 0 for a signature of anything. That r and s are
     * below the order of the group is checked by libcrypto. */
    if (BN_is_zero(ECDSA_SIG_get0_r(sig)) || BN_is_zero(ECDSA_SIG_get0_s(sig)))
        return TOK_SIGNATURE;
    n = i2d_ECDSA_SIG(sig, &end);
    if (n <= 0)
        return TOK_CRYPTO;
    return verify_pair(key, input, (struct slice){(const char *)der, (size_t)n});
}

static enum tok_err sign_ecdsa(const struct key *key, struct slice input, uint8_t *ret)
{
    KEY_ERRORS_DROP;
    CLEANUP(cleanup_ecdsa_sig) ECDSA_SIG *sig = NULL;
    uint8_t der[DER_MAX];
    const uint8_t *p = der;
    size_t n = sizeof(der);
    int half = (int)(key->sig_len / 2);
    enum tok_err err = sign_pair(key, input, der, &n);

    if (!err)
        sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
    if (!err && (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, half) < 0 ||
                 BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + half, half) < 0))
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

enum tok_err key_verify_as(const struct key *key, const struct alg *alg, struct slice input,
                           struct slice signature)
{
    KEY_ERRORS_DROP;
    CLEANUP(cleanup_md_ctx) EVP_MD_CTX *context = NULL;
    enum tok_err err;

    if (!(key->algs & alg_bit(alg)))
        return TOK_ALG;
    if (alg == key->alg)
        return key_verify(key, input, signature);
    if (signature.n != key->sig_len)
        return TOK_SIGNATURE;
    err = key_context_verify(key, alg, &context);
    return err ? err : verify_in(context, input, signature);
}

static enum tok_err sign(const struct key *key, struct slice input, uint8_t *ret)
{
    size_t n = KEY_SIGNATURE_MAX;
    enum tok_err err;

    switch (key->alg->kind) {
    case ALG_OCT:
        return make_mac(key, input, ret);
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
    uint8_t signature[KEY_SIGNATURE_MAX];
    enum tok_err err;

    if (!key->is_private)
        return TOK_KEYS;
    err = sign(key, input, signature);
    if (!err)
        memcpy(ret, signature, key->sig_len);
    secret_wipe(signature, key->sig_len);
    return err;
}
