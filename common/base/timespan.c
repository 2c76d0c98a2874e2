#include "common/base/timespan.h"

#include "common/base/text.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
    const char *name;
    uint64_t usec;
} units[] = {
    {"us", 1},      {"usec", 1},         {"ms", MILLISECOND}, {"msec", MILLISECOND},
    {"s", SECOND},  {"sec", SECOND},     {"second", SECOND},  {"seconds", SECOND},
    {"m", MINUTE},  {"min", MINUTE},     {"h", HOUR},         {"minute", MINUTE},
    {"hr", HOUR},   {"minutes", MINUTE}, {"hour", HOUR},      {"hours", HOUR},
    {"d", DAY},     {"day", DAY},        {"days", DAY},       {"w", WEEK},
    {"week", WEEK}, {"weeks", WEEK},
};

/* Takes the leading run of such bytes off the text. */
static struct slice take_run(struct slice *text, bool (*is)(char))
{
    struct slice run = {text->p, 0};

    while (run.n < text->n && is(text->p[run.n]))
        run.n++;
    text->p += run.n;
    text->n -= run.n;
    return run;
}

static enum tok_err read_unit(struct slice name, uint64_t *ret_usec)
{
    if (name.n == 0) {
        *ret_usec = SECOND;
        return TOK_OK;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (slice_is(name, units[i].name)) {
            *ret_usec = units[i].usec;
            return TOK_OK;
        }
    }
    return TOK_SETTINGS;
}

/* Takes one count with its unit, and the blanks behind it, off the text. */
static enum tok_err take_part(struct slice *text, uint64_t *ret_usec)
{
    uint64_t count, unit, usec;
    enum tok_err err;

    if (!slice_digits(take_run(text, text_is_digit), &count))
        return TOK_SETTINGS;
    (void)take_run(text, text_is_space);
    err = read_unit(take_run(text, text_is_letter), &unit);
    if (err != TOK_OK)
        return err;
    if (__builtin_mul_overflow(count, unit, &usec))
        return TOK_SETTINGS;
    (void)take_run(text, text_is_space);
    *ret_usec = usec;
    return TOK_OK;
}

enum tok_err timespan_parse(struct slice text, uint64_t *ret_usec)
{
    uint64_t sum = 0, part;

    if (text.n == 0)
        return TOK_SETTINGS;
    (void)take_run(&text, text_is_space);
    do {
        enum tok_err err = take_part(&text, &part);

        if (err != TOK_OK)
            return err;
        if (__builtin_add_overflow(sum, part, &sum))
            return TOK_SETTINGS;
    } while (text.n > 0);
    /* The largest number is systemd's "infinity", which is no span here. */
    if (sum == UINT64_MAX)
        return TOK_SETTINGS;
    *ret_usec = sum;
    return TOK_OK;
}

void timespan_format(uint64_t usec, char ret[TIMESPAN_TEXT])
{
    static const struct {
        uint64_t usec;
        const char *name;
    } shown[] = {{DAY, "d"},    {HOUR, "h"},         {MINUTE, "min"},
                 {SECOND, "s"}, {MILLISECOND, "ms"}, {1, "us"}};
    size_t i = 0;

    while (usec % shown[i].usec != 0)
        i++;
    (void)snprintf(ret, TIMESPAN_TEXT, "%" PRIu64 "%s", usec / shown[i].usec,
                   usec == 0 ? "" : shown[i].name);
}
