#include "jwtd/issuer/store/clock.h"

#include <stdbool.h>

/* The least time that can have passed since the last update. */
static int64_t elapsed(int64_t since, int64_t up)
{
    return up >= since ? up - since : up;
}

void clock_update(struct clock_mark *m, int64_t wall, int64_t up)
{
    int64_t expected = m->mark + elapsed(m->seen, up);
    bool odd = wall > expected + CLOCK_SLACK || wall < m->mark - CLOCK_SLACK;

    if (m->mark == 0 ||
        (odd && m->odd_since > 0 && up - m->odd_since >= CLOCK_ACCEPTED_AFTER)) {
        *m = (struct clock_mark){.mark = wall, .seen = up};
        return;
    }
    if (odd) {
        m->mark = expected;
        if (m->odd_since == 0 || m->odd_since > up)
            m->odd_since = up > 0 ? up : 1;
    } else {
        if (wall > m->mark)
            m->mark = wall;
        m->odd_since = 0;
    }
    m->seen = up;
}
