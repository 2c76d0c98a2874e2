#include "pam_jwt/process.h"

#include "common/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define START_FIELD 22 /* of /proc/PID/stat */

bool process_start(pid_t pid, int64_t *ret_ticks)
{
    CLEANUP(cleanup_close) int fd = -1;
    char path[32], line[1024];
    const char *p;
    char *end;
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
    if (n < 0)
        return false;
    line[n] = '\0';
    errno = EINVAL;
    p = strrchr(line, ')'); /* the second field is a name, which may contain any character */
    for (int field = 2; p && field < START_FIELD; field++)
        p = strchr(p + 1, ' ');
    if (!p)
        return false;
    *ret_ticks = strtoll(p, &end, 10);
    return end > p && *end == ' ';
}

enum tok_err process_boot_time(int64_t now, int64_t *ret, struct errmsg *errmsg)
{
    const long hz = sysconf(_SC_CLK_TCK);
    struct timespec up;
    int64_t start;

    if (!process_start(1, &start) || hz <= 0 || clock_gettime(CLOCK_BOOTTIME, &up) < 0)
        return errmsg_set(errmsg, TOK_FILE,
                          "/proc/1/stat: cannot determine when the system was started: %s",
                          strerrordesc_np(errno));
    /* The age is rounded down, so the start is never too early: every token that was used
     * before the start was issued before it. */
    *ret = now - (up.tv_sec * INT64_C(1000) + up.tv_nsec / 1000000 - start * 1000 / hz) / 1000;
    return TOK_OK;
}
