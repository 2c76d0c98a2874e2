/*
 * Any bytes as a time span. Beyond "no crash": a second parser, written differently, gives the
 * same result; what timespan_format writes is parsed to the same span; white space around a
 * span changes nothing; and one part more adds its length.
 */
#include "common/base/cleanup.h"
#include "common/base/timespan.h"
#include "common/json/emit.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

static const struct {
    const char *names; /* each between blanks */
    uint64_t usec;
} units[] = {
    {" us usec ", 1},
    {" ms msec ", 1000},
    {" s sec second seconds ", 1000000},
    {" m min minute minutes ", 60000000},
    {" h hr hour hours ", 3600000000},
    {" d day days ", 86400000000},
    {" w week weeks ", 604800000000},
};

/* 0: no unit of this name. */
static uint64_t usec_of(const char *name, size_t n)
{
    char word[16];

    if (n > 10)
        return 0;
    (void)snprintf(word, sizeof(word), " %.*s ", (int)n, name);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strstr(units[i].names, word))
            return units[i].usec;
    return 0;
}

/* One part, off the front of a C string; false when it is none, or the sum leaves the range. */
static bool read_part(const char **at, uint64_t *sum)
{
    size_t digits = strspn(*at, "0123456789"), letters;
    uint64_t usec, count = 0;
    bool over = false;

    for (size_t i = 0; i < digits; i++) {
        over |= __builtin_mul_overflow(count, 10, &count);
        over |= __builtin_add_overflow(count, (unsigned)((*at)[i] - '0'), &count);
    }
    *at += digits;
    *at += strspn(*at, " \t\r\n");
    letters = strspn(*at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    usec = letters ? usec_of(*at, letters) : 1000000;
    *at += letters;
    *at += strspn(*at, " \t\r\n");
    over |= __builtin_mul_overflow(count, usec, &count);
    over |= __builtin_add_overflow(*sum, count, sum);
    return digits && usec && !over && *sum < UINT64_MAX;
}

static bool read_span(const char *text, uint64_t *ret)
{
    uint64_t sum = 0;

    text += strspn(text, " \t\r\n");
    do {
        if (!read_part(&text, &sum))
            return false;
    } while (*text);
    *ret = sum;
    return true;
}

static char *join(const char *before, struct slice text, const char *after, size_t *ret_n)
{
    size_t room = strlen(before) + text.n + strlen(after);
    struct emit out = {.p = calloc(1, room + 1), .size = room};

    must(out.p != NULL);
    emit_text(&out, before);
    emit_bytes(&out, text);
    emit_text(&out, after);
    *ret_n = out.n;
    return out.p;
}

static void reads_back(uint64_t usec)
{
    char text[TIMESPAN_TEXT];
    uint64_t again;

    timespan_format(usec, text);
    must(timespan_parse((struct slice){text, strlen(text)}, &again) == TOK_OK);
    must(again == usec);
}

static void more_adds(struct slice text, uint64_t usec)
{
    size_t n;
    CLEANUP(cleanup_free) char *blanks = join(" \t", text, "\n ", &n);
    CLEANUP(cleanup_free) char *more = NULL;
    uint64_t again;

    must(timespan_parse((struct slice){blanks, n}, &again) == TOK_OK && again == usec);
    more = join("2ms ", text, "", &n);
    if (timespan_parse((struct slice){more, n}, &again) == TOK_OK)
        must(again == usec + 2000);
    else
        must(usec >= UINT64_MAX - 2000);
}

/* The result of the second parser. No span contains a NUL. */
static bool model_of(struct slice text, uint64_t *ret)
{
    CLEANUP(cleanup_free) char *string = NULL;
    size_t n;

    if (!text.n || memchr(text.p, 0, text.n))
        return false;
    string = join("", text, "", &n);
    return read_span(string, ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    CLEANUP(cleanup_free) char *exact = exact_copy(text);
    uint64_t usec = 7, model = 7;
    bool taken = timespan_parse((struct slice){exact, size}, &usec) == TOK_OK;

    must(taken == model_of(text, &model) && usec == model);
    if (!taken)
        return 0;
    reads_back(usec);
    more_adds(text, usec);
    return 0;
}
