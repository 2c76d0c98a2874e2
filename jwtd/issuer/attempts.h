/*
 * FailuresPerUser: wrong passwords are counted by the name that was asked for, whether there is
 * such an account or not, in a window that begins with its first failure. Checks under way
 * count as failures until their verdict is there, so that a thousand guesses at once are not a
 * thousand guesses. Memory is fixed, 4096 names in 96 KiB, as keyed digests; where room is
 * short the one with the fewest failures is forgotten. Somebody who guesses at a name can so
 * keep its owner from a new pair for the rest of the window, and from nothing else: refreshing
 * and tokens in hand go on.
 */
#pragma once

#include "common/config/settings.h"

#define ATTEMPTS_KEY_LEN 16

struct attempts;

enum attempts_said {
    ATTEMPTS_GO,    /* counted as under way: attempts_settle must follow */
    ATTEMPTS_WAIT,  /* the verdicts under way decide: ask again after one */
    ATTEMPTS_LIMIT, /* too many failures: *ret_wait says for how long */
};

/* key: random bytes. NULL: out of memory. */
struct attempts *attempts_new(const uint8_t key[ATTEMPTS_KEY_LEN]);
void attempts_free(struct attempts *attempts);
DEFINE_CLEANUP(struct attempts *, cleanup_attempts, attempts_free)

/* now: monotonic microseconds; *ret_wait likewise. */
enum attempts_said attempts_take(struct attempts *attempts, struct slice user,
                                 const struct settings_rate *limit, uint64_t now,
                                 uint64_t *ret_wait);

/* The verdict on one that may go. */
void attempts_settle(struct attempts *attempts, struct slice user,
                     const struct settings_rate *limit, uint64_t now, bool failed);
