/*
 * Key rotation: a new key signs, and the old one stays published until the last token it signed
 * has expired. The steps on disk, each of them atomic: `signer` names the old key; the new
 * key's file is created; jwks.json has both; `signer` names the new key and says until when the
 * old one is needed. After a crash between any two of them, keys sign and verify as before.
 *
 * The caller holds the lock of the state directory.
 */
#pragma once

#include "jwtd/issuer/keys/keys.h"

struct key_rotation {
    struct signing_keys *keys;   /* in use; loaded again after each change */
    const char *dir;             /* of the private keys */
    const char *public_dir;      /* of jwks.json; NULL: bundle keys, which are not in it */
    const struct alg *algorithm; /* Algorithm=: of the key that signs */
    int64_t last_exp;            /* wall: no token signed until now is valid after this */
};

/* Creates and publishes a key of this algorithm, which signs nothing yet; from > 0: it signs
 * from this wall time on. On an error there is at most one key more, which does not wait.
 * TOK_FILE, TOK_KEYS. */
enum tok_err rotation_add(const struct key_rotation *r, const struct alg *alg, int64_t from,
                          char ret_kid[KEY_KID_LEN + 1], struct errmsg *errmsg) MUST_CHECK;

/* From now on this key of r->keys signs, and every other key has a time until which it is
 * needed. After an error it is not known which key `signer` names. TOK_FILE. */
enum tok_err rotation_sign_with(const struct key_rotation *r, const struct key *signer,
                                struct errmsg *errmsg) MUST_CHECK;

/* Writes `signer` where a key has no time yet: such a key was added or replaced by hand, and is
 * needed as long as any token signed until now. TOK_FILE. */
enum tok_err rotation_complete(const struct key_rotation *r, struct errmsg *errmsg) MUST_CHECK;

/* True when this key may be removed: it does not sign, and its last token has expired. */
bool rotation_expired(const struct signing_keys *keys, const struct signing_key *key,
                      int64_t now);

/* Removes the key of this kid, which has expired, and publishes the rest. TOK_FILE, TOK_KEYS.
 */
enum tok_err rotation_remove(const struct key_rotation *r, struct slice kid,
                             struct errmsg *errmsg) MUST_CHECK;
