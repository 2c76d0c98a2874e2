/*
 * The issuer's own keys: private JWKs, one a file KID.jwk (0600) in a directory of mode 0700.
 * All of them are published and verify. The one that the file `signer` names signs
 * (signer.h); where there is no such file, or the key it names serves another algorithm,
 * the one whose file is the newest, and of files of one age the one whose kid comes first.
 * Secrets (HS) verify but are never published: whoever checks such tokens is given the secret
 * by hand. They don't stand beside pairs. A file that is wrong refuses the whole directory: a
 * key that silently went missing would refuse tokens that are good.
 */
#pragma once

#include "common/jose/keyset.h"
#include "jwtd/issuer/keys/signer.h"

struct signing_key {
    struct key *key; /* private */
    char *path;
    int64_t until; /* its last token has expired then (wall); 0: it signs, or nobody has said */
    char thumbprint[KEY_THUMBPRINT_LEN];
};

struct signing_keys {
    struct signing_key *keys; /* sorted by kid */
    size_t n;
    const struct key *signer; /* one of them */
    bool unsettled;           /* `signer` is there and names another: keys_settle is due */
    struct keyset *set;       /* the same, to verify with */
    char *jwks;               /* the JWK Set to publish, NUL-terminated, a newline last */
};

/* Reads the directory. TOK_KEYS with a sentence, also when it holds no key of this algorithm.
 */
enum tok_err keys_load(const char *dir, const struct alg *alg, struct signing_keys *ret,
                       struct errmsg *errmsg) MUST_CHECK;

/* Makes the directory, which must not be there, with one new key in it: whole or not at all.
 * TOK_FILE, TOK_KEYS. */
enum tok_err keys_make(const char *dir, const struct alg *alg,
                       struct errmsg *errmsg) MUST_CHECK;

/* Writes `signer`: this key of *keys signs from now on. Of all the others without a time of
 * their own the last token has expired at `until`. TOK_FILE, and then *keys is as before. */
enum tok_err keys_settle(const char *dir, struct signing_keys *keys, const struct key *signer,
                         int64_t until, struct errmsg *errmsg) MUST_CHECK;

/* Adds a new key to a directory in which `signer` names another: it signs nothing yet.
 * *ret_path is malloc'ed. */
enum tok_err keys_add(const char *dir, const struct alg *alg, char ret_kid[KEY_KID_LEN + 1],
                      char **ret_path, struct errmsg *errmsg) MUST_CHECK;

/* Takes a key's file away for good. The rest of *keys is loaded anew afterwards. TOK_FILE. */
enum tok_err keys_remove(const char *dir, const struct signing_key *key,
                         struct errmsg *errmsg) MUST_CHECK;

void keys_clear(struct signing_keys *keys);

/* The private key of this kid; NULL when there is none. */
const struct key *keys_find(const struct signing_keys *keys, const char *kid);

/* True when a key of this algorithm can stand beside these: secrets and pairs don't mix. */
bool keys_fit(const struct signing_keys *keys, const struct alg *alg);
