#include "jwtctl/output.h"

#include "jwtctl/command.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define LINE_MAX_BYTES 1024

static void put_line(const char *name, char *text)
{
    for (char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    }
    fprintf(stderr, "%s: %s\n", name, text);
}

void complain(const char *fmt, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    put_line("jwtctl", text);
}

int complain_usage(const char *name, const char *fmt, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    put_line(name, text);
    fprintf(stderr, "%s: see `%s --help`\n", name, name);
    return EXIT_USAGE;
}

const char *say_time(int64_t epoch, char ret[SAY_MAX])
{
    time_t t = (time_t)epoch;
    struct tm tm;

    if (!localtime_r(&t, &tm) || strftime(ret, SAY_MAX, "%a %Y-%m-%d %H:%M", &tm) == 0)
        (void)snprintf(ret, SAY_MAX, "@%" PRId64, epoch);
    return ret;
}

const char *say_span(int64_t seconds, char ret[SAY_MAX])
{
    static const struct {
        int64_t seconds;
        const char *one, *many;
    } units[] = {
        {86400, "day", "days"},
        {3600, "h", "h"},
        {60, "min", "min"},
        {1, "s", "s"},
    };
    size_t last = sizeof(units) / sizeof(units[0]) - 1, i = 0;
    int64_t count;

    while (i < last && seconds != units[i].seconds && seconds < 2 * units[i].seconds)
        i++;
    count = seconds / units[i].seconds;
    (void)snprintf(ret, SAY_MAX, "%" PRId64 " %s", count,
                   count == 1 ? units[i].one : units[i].many);
    return ret;
}
