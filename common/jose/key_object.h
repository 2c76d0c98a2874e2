/* The inside of a key, for the key_*.c files. */
#pragma once

#include "common/jose/key_parts.h"

struct key {
    const struct alg *alg; /* the first of algs */
    alg_set algs;
    OSSL_LIB_CTX *ctx;
    EVP_PKEY *pkey;       /* NULL: oct */
    struct secret octets; /* oct: the secret */
    /* Keyed contexts. Each operation starts mac again, and works on a copy of the others. */
    EVP_MAC_CTX *mac;   /* oct */
    EVP_MD_CTX *verify; /* RSA, EC, OKP */
    EVP_MD_CTX *sign;   /* RSA, EC, OKP: of a private key */
    bool is_private;
    size_t sig_len;
    size_t kid_len; /* 0: none */
    char kid[];
};

/* What a key is made from. */
struct key_spec {
    OSSL_LIB_CTX *ctx;
    alg_set algs;     /* not empty, all of one kind; several: a public RSA key */
    bool is_private;  /* a secret (oct) has the same numbers either way */
    struct slice kid; /* empty: none */
    const struct key_parts *parts;
};

/* The only function that makes a key, so that every key has passed the rules. TOK_KEYS,
 * TOK_CRYPTO, TOK_NO_MEMORY. */
enum tok_err key_make(const struct key_spec *spec, struct key **ret,
                      struct errmsg *errmsg) MUST_CHECK;

/* Makes the contexts of a key that has its numbers (key_context.c). On an error the key owns
 * those that were made. TOK_CRYPTO, TOK_NO_MEMORY. */
enum tok_err key_context_make(struct key *key) MUST_CHECK;

/* Makes a context to verify by another algorithm of a public RSA key. TOK_CRYPTO,
 * TOK_NO_MEMORY. */
enum tok_err key_context_verify(const struct key *key, const struct alg *alg,
                                EVP_MD_CTX **ret) MUST_CHECK;
void key_context_clear(struct key *key);

/* The algorithms of a key that names none, from those that fit it. TOK_UNSUPPORTED,
 * TOK_KEYS: none, or too many. */
enum tok_err key_implied_algs(alg_set fitting, enum key_part part, alg_set *ret,
                              struct errmsg *errmsg) MUST_CHECK;

/* The numbers of a key. KEY_PRIVATE of a public key: TOK_KEYS. TOK_CRYPTO, TOK_NO_MEMORY. */
enum tok_err key_parts_of(const struct key *key, enum key_part part,
                          struct key_parts *ret) MUST_CHECK;
