#include "jwtctl/output.h"

#include "jwtctl/command.h"
#include "jwtctl/safe_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define ERROR_MAX 1024 /* bytes of an error message */

static void put_line(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%s: ", name);
    safe_text_print(out, slice_of(text));
    fputc('\n', out);
}

void print_note(const char *heading, const char *text)
{
    put_line(stdout, heading, text);
}

void print_error(const char *fmt, ...)
{
    char text[ERROR_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    put_line(stderr, "jwtctl", text);
}

int print_failure(int status, const struct errmsg *errmsg)
{
    print_error("%s", errmsg->text);
    return status;
}

void bad_usage(const char *command, const char *fmt, ...)
{
    char text[ERROR_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    put_line(stderr, command, text);
    fprintf(stderr, "%s: see '%s --help'\n", command, command);
    exit(EXIT_USAGE);
}

void out_of_memory(void)
{
    print_error("out of memory");
    exit(EXIT_FAILURE);
}

void print_version(void)
{
    puts("jwtctl " JWT_VERSION);
}

void flush_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    print_error("cannot write to standard output: %s", strerror(errno));
    exit(status);
}

void print_word(const char *text)
{
    if (!text || !text[0])
        text = "-";
    for (; *text; text++)
        putchar(*text > 0x20 && *text < 0x7f ? *text : '?');
}

const char *format_time(int64_t epoch, char ret[FORMAT_MAX])
{
    time_t t = (time_t)epoch;
    struct tm tm;

    if (!localtime_r(&t, &tm) || strftime(ret, FORMAT_MAX, "%a %Y-%m-%d %H:%M", &tm) == 0)
        (void)snprintf(ret, FORMAT_MAX, "@%" PRId64, epoch);
    return ret;
}

const char *format_span(int64_t seconds, char ret[FORMAT_MAX])
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
    (void)snprintf(ret, FORMAT_MAX, "%" PRId64 " %s", count,
                   count == 1 ? units[i].one : units[i].many);
    return ret;
}
