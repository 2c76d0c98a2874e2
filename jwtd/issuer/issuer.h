/*
 * jwtd-issuer: the state that answering a request needs. The handlers of requests/ work on it,
 * each within a turn of the loop (turn.h).
 */
#pragma once

#include "common/token/policy.h"
#include "jwtd/issuer/keys/issuer_names.h"
#include "jwtd/issuer/keys/keys.h"
#include "jwtd/issuer/login_client.h"
#include "jwtd/issuer/store/store.h"
#include "jwtd/shared/service.h"

struct fleet_keys;
struct own_bundle;

struct issuer {
    struct service service;
    const char *state_dir, *public_dir, *modules_dir;
    char *keys_dir; /* in state_dir */
    bool is_daemon; /* not --init: nothing else writes keys and public files */
    bool is_copy;   /* the keys were used on another machine */

    /* Loaded by load.c; in use when `usable`. */
    bool usable; /* and the public files are up to date */
    struct signing_keys keys;
    struct fleet_keys *fleet; /* of other issuers (fleet_keys.h); NULL: not read */
    uint64_t followed_at;     /* monotonic: read last because of a token of an unknown key */
    unsigned key_changes;     /* how often a key that verifies was removed or added */
    struct own_bundle *bundle;
    struct issuer_names names;
    struct issuer_names wanted; /* by the settings, if not in force yet; else empty */
    struct policy policy;       /* of our own tokens; does not check token_type */
    struct store *store;

    uint64_t next_try; /* monotonic: load again no earlier */
    uint64_t lost_at;  /* monotonic: when the store failed last */
    bool write_failed; /* the store, or nearly no space: state_can_write clears it */
    bool publish_due;  /* a revoked session is not in the file `revoked` yet */
    sd_event_source *publish_timer, *follow_timer;
    bool clock_is_behind; /* logged already */

    struct login_client login;
};

/* The failure of the store as an error: TOK_FILE. */
enum tok_err issuer_store_error(const struct issuer *x, struct errmsg *errmsg);

/* Calls fn in a new transaction, which is rolled back after an error. */
enum tok_err issuer_transact(struct issuer *x,
                             enum tok_err (*fn)(struct issuer *x, struct errmsg *errmsg),
                             struct errmsg *errmsg) MUST_CHECK;

/* The wall clock, microseconds since the Epoch; with a shared store, the database's, which
 * setting the clock of this host does not change. */
uint64_t issuer_wall_us(const struct issuer *x);

/* The same in seconds. */
int64_t issuer_wall(const struct issuer *x);

/* The earlier of two times, the shorter of two spans. */
static inline int64_t issuer_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Seconds since boot, suspend included. */
int64_t issuer_uptime(void);

/* The store's time (store_time). Logs an alert when the wall clock falls behind it by more than
 * CLOCK_SLACK. */
int64_t issuer_time(struct issuer *x);
