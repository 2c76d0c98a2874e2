/*
 * The issuer's own keys: private JWKs, one a file KID.jwk (0600) in a directory of mode 0700.
 * All of them are published and verify; the one whose file is the newest signs, and of files of
 * one age the one whose kid comes first. Secrets (HS) verify but are never published: whoever
 * checks such tokens is given the secret by hand. They don't stand beside pairs. A file that is
 * wrong refuses the whole directory: a key that silently went missing would refuse tokens that
 * are good.
 */
#pragma once

#include "keyset.h"

struct signing_keys {
    struct key **keys; /* private, sorted by kid */
    size_t n;
    const struct key *signer; /* one of them */
    struct keyset *set;       /* the same, to verify with */
    char *jwks;               /* the JWK Set to publish, NUL-terminated, a newline last */
};

/* Reads the directory. TOK_KEYS with a sentence, also when it holds no key of this algorithm.
 */
enum tok_err keys_load(const char *dir, const struct alg *alg, struct signing_keys *ret,
                       struct why *why) MUST_CHECK;

/* Makes the directory, which must not be there, with one new key in it: whole or not at all.
 * TOK_FILE, TOK_KEYS. */
enum tok_err keys_make(const char *dir, const struct alg *alg, struct why *why) MUST_CHECK;

void keys_clear(struct signing_keys *keys);

/* The private key of this kid; NULL when there is none. */
const struct key *keys_find(const struct signing_keys *keys, const char *kid);
