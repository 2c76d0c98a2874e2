#include "common/jose/key_parts.h"

#include <openssl/rsa.h>

/* PSS as RFC 7518 3.5 has it: MGF1 with the digest of the message, which is the default. */
static enum tok_err make_of_digest(const struct key *key, int (*init)(EVP_PKEY_CTX *),
                                   EVP_PKEY_CTX **ret)
{
    *ret = EVP_PKEY_CTX_new_from_pkey(key->ctx, key->pkey, NULL);
    if (!*ret)
        return TOK_NO_MEMORY;
    if (init(*ret) != 1 || EVP_PKEY_CTX_set_signature_md(*ret, key->digest) != 1)
        return TOK_CRYPTO;
    if (key->alg->pss && (EVP_PKEY_CTX_set_rsa_padding(*ret, RSA_PKCS1_PSS_PADDING) != 1 ||
                          EVP_PKEY_CTX_set_rsa_pss_saltlen(*ret, RSA_PSS_SALTLEN_DIGEST) != 1))
        return TOK_CRYPTO;
    return TOK_OK;
}

/* EVP_DigestVerifyInit_ex or EVP_DigestSignInit_ex */
typedef int (*init_fn)(EVP_MD_CTX *, EVP_PKEY_CTX **, const char *, OSSL_LIB_CTX *,
                       const char *, EVP_PKEY *, const OSSL_PARAM *);

static enum tok_err make_of_message(const struct key *key, init_fn init, EVP_MD_CTX **ret)
{
    *ret = EVP_MD_CTX_new();
    if (!*ret)
        return TOK_NO_MEMORY;
    return init(*ret, NULL, NULL, key->ctx, NULL, key->pkey, NULL) == 1 ? TOK_OK : TOK_CRYPTO;
}

static enum tok_err make_both_of_digest(struct key *key)
{
    enum tok_err err;

    key->digest = EVP_MD_fetch(key->ctx, key->alg->digest, NULL);
    if (!key->digest)
        return TOK_CRYPTO;
    err = make_of_digest(key, EVP_PKEY_verify_init, &key->verify.of_digest);
    if (err || !key->is_private)
        return err;
    return make_of_digest(key, EVP_PKEY_sign_init, &key->sign.of_digest);
}

static enum tok_err make_both_of_message(struct key *key)
{
    enum tok_err err = make_of_message(key, EVP_DigestVerifyInit_ex, &key->verify.of_message);

    if (err || !key->is_private)
        return err;
    return make_of_message(key, EVP_DigestSignInit_ex, &key->sign.of_message);
}

enum tok_err key_context_make(struct key *key)
{
    return key->alg->digest ? make_both_of_digest(key) : make_both_of_message(key);
}

static void clear(struct key_context *c)
{
    EVP_PKEY_CTX_free(c->of_digest);
    EVP_MD_CTX_free(c->of_message);
}

void key_context_clear(struct key *key)
{
    clear(&key->verify);
    clear(&key->sign);
    EVP_MD_free(key->digest);
}
