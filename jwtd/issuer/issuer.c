#include "jwtd/issuer/issuer.h"

#include "jwtd/issuer/store/clock.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>
#include <time.h>

int64_t issuer_wall(void)
{
    return (int64_t)(service_wall() / SECOND);
}

int64_t issuer_uptime(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec;
}

int64_t issuer_time(struct issuer *x)
{
    int64_t wall = issuer_wall(), now = store_time(x->store, wall);
    bool behind = now - wall > CLOCK_SLACK;
    char by[32];

    if (behind && !x->clock_is_behind) {
        (void)snprintf(by, sizeof(by), "%lld s", (long long)(now - wall));
        LOG(LOG_ALERT, MESSAGE_CLOCK,
            "Clock is behind the last session: sessions and refresh tokens are checked against "
            "that session's time until the clock has reached it or was behind for an hour",
            {"behind", by});
    }
    x->clock_is_behind = behind;
    return now;
}
