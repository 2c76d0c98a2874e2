/*
 * The high-water mark of time: how late it is for certain, whatever the wall clock says. It
 * follows the wall clock as far as the machine's uptime bears it out. A clock that was set by
 * more than CLOCK_SLACK, forward or back, is believed when it stayed so for CLOCK_BELIEVED of
 * uptime: until then the mark goes on by uptime alone. So a clock set a day forward and back
 * moves nothing, and one that was wrong for long does no harm for good once it is mended.
 * Uptime is that of CLOCK_BOOTTIME; over a boot the least that can have passed is counted.
 */
#pragma once

#include <stdint.h>

#define CLOCK_SLACK 300     /* seconds */
#define CLOCK_BELIEVED 3600 /* seconds */

struct clock_mark {
    int64_t mark;      /* seconds since the Epoch; 0: none yet */
    int64_t seen;      /* uptime of the last look, seconds */
    int64_t odd_since; /* uptime since when the wall clock is off the mark; 0: it is not */
};

/* One look at both clocks. */
void clock_follow(struct clock_mark *m, int64_t wall, int64_t up);
