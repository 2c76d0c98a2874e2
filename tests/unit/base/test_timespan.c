#include "tests/unit/unit.h"

#include <string.h>

#include "common/base/timespan.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static enum tok_err parse(const char *text, uint64_t *ret)
{
    return timespan_parse((struct slice){text, strlen(text)}, ret);
}

/* The results of `systemd-analyze timespan` (systemd 252). */
START_TEST(spans_are_read_as_systemd_reads_them)
{
    static const struct {
        const char *text;
        uint64_t usec;
    } rows[] = {
        {"0", 0},
        {"5", 5000000},
        {"05s", 5000000},
        {"511", 511000000},
        {"1us", 1},
        {"1usec", 1},
        {"1ms", 1000},
        {"1msec", 1000},
        {"1s", 1000000},
        {"1sec", 1000000},
        {"1second", 1000000},
        {"2seconds", 2000000},
        {"1m", 60000000},
        {"1min", 60000000},
        {"1minute", 60000000},
        {"2minutes", 120000000},
        {"1h", 3600000000},
        {"1hr", 3600000000},
        {"1hour", 3600000000},
        {"2hours", 7200000000},
        {"1d", 86400000000},
        {"1day", 86400000000},
        {"7days", 604800000000},
        {"1w", 604800000000},
        {"1week", 604800000000},
        {"2weeks", 1209600000000},
        {"15min", 900000000},
        {"7d", 604800000000},
        {"1h 30min", 5400000000},
        {"1h30min", 5400000000},
        {"1h 30", 3630000000},
        {"5 min", 300000000},
        {"5\tmin", 300000000},
        {" 5 ", 5000000},
        {"1 h\n2m", 3720000000},
        {"1h  1h", 7200000000},
        {"1w2d", 777600000000},
        {"5 min 3", 303000000},
        {"5ms10us", 5010},
        {"5msec 6usec 7 seconds 1 second 2sec 3hr 4 hours 5hour 6 minutes 7minute 8 days 9day "
         "1 weeks 2week",
         3327190005006},
        {"9223372036854775807us", INT64_MAX},
    };
    uint64_t got;

    for (size_t i = 0; i < N(rows); i++) {
        ck_assert_msg(parse(rows[i].text, &got) == TOK_OK, "\"%s\" was refused", rows[i].text);
        ck_assert_msg(got == rows[i].usec, "\"%s\" is %llu", rows[i].text,
                      (unsigned long long)got);
    }
}
END_TEST

START_TEST(texts_that_are_not_spans_are_refused)
{
    static const char *const texts[] = {
        "",          " ",    "s",       "min",  "abc",   "5x",       "5mins",  "5minutess",
        "5S",        "5Min", "5H",      "5 D",  "5,",    "5s,",      "5s, 3s", "0x10",
        "5;",        "5m-",  "5-",      "1:30", "5_000", "5 s s",    "ss5",    "5\302\265s",
        "\302\2405", "5\v",  "5 us5 x", "5'",   "1e3",   "\xd9\xa5",
    };
    uint64_t got = 77;

    for (size_t i = 0; i < N(texts); i++)
        ck_assert_msg(parse(texts[i], &got) == TOK_SETTINGS, "\"%s\" was taken", texts[i]);
    ck_assert_uint_eq(got, 77);
}
END_TEST

START_TEST(fractions_signs_months_and_infinity_are_refused)
{
    static const char *const texts[] = {
        "1.5s",  "1.0h",   ".5s",      "5.",  "1,5s",     "-5",      "+5",
        "-5s",   "+5s",    "1 -5",     "1M",  "1month",   "2months", "1y",
        "1year", "2years", "infinity", "inf", "Infinity", "never",   "1h infinity",
    };
    uint64_t got = 77;

    for (size_t i = 0; i < N(texts); i++)
        ck_assert_msg(parse(texts[i], &got) == TOK_SETTINGS, "\"%s\" was taken", texts[i]);
    ck_assert_uint_eq(got, 77);
}
END_TEST

START_TEST(overflow_is_refused)
{
    static const char *const texts[] = {
        "18446744073709551615us", /* what systemd calls infinity */
        "18446744073709551616us",
        "99999999999999999999999us",
        "18446744073710s",
        "18446744073709552ms",
        "30500569w",
        "18446744073709551614us 1us",
        "18446744073709551614us 2us",
        "18446744073709551615us 5us",
    };
    uint64_t got = 77;

    for (size_t i = 0; i < N(texts); i++)
        ck_assert_msg(parse(texts[i], &got) == TOK_SETTINGS, "\"%s\" was taken", texts[i]);
    ck_assert_uint_eq(got, 77);
    ck_assert_ok(parse("18446744073709551614us", &got));
    ck_assert_uint_eq(got, UINT64_MAX - 1);
    ck_assert_ok(parse("30500568w", &got));
    ck_assert_uint_eq(got, UINT64_C(30500568) * 604800 * 1000000);
}
END_TEST

START_TEST(a_nul_does_not_end_the_text)
{
    uint64_t got = 77;

    ck_assert_err(timespan_parse(SLICE("5s\0"), &got), TOK_SETTINGS);
    ck_assert_err(timespan_parse(SLICE("5s\0 5x"), &got), TOK_SETTINGS);
    ck_assert_err(timespan_parse(SLICE("\0"), &got), TOK_SETTINGS);
    ck_assert_err(timespan_parse((struct slice){NULL, 0}, &got), TOK_SETTINGS);
    /* Nothing is read past the length. */
    ck_assert_ok(timespan_parse((struct slice){"5min", 1}, &got));
    ck_assert_uint_eq(got, 5000000);
    ck_assert_ok(timespan_parse((struct slice){"5min", 2}, &got));
    ck_assert_uint_eq(got, 300000000);
}
END_TEST

UNIT_MAIN("timespan", spans_are_read_as_systemd_reads_them,
          texts_that_are_not_spans_are_refused, fractions_signs_months_and_infinity_are_refused,
          overflow_is_refused, a_nul_does_not_end_the_text)
