/*
 * The issuer's bundle (common/token/bundle.h): its bundle keys, and the signed text.
 *
 * The directory has the private bundle keys in the form of keys.h. The key that `signer` names
 * signs; the times there order the earlier ones. Its file `state` has the line "EPOCH SEQ
 * PRUNED", written before a bundle with these numbers is signed, so that no two bundles have
 * one seq. A restored directory has an old seq; the clock is then ahead of it. Without the
 * file, epoch and seq begin again (jwtctl sync --reset).
 *
 * Issuers that share a store serve one bundle (shared_bundle.h). The numbers in `state` are
 * then the least that this issuer accepts and signs.
 */
#pragma once

#include "common/token/bundle.h"
#include "jwtd/issuer/keys/keys.h"

struct own_bundle {
    char *dir;
    struct signing_keys keys;
    int64_t epoch, seq;
    int64_t pruned_until;          /* lines that expire by then are dropped; never decreases */
    struct revoked_digest revoked; /* of the file as it was published last */
    struct stat list;              /* of this file; zero: not published yet */
    int64_t list_pruned;           /* pruned_until, then */
    uint64_t restored;             /* sessions of this file that a shared store lacked */
    struct secret text;            /* empty: sign anew */
    uint64_t signed_at, iat;       /* wall: microseconds, seconds */
    uint64_t next_warning;         /* monotonic: of an invalid bundle in the store */
    struct secret document;        /* our keys, for other issuers; empty: sign anew */
};

/* Reads the directory; creates it, with a key, when it is missing. TOK_KEYS, TOK_FILE. */
enum tok_err own_bundle_load(struct own_bundle *b, struct errmsg *errmsg) MUST_CHECK;
void own_bundle_clear(struct own_bundle *b);

/* Something in the bundle has changed: the next one is signed anew. */
void own_bundle_changed(struct own_bundle *b);

/* The same of our keys, their states, the names or the bundle keys: the key document, too. */
void own_bundle_keys_changed(struct own_bundle *b);

/* Writes the file `state`. TOK_FILE. */
enum tok_err own_bundle_record(const struct own_bundle *b, struct errmsg *errmsg) MUST_CHECK;

/* What a bundle of these keys says now, but for its times and seq. The keys are not copied. */
void own_bundle_fill(const struct own_bundle *b, const struct signing_keys *keys,
                     const char *issuer, struct bundle *ret);

/* b->document becomes the key document (bundle.h) of these keys without those of peers. wall:
 * microseconds. TOK_FILE, TOK_TOO_LONG. */
enum tok_err own_bundle_sign_keys(struct own_bundle *b, const struct signing_keys *keys,
                                  const char *issuer, uint64_t wall,
                                  struct errmsg *errmsg) MUST_CHECK;

/* b->text is the bundle of these keys; signed at most OWN_BUNDLE_REUSE ago unless something has
 * changed since. wall: microseconds. TOK_KEYS: keys are never published (HMAC). TOK_FILE. */
#define OWN_BUNDLE_REUSE (30 * SECOND)
enum tok_err own_bundle_sign(struct own_bundle *b, const struct signing_keys *keys,
                             const char *issuer, uint64_t wall,
                             struct errmsg *errmsg) MUST_CHECK;

/* The time for `signer` at which the present bundle key is replaced: after all times there, for
 * they are the order of the keys. wall: seconds. */
int64_t own_bundle_next_time(const struct own_bundle *b, int64_t wall);

/* Begins the next epoch: hosts accept the one that follows theirs, with any seq. TOK_FILE. */
enum tok_err own_bundle_new_epoch(struct own_bundle *b, struct errmsg *errmsg) MUST_CHECK;
