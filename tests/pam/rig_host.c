/* The log and the clock of the process, taken over. */
#include "tests/pam/rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#define LOG_MAX 64
#define LINE_MAX_BYTES 2048

static struct {
    struct {
        int priority;
        char text[LINE_MAX_BYTES];
    } lines[LOG_MAX];
    size_t n_lines;
    int64_t now;
} host;

PRINTF_LIKE(2, 0) static void keep_line(int priority, const char *format, va_list args)
{
    if (host.n_lines == LOG_MAX) {
        /* Without memory pam_modutil_getpwnam of Linux-PAM 1.5 tries the same again for ever,
         * with this line each time: a login that fails, and never comes back. */
        if (strncmp(host.lines[LOG_MAX - 1].text, "asprintf: ", 10) == 0)
            _exit(PAM_BUF_ERR);
        abort();
    }
    host.lines[host.n_lines].priority = LOG_PRI(priority);
    (void)vsnprintf(host.lines[host.n_lines].text, LINE_MAX_BYTES, format, args);
    host.n_lines++;
}

/* The C library's logging, taken over for libpam and every module in this process: these are
 * the two names that they call, the second one where they were built with _FORTIFY_SOURCE. */
#define TAKES_OVER(name) __asm__(name) __attribute__((visibility("default")))

void rig_syslog(int priority, const char *format, ...) TAKES_OVER("syslog") PRINTF_LIKE(2, 3);
void rig_syslog_chk(int priority, int flag, const char *format, ...) TAKES_OVER("__syslog_chk")
    PRINTF_LIKE(3, 4);

void rig_syslog(int priority, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    keep_line(priority, format, args);
    va_end(args);
}

void rig_syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list args;

    (void)flag;
    va_start(args, format);
    keep_line(priority, format, args);
    va_end(args);
}

/* The clock, likewise: recorded tokens are verified at their time. */
time_t rig_time(time_t *ret) TAKES_OVER("time");

time_t rig_time(time_t *ret)
{
    struct timespec now = {.tv_sec = host.now};

    if (host.now == 0)
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}

void rig_clock_set(int64_t now)
{
    host.now = now;
}

static bool is_ours(const char *line)
{
    return strncmp(line, "pam_jwt(", strlen("pam_jwt(")) == 0;
}

/* The place of our own line i, or LOG_MAX. */
static size_t our_line(size_t i)
{
    for (size_t at = 0; at < host.n_lines; at++)
        if (is_ours(host.lines[at].text) && i-- == 0)
            return at;
    return LOG_MAX;
}

size_t rig_log_lines(void)
{
    size_t n = 0;

    while (our_line(n) != LOG_MAX)
        n++;
    return n;
}

const char *rig_log_line(size_t i)
{
    size_t at = our_line(i);

    return at == LOG_MAX ? "" : host.lines[at].text;
}

int rig_log_priority(size_t i)
{
    size_t at = our_line(i);

    return at == LOG_MAX ? -1 : host.lines[at].priority;
}

void rig_log_clear(void)
{
    host.n_lines = 0;
}

bool rig_log_holds(const char *text)
{
    for (size_t i = 0; i < host.n_lines; i++)
        if (strstr(host.lines[i].text, text))
            return true;
    return false;
}
