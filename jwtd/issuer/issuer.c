#include "jwtd/issuer/issuer.h"

#include "jwtd/issuer/store/clock.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>

enum tok_err issuer_store_error(const struct issuer *x, struct errmsg *errmsg)
{
    return errmsg_set(errmsg, TOK_FILE, "%s", store_failure(x->store));
}

enum tok_err issuer_transact(struct issuer *x,
                             enum tok_err (*fn)(struct issuer *x, struct errmsg *errmsg),
                             struct errmsg *errmsg)
{
    enum tok_err err;

    if (store_begin(x->store, issuer_wall(x), issuer_uptime()) != STORE_DONE)
        return issuer_store_error(x, errmsg);
    err = fn(x, errmsg);
    if (err == TOK_OK && store_commit(x->store) != STORE_DONE)
        return issuer_store_error(x, errmsg);
    if (err != TOK_OK)
        store_rollback(x->store);
    return err;
}

uint64_t issuer_wall_us(const struct issuer *x)
{
    return x->store && store_is_fleet(x->store) ? (uint64_t)store_wall_us(x->store)
                                                : service_wall();
}

int64_t issuer_wall(const struct issuer *x)
{
    return (int64_t)(issuer_wall_us(x) / SECOND);
}

int64_t issuer_uptime(void)
{
    return clock_us(CLOCK_BOOTTIME) / (int64_t)SECOND;
}

int64_t issuer_time(struct issuer *x)
{
    int64_t wall = issuer_wall(x), now = store_time(x->store, wall);
    bool behind = now - wall > CLOCK_SLACK;
    char by[32];

    if (behind && !x->clock_is_behind) {
        (void)snprintf(by, sizeof(by), "%lld s", (long long)(now - wall));
        LOG(LOG_ALERT, MESSAGE_CLOCK,
            "Clock is behind the last session: sessions and refresh tokens are checked against "
            "that session's time until the clock has reached it; without Database= for an hour "
            "at most",
            {"behind", by});
    }
    x->clock_is_behind = behind;
    return now;
}
