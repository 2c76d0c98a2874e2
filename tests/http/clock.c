/*
 * Preloaded into a daemon: its wall clock is off by the seconds in the file that CLOCK_OFF
 * names, from the moment the file says so. Uptime is not.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default")))

static long off(void)
{
    const char *path = getenv("CLOCK_OFF");
    char text[32] = "";
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof(text) - 1) < 0)
        text[0] = '\0';
    (void)close(fd);
    return strtol(text, NULL, 10);
}

VISIBLE int clock_gettime(clockid_t clock, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);
    int r;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    r = real(clock, t);
    if (r == 0 && clock == CLOCK_REALTIME)
        t->tv_sec += off();
    return r;
}
