/*
 * FailuresPerUser and LoginsPerUser: failed and successful logins by the user name of the
 * request, whether there is such an account or not, each in a window that begins with its
 * first. A right password without the one-time code that is required counts as half a failure.
 * A check under way counts as both until its result is known, so that a thousand
 * passwords tried at once are limited like a thousand tried in turn. An attacker who tries
 * passwords for a name can thereby delay a login of its owner until the window ends; refreshes
 * and existing tokens are not affected.
 */
#pragma once

#include "common/base/timespan.h"
#include "common/config/settings.h"
#include "jwtd/shared/rate_table.h"

/* Zeroed, with a key of random bytes in each table. */
struct attempts {
    struct rate_table failures, logins;
};

enum attempts_result {
    ATTEMPTS_GO,
    ATTEMPTS_WAIT,  /* depends on checks under way: ask again after the next result */
    ATTEMPTS_LIMIT, /* *ret has the limit and the time to wait */
};

struct attempts_limit {
    const char *setting; /* "FailuresPerUser" */
    uint64_t wait;       /* microseconds */
};

/* For Retry-After: whole seconds. */
static inline uint64_t attempts_retry_after(const struct attempts_limit *limit)
{
    return (limit->wait + SECOND - 1) / SECOND;
}

enum attempts_outcome {
    ATTEMPTS_UNKNOWN,
    ATTEMPTS_FAILED,
    ATTEMPTS_HALF_FAILED, /* a one-time code is missing */
    ATTEMPTS_SUCCEEDED,
};

/* Whether a check for this user may start. now: monotonic microseconds. */
enum attempts_result attempts_look(struct attempts *a, const struct settings *set,
                                   struct slice user, uint64_t now, struct attempts_limit *ret);

/* The same, and after ATTEMPTS_GO counts it as under way: attempts_settle must follow. */
enum attempts_result attempts_take(struct attempts *a, const struct settings *set,
                                   struct slice user, uint64_t now, struct attempts_limit *ret);

/* Counts a login without a password: by LoginsPerUser alone. */
enum attempts_result attempts_count(struct attempts *a, const struct settings *set,
                                    struct slice user, uint64_t now,
                                    struct attempts_limit *ret);

/* The result of a check for which attempts_take returned ATTEMPTS_GO. */
void attempts_settle(struct attempts *a, const struct settings *set, struct slice user,
                     uint64_t now, enum attempts_outcome outcome);
