/*
 * The issuer's signing keys: private JWKs (RFC 7517), one per file KID.jwk of mode 0600 in a
 * directory of mode 0700. Every key verifies, and the public half of every key is published.
 *
 * The key named by the file `signer` (signer.h) signs. Where that file is missing, or names a
 * key of another algorithm, the key with the newest file signs; of equally old files, the one
 * whose kid sorts first.
 *
 * HMAC secrets verify but are never published, and cannot share the directory with key pairs.
 * One unusable file makes the whole directory unusable: tokens signed by a skipped key would be
 * refused without a visible reason.
 */
#pragma once

#include "common/jose/keyset.h"
#include "common/token/bundle.h"
#include "jwtd/issuer/keys/signer.h"

#define KEYS_KID_MAX 128 /* bytes of a kid */
#define KEYS_LISTED_MAX (KEYS_MAX + BUNDLE_KEYS_MAX)

struct signing_key {
    struct key *key; /* private */
    char *path;
    struct timespec mtime;
    int64_t until; /* wall clock: its last token has expired; 0: it signs, or not known */
    int64_t from;  /* wall clock: it waits to sign then; 0: it does not wait */
    char thumbprint[KEY_THUMBPRINT_LEN + 1];
};

struct signing_keys {
    struct signing_key *keys; /* sorted by kid */
    size_t n;
    const struct key *signer; /* one of them */
    bool signer_outdated;     /* the file `signer` names another key: keys_set_signer is due */
    const struct bundle *peers; /* its keys are those of other issuers; NULL: none */
    struct keyset *set;         /* our keys and theirs, to verify with */
    char *jwks;                 /* the JWK Set to publish, NUL-terminated, ends in a newline */
};

/* Reads the directory. TOK_KEYS with a sentence, also when no key has this algorithm. */
enum tok_err keys_load(const char *dir, const struct alg *alg, struct signing_keys *ret,
                       struct errmsg *errmsg) MUST_CHECK;
void keys_clear(struct signing_keys *keys);

/* From now on the keys of these other issuers verify, too, except those that have a kid of
 * ours. peers must stay as long as *keys, or until the next call. After an error *keys is
 * unchanged. */
enum tok_err keys_set_peers(struct signing_keys *keys, const struct bundle *peers,
                            struct errmsg *errmsg) MUST_CHECK;

/* A key that verifies, as other hosts see it. */
struct listed_key {
    const struct key *key;
    enum bundle_key_state state;
};

/* Orders keys by kid, as memcmp. */
int keys_compare(const struct key *a, const struct key *b);

/* Of one of our keys. */
enum bundle_key_state keys_state(const struct signing_keys *keys, const struct signing_key *k);

/* All of them, sorted by kid, so that each issuer of a database has the same list. Returns
 * their number. */
size_t keys_list(const struct signing_keys *keys, struct listed_key ret[KEYS_LISTED_MAX]);

/* Creates the directory, which must not exist, with one new key in it, atomically. TOK_FILE,
 * TOK_KEYS. */
enum tok_err keys_create(const char *dir, const struct alg *alg,
                         struct errmsg *errmsg) MUST_CHECK;

/* Writes the file `signer`: this key of *keys signs from now on. `until` becomes the time of
 * every other key that has none and does not wait, or waited for an earlier time than this one.
 * TOK_FILE, and then *keys is unchanged. */
enum tok_err keys_set_signer(const char *dir, struct signing_keys *keys,
                             const struct key *signer, int64_t until,
                             struct errmsg *errmsg) MUST_CHECK;

/* Writes a new key into a directory whose `signer` names another one: it signs nothing yet.
 * *ret_path is malloc'ed. */
enum tok_err keys_add(const char *dir, const struct alg *alg, char ret_kid[KEY_KID_LEN + 1],
                      char **ret_path, struct errmsg *errmsg) MUST_CHECK;

/* Deletes a key's file. Load the directory again afterwards. TOK_FILE. */
enum tok_err keys_remove(const char *dir, const struct signing_key *key,
                         struct errmsg *errmsg) MUST_CHECK;

/* The key of this algorithm that waited to sign until now at the latest, of several the last;
 * NULL: none. */
const struct key *keys_due(const struct signing_keys *keys, const struct alg *alg, int64_t now);

/* The private key of this kid; NULL: not found. */
const struct key *keys_find(const struct signing_keys *keys, const char *kid);

/* True when a key of this algorithm can be added: secrets and key pairs do not mix. */
bool keys_compatible(const struct signing_keys *keys, const struct alg *alg);
