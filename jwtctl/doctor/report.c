#include "jwtctl/doctor/doctor.h"
#include "jwtctl/output.h"
#include "jwtctl/safe_text.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const words[] = {
    [DOCTOR_OK] = "ok",
    [DOCTOR_SKIPPED] = "skipped",
    [DOCTOR_WARNING] = "warning",
    [DOCTOR_ERROR] = "error",
};

static void print_row(const struct doctor *d, enum doctor_status status,
                      const struct advice *advice, const char *message)
{
    printf("%-8s %-10s ", words[status], d->check);
    if (advice->where) {
        safe_text_print(stdout, slice_of(advice->where));
        fputs(": ", stdout);
    }
    safe_text_print(stdout, slice_of(message));
    if (advice->remedy) {
        printf("\n%19s remedy: ", "");
        safe_text_print(stdout, slice_of(advice->remedy));
    }
    putchar('\n');
}

static struct slice slice_or_null(const char *text)
{
    return text ? slice_of(text) : (struct slice){NULL, 0};
}

static void add_row(struct doctor *d, enum doctor_status status, const struct advice *advice,
                    const char *message)
{
    struct json_object *row = json_new_object();

    json_add_string(row, "check", slice_of(d->check));
    json_add_string(row, "status", slice_of(words[status]));
    json_add_string(row, "message", slice_of(message));
    json_add_string(row, "where", slice_or_null(advice->where));
    json_add_string(row, "remedy", slice_or_null(advice->remedy));
    json_append(d->rows, row);
}

#define FORMAT(text, fmt)                                                                      \
    do {                                                                                       \
        va_list args;                                                                          \
                                                                                               \
        va_start(args, fmt);                                                                   \
        (void)vsnprintf(text, sizeof(text), fmt, args);                                        \
        va_end(args);                                                                          \
    } while (0)

void doctor_report(struct doctor *d, enum doctor_status status, struct advice advice,
                   const char *fmt, ...)
{
    char text[1024];

    if (status < DOCTOR_WARNING && d->reported)
        return;
    FORMAT(text, fmt);
    if (d->json)
        add_row(d, status, &advice, text);
    else
        print_row(d, status, &advice, text);
    d->reported = true;
    d->problems = d->problems || status >= DOCTOR_WARNING;
}

const char *doctor_text(struct doctor_text *to, const char *fmt, ...)
{
    FORMAT(to->text, fmt);
    return to->text;
}

void doctor_failure(struct doctor *d, enum doctor_status status, const struct errmsg *errmsg,
                    const char *remedy)
{
    const char *colon = errmsg->text[0] == '/' ? strstr(errmsg->text, ": ") : NULL;
    struct doctor_text where;

    if (colon)
        (void)doctor_text(&where, "%.*s", (int)(colon - errmsg->text), errmsg->text);
    doctor_report(d, status, (struct advice){colon ? where.text : NULL, remedy}, "%s",
                  colon ? colon + 2 : errmsg->text);
}
