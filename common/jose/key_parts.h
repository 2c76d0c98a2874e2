/*
 * The numbers a key consists of, as a JWK spells them (RFC 7518 6, RFC 8037 2). Every key is
 * made from them, whether it was read from a JWK, read from PEM or generated.
 */
#pragma once

#include "common/jose/key.h"

#include <openssl/evp.h>

#define KEY_MEMBERS 8 /* RSA has the most */

/* Indexes into struct key_parts, by kind; in the order of key_members. */
enum { RSA_N, RSA_E, RSA_D, RSA_P, RSA_Q, RSA_DP, RSA_DQ, RSA_QI };
enum { EC_X, EC_Y, EC_D };
enum { OKP_X, OKP_D };
enum { OCT_K };

struct key_member {
    const char *name; /* in a JWK */
    const char *ossl; /* libcrypto's parameter; NULL: none */
    bool secret;
};

/* The members of a kind in the usual order of a JWK. The last row has no name. */
const struct key_member *key_members(enum alg_kind kind);

/* Big-endian bytes of each member; an absent one is empty. */
struct key_parts {
    struct secret room; /* holds them all */
    size_t used;
    struct slice at[KEY_MEMBERS];
};

void key_parts_clear(struct key_parts *parts);

/* From a key object of libcrypto. TOK_CRYPTO when it lacks one of them, TOK_NO_MEMORY. */
enum tok_err key_parts_of_pkey(const EVP_PKEY *pkey, const struct alg *alg, enum key_part part,
                               struct key_parts *ret) MUST_CHECK;

/* The key object. TOK_KEYS when libcrypto refuses the numbers, TOK_CRYPTO. */
enum tok_err key_parts_to_pkey(OSSL_LIB_CTX *ctx, const struct alg *alg,
                               const struct key_parts *parts, EVP_PKEY **ret) MUST_CHECK;

DEFINE_CLEANUP(EVP_PKEY *, cleanup_pkey, EVP_PKEY_free)
