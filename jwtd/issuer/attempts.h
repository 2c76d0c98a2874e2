/*
 * FailuresPerUser: failed logins by the user name of the request, whether there is such an
 * account or not, in a window that begins with its first failure. A check under way counts as a
 * failure until its result is known, so that a thousand passwords tried at once are limited
 * like a thousand tried in turn. An attacker who tries passwords for a name can thereby delay a
 * login of its owner until the window ends; refreshes and existing tokens are not affected.
 */
#pragma once

#include "common/config/settings.h"
#include "jwtd/shared/rate_table.h"

enum attempts_result {
    ATTEMPTS_GO,    /* counted as under way: attempts_settle must follow */
    ATTEMPTS_WAIT,  /* depends on checks under way: ask again after the next result */
    ATTEMPTS_LIMIT, /* too many failures: *ret_wait says for how long */
};

/* now: monotonic microseconds; *ret_wait likewise. */
enum attempts_result attempts_take(struct rate_table *t, struct slice user,
                                   const struct settings_rate *limit, uint64_t now,
                                   uint64_t *ret_wait);

/* The result of a check for which attempts_take returned ATTEMPTS_GO. */
void attempts_settle(struct rate_table *t, struct slice user, const struct settings_rate *limit,
                     uint64_t now, bool failed);
