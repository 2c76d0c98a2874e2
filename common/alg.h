/*
 * The signature algorithms (RFC 7518 3.1, RFC 8037 3.1): one const table, one row each. Adding
 * one is adding a row. Data alone: nothing here calls libcrypto, so settings and daemons
 * without keys can know the names.
 */
#pragma once

#include "error.h"

struct alg {
    const char *name;   /* JOSE "alg": "EdDSA" */
    const char *alias;  /* another spelling of the same (RFC 9864), or NULL */
    const char *kty;    /* "OKP" */
    const char *crv;    /* "Ed25519", or NULL */
    const char *ossl;   /* libcrypto's key type: "ED25519" */
    const char *digest; /* libcrypto's digest, NULL where the scheme has its own */
    size_t sig_len;     /* bytes of a signature, exactly */
    size_t public_len;  /* bytes of x, exactly */
    size_t private_len; /* bytes of d, exactly */
};

/* One bit a row of the table. */
typedef uint32_t alg_set;

/* The row of this name or alias, exact case; NULL for anything else, "none" among it. */
const struct alg *alg_find(struct slice name);

/* The row that a JWK of this kty and crv implies; NULL when none or more than one would fit. */
const struct alg *alg_of_curve(struct slice kty, struct slice crv);

/* Rows by number, NULL past the last. */
const struct alg *alg_at(size_t i);

alg_set alg_bit(const struct alg *a);

/* Every row but the HMAC ones: the default of algorithms=. */
alg_set alg_set_default(void);
