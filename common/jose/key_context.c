#include "common/jose/key_object.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

static enum tok_err make_mac(struct key *key)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)key->alg->digest, 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(key->ctx, "HMAC", NULL);

    if (!hmac)
        return TOK_CRYPTO;
    key->mac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac); /* the context has a reference of its own */
    if (!key->mac)
        return TOK_NO_MEMORY;
    return EVP_MAC_init(key->mac, (const uint8_t *)key->octets.p, key->octets.n, params) == 1
               ? TOK_OK
               : TOK_CRYPTO;
}

/* RFC 7518 3.5: MGF1 with the digest of the message, which is the default, and a salt as long
 * as the digest. */
static bool set_pss(EVP_PKEY_CTX *c)
{
    return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* EVP_DigestVerifyInit_ex or EVP_DigestSignInit_ex */
typedef int (*init_fn)(EVP_MD_CTX *, EVP_PKEY_CTX **, const char *, OSSL_LIB_CTX *,
                       const char *, EVP_PKEY *, const OSSL_PARAM *);

static enum tok_err make_pair(const struct key *key, const struct alg *alg, init_fn init,
                              EVP_MD_CTX **ret)
{
    EVP_PKEY_CTX *inner; /* owned by *ret */

    *ret = EVP_MD_CTX_new();
    if (!*ret)
        return TOK_NO_MEMORY;
    if (init(*ret, &inner, alg->digest, key->ctx, NULL, key->pkey, NULL) != 1 ||
        (alg->pss && !set_pss(inner)))
        return TOK_CRYPTO;
    /* Each copy serves once, so libcrypto need not copy it again to finish. */
    EVP_MD_CTX_set_flags(*ret, EVP_MD_CTX_FLAG_FINALISE);
    return TOK_OK;
}

enum tok_err key_context_verify(const struct key *key, const struct alg *alg, EVP_MD_CTX **ret)
{
    return make_pair(key, alg, EVP_DigestVerifyInit_ex, ret);
}

enum tok_err key_context_make(struct key *key)
{
    enum tok_err err;

    if (key->alg->kind == ALG_OCT)
        return make_mac(key);
    err = key_context_verify(key, key->alg, &key->verify);
    if (err || !key->is_private)
        return err;
    return make_pair(key, key->alg, EVP_DigestSignInit_ex, &key->sign);
}

void key_context_clear(struct key *key)
{
    EVP_MAC_CTX_free(key->mac);
    EVP_MD_CTX_free(key->verify);
    EVP_MD_CTX_free(key->sign);
}
