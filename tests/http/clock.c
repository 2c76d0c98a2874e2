/*
 * Preloaded into a daemon: its wall clock is off by the seconds in the file that CLOCK_OFF
 * names, from the moment the file says so. Uptime is not, but two hours longer than it was: a
 * clock is believed after an hour, which a machine that has just started has not been up for.
 * With MONOTONIC_OFF likewise for the clock of its time limits.
 */
#include "tests/http/preload.h"

#include <time.h>

VISIBLE int clock_gettime(clockid_t clock, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);
    int r;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    r = real(clock, t);
    if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        t->tv_sec += number_in_file("CLOCK_OFF");
    if (r == 0 && clock == CLOCK_MONOTONIC)
        t->tv_sec += number_in_file("MONOTONIC_OFF");
    if (r == 0 && clock == CLOCK_BOOTTIME)
        t->tv_sec += 2 * 3600;
    return r;
}
