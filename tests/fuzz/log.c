#include "tests/fuzz/log.h"

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "tests/fuzz/fuzz.h"

#include <stdarg.h>
#include <stdio.h>

/* The two names that libpam calls, the second one where it was built with _FORTIFY_SOURCE. */
#define TAKES_OVER(name) __asm__(name) __attribute__((visibility("default")))

void take_line(int priority, const char *format, ...) TAKES_OVER("syslog") PRINTF_LIKE(2, 3);
void take_line_chk(int priority, int flag, const char *format, ...) TAKES_OVER("__syslog_chk")
    PRINTF_LIKE(3, 4);

PRINTF_LIKE(1, 0) static void take(const char *format, va_list args)
{
    CLEANUP(cleanup_free) char *line = NULL;

    must(vasprintf(&line, format, args) >= 0);
    fuzz_log(line);
}

void take_line(int priority, const char *format, ...)
{
    va_list args;

    (void)priority;
    va_start(args, format);
    take(format, args);
    va_end(args);
}

void take_line_chk(int priority, int flag, const char *format, ...)
{
    va_list args;

    (void)priority;
    (void)flag;
    va_start(args, format);
    take(format, args);
    va_end(args);
}
