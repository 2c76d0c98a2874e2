/*
 * The signature algorithms (RFC 7518 3.1, RFC 8037 3.1): one const table, one row each. Adding
 * one of a known kind is adding a row. Data alone: nothing here calls libcrypto, so settings
 * and daemons without keys can know the names.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

/* What a key of the algorithm is made of: RFC 7518 6.4, 6.3, 6.2 and RFC 8037 2. */
enum alg_kind {
    ALG_OCT,
    ALG_RSA,
    ALG_EC,
    ALG_OKP,
};

struct alg {
    const char *name;  /* JOSE "alg": "EdDSA" */
    const char *alias; /* another spelling of the same (RFC 9864), or NULL */
    enum alg_kind kind;
    bool pss;           /* RSASSA-PSS: MGF1 with the same digest, salt as long as it */
    const char *kty;    /* "OKP" */
    const char *crv;    /* "Ed25519"; NULL for RSA and oct */
    const char *ossl;   /* libcrypto's key type: "ED25519"; NULL for oct */
    const char *digest; /* libcrypto's digest, NULL where the scheme has its own */
    size_t sig_len;     /* bytes of a signature, exactly; 0: the key says (key_sig_len) */
    size_t part_len;    /* bytes of x, y and d, exactly; of k, at least; 0: the key says */
};

/* The names of all rows, in their order, for messages. */
#define ALG_NAMES                                                                              \
    "EdDSA ES256 ES384 ES512 RS256 RS384 RS512 PS256 PS384 PS512 HS256 HS384 HS512"

/* One bit a row of the table. */
typedef uint32_t alg_set;

/* The row of this name or alias, exact case; NULL for anything else, "none" among it. */
const struct alg *alg_find(struct slice name);

/* The first row among the set that takes a key of this kty and crv (crv.p NULL: it has none),
 * and how many rows do; NULL and 0 when none. */
const struct alg *alg_fitting(alg_set among, struct slice kty, struct slice crv, size_t *ret_n);

/* Rows by number, NULL past the last. */
const struct alg *alg_at(size_t i);

alg_set alg_bit(const struct alg *a);

/* Every row but the HMAC ones: the default of algorithms=. */
alg_set alg_set_default(void);
