/*
 * The signature algorithms (RFC 7518 3.1, RFC 8037 3.1), a row of a table each. Nothing here
 * calls libcrypto, so programs without keys can use the names.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

/* The kinds of keys: RFC 7518 6.4, 6.3, 6.2 and RFC 8037 2. */
enum alg_kind {
    ALG_OCT,
    ALG_RSA,
    ALG_EC,
    ALG_OKP,
};

struct alg {
    const char *name;  /* JOSE "alg": "EdDSA" */
    const char *alias; /* another name (RFC 9864), or NULL */
    enum alg_kind kind;
    bool pss;           /* RSASSA-PSS: MGF1 with the digest, a salt as long as the digest */
    const char *kty;    /* "OKP" */
    const char *crv;    /* "Ed25519"; NULL for RSA and oct */
    const char *ossl;   /* key type of libcrypto: "ED25519"; NULL for oct */
    const char *digest; /* of libcrypto; NULL where the scheme includes one */
    size_t sig_len;     /* bytes of a signature; 0: depends on the key */
    size_t part_len;    /* bytes of x, y and d; the minimum for k; 0: depends on the key */
};

/* The names of all rows, in their order, for messages. */
#define ALG_NAMES                                                                              \
    "EdDSA ES256 ES384 ES512 RS256 RS384 RS512 PS256 PS384 PS512 HS256 HS384 HS512"

/* A bit for each row of the table. */
typedef uint32_t alg_set;

/* The row of this name or alias, or NULL. Names are case-sensitive; "none" is not one. */
const struct alg *alg_find(struct slice name);

/* The first row of a set, or NULL. */
const struct alg *alg_first(alg_set set);

/* The rows by index; NULL behind the last. */
const struct alg *alg_at(size_t i);

alg_set alg_bit(const struct alg *a);

/* All rows but those of HMAC: the default of algorithms=. */
alg_set alg_set_default(void);
