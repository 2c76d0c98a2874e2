/*
 * Counts of attempts to log in that all issuers of a PostgreSQL database share: failures by
 * user, successes by user, failures by source, each in a window that begins with its first.
 * Counts are halves. A row is known by a digest and is deleted some time after its window.
 *
 * Each function but store_attempts_count is one statement, outside a transaction, and
 * does not wait for the disk: what a crash of the server takes with it are the counts of its
 * last second, so that an attacker has as many more attempts as this second had.
 */
#pragma once

#include "jwtd/issuer/store/store.h"

#define STORE_ATTEMPT 2 /* halves of a whole one */

enum store_attempt_kind {
    STORE_FAILURES,
    STORE_LOGINS,
    STORE_SOURCE_FAILURES,
    STORE_ATTEMPT_KINDS
};

struct store_attempt {
    uint8_t id[ISSUE_ID_BYTES];
    int64_t most; /* halves */
    int64_t per;  /* microseconds of a window */
};

/* Of a password check. */
struct store_attempts {
    struct store_attempt of[STORE_ATTEMPT_KINDS];
    int64_t until; /* end of the window in which the failure is counted; 0: none is */
};

/* Counts a failure of the user, unless one of the counts has reached its limit: STORE_ABSENT,
 * *ret_wait microseconds until that window ends. Sets a->until. */
enum store_result store_attempts_take(struct store *store, struct store_attempts *a,
                                      enum store_attempt_kind *ret_reached,
                                      int64_t *ret_wait) MUST_CHECK;

/* Takes back so many halves of that failure, if its window has not ended, and counts an attempt
 * of another kind; add NULL: none. */
enum store_result store_attempts_settle(struct store *store, const struct store_attempts *a,
                                        int64_t back,
                                        const struct store_attempt *add) MUST_CHECK;

/* Counts one attempt within the transaction, unless its limit is reached: STORE_ABSENT,
 * *ret_wait as above. */
enum store_result store_attempts_count(struct store *store, const struct store_attempt *a,
                                       int64_t *ret_wait) MUST_CHECK;
