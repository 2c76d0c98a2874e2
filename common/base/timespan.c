#include "common/base/timespan.h"

#include "common/base/text.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
    uint64_t usec;
    const char *names; /* the first is the one that timespan_format writes */
} units[] = {
    {WEEK, "w week weeks"},
    {DAY, "d day days"},
    {HOUR, "h hr hour hours"},
    {MINUTE, "min m minute minutes"},
    {SECOND, "s sec second seconds"},
    {MILLISECOND, "ms msec"},
    {1, "us usec"},
};

/* Takes the leading bytes of this class off the text. */
static struct slice take_run(struct slice *text, bool (*is)(char))
{
    struct slice run = {text->p, 0};

    while (run.n < text->n && is(text->p[run.n]))
        run.n++;
    text->p += run.n;
    text->n -= run.n;
    return run;
}

/* Microseconds; 0 for an unknown unit. */
static uint64_t unit_of(struct slice text)
{
    if (text.n == 0)
        return SECOND;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct slice rest = slice_of(units[i].names), name;

        while (text_next_word(&rest, ' ', &name))
            if (slice_eq(text, name))
                return units[i].usec;
    }
    return 0;
}

/* Takes one count with its unit, and the white space behind it, off the text. */
static enum tok_err take_part(struct slice *text, uint64_t *ret_usec)
{
    uint64_t count, unit, usec;

    if (!slice_digits(take_run(text, text_is_digit), &count))
        return TOK_SETTINGS;
    (void)take_run(text, text_is_space);
    unit = unit_of(take_run(text, text_is_letter));
    if (unit == 0 || __builtin_mul_overflow(count, unit, &usec))
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
    size_t i = 1; /* a week is written as 7d */

    while (usec % units[i].usec != 0)
        i++;
    (void)snprintf(ret, TIMESPAN_TEXT, "%" PRIu64 "%.*s", usec / units[i].usec,
                   usec == 0 ? 0 : (int)strcspn(units[i].names, " "), units[i].names);
}
