/*
 * The high-water mark of time: a time that has certainly passed, whatever the wall clock says.
 * It follows the wall clock as far as the uptime of the machine confirms it. A wall clock that
 * was set by more than CLOCK_SLACK, forward or back, is accepted after it stayed so for
 * CLOCK_ACCEPTED_AFTER of uptime; until then the mark advances by uptime. So a clock that is
 * set a day forward and back has no effect, and one that was wrong for long does no lasting
 * harm once it is corrected. Uptime is CLOCK_BOOTTIME; over a reboot, the least time that can
 * have passed is counted.
 */
#pragma once

#include <stdint.h>
#include <time.h>

#define CLOCK_SLACK 300           /* seconds */
#define CLOCK_ACCEPTED_AFTER 3600 /* seconds */

struct clock_mark {
    int64_t mark;      /* seconds since the Epoch; 0: none yet */
    int64_t seen;      /* uptime at the last update, seconds */
    int64_t odd_since; /* uptime when the wall clock left the mark; 0: it agrees */
};

/* The time by a clock of this host, microseconds. */
static inline int64_t clock_us(clockid_t clock)
{
    struct timespec t = {0};

    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Updates the mark by both clocks. */
void clock_update(struct clock_mark *m, int64_t wall, int64_t up);
