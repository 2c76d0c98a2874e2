#include "common/base/timespan.h"

#define USEC UINT64_C(1)
#define MSEC (1000 * USEC)
#define SEC (1000 * MSEC)
#define MINUTE (60 * SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)

static const struct {
    const char *name;
    uint64_t usec;
} units[] = {
    {"us", USEC},    {"usec", USEC},     {"ms", MSEC},     {"msec", MSEC},      {"s", SEC},
    {"sec", SEC},    {"second", SEC},    {"seconds", SEC}, {"m", MINUTE},       {"min", MINUTE},
    {"h", HOUR},     {"minute", MINUTE}, {"hr", HOUR},     {"minutes", MINUTE}, {"hour", HOUR},
    {"hours", HOUR}, {"d", DAY},         {"day", DAY},     {"days", DAY},       {"w", WEEK},
    {"week", WEEK},  {"weeks", WEEK},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

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
        *ret_usec = SEC;
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

    if (!slice_digits(take_run(text, is_digit), &count))
        return TOK_SETTINGS;
    (void)take_run(text, is_blank);
    err = read_unit(take_run(text, is_letter), &unit);
    if (err != TOK_OK)
        return err;
    if (__builtin_mul_overflow(count, unit, &usec))
        return TOK_SETTINGS;
    (void)take_run(text, is_blank);
    *ret_usec = usec;
    return TOK_OK;
}

enum tok_err timespan_parse(struct slice text, uint64_t *ret_usec)
{
    uint64_t sum = 0, part;

    if (text.n == 0)
        return TOK_SETTINGS;
    (void)take_run(&text, is_blank);
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
