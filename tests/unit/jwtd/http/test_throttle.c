/*
 * Failures by source: only so many wrong passwords a span, in bounded memory.
 */
#include "jwtd/http/throttle.h"
#include "tests/unit/unit.h"

#include <string.h>

#define SECOND UINT64_C(1000000)

static const struct settings_rate three_a_minute = {3, 60 * SECOND};

static struct source uid_source(uid_t uid)
{
    return (struct source){.kind = SOURCE_UID, .uid = uid};
}

static struct rate_table *make(void)
{
    struct rate_table *t = calloc(1, sizeof(*t));

    ck_assert_ptr_nonnull(t);
    /* Any would do; the daemon's are random. */
    t->key[0] = UINT64_C(0x9e3779b97f4a7c15);
    t->key[1] = UINT64_C(0xbf58476d1ce4e5b9);
    return t;
}

static void fail_times(struct rate_table *t, const struct source *s, int n, uint64_t now)
{
    for (int i = 0; i < n; i++)
        throttle_failed(t, three_a_minute, s, now);
}

START_TEST(the_fourth_failure_in_a_minute_has_to_wait)
{
    CLEANUP(cleanup_free) struct rate_table *t = make();
    struct source s = uid_source(1000);

    fail_times(t, &s, 2, SECOND);
    ck_assert_uint_eq(throttle_wait(t, three_a_minute, &s, SECOND), 0);
    fail_times(t, &s, 1, SECOND);
    ck_assert_uint_eq(throttle_wait(t, three_a_minute, &s, SECOND), 20 * SECOND);
    ck_assert_uint_eq(throttle_wait(t, three_a_minute, &s, 20 * SECOND), SECOND);
    ck_assert_uint_eq(throttle_wait(t, three_a_minute, &s, 21 * SECOND), 0);
}
END_TEST

START_TEST(a_full_bucket_comes_back_and_is_no_fuller)
{
    CLEANUP(cleanup_free) struct rate_table *t = make();
    struct source s = uid_source(1000);

    fail_times(t, &s, 3, SECOND);
    fail_times(t, &s, 2, 1000 * SECOND);
    ck_assert_uint_eq(throttle_wait(t, three_a_minute, &s, 1000 * SECOND), 0);
    fail_times(t, &s, 1, 1000 * SECOND);
    ck_assert_uint_ne(throttle_wait(t, three_a_minute, &s, 1000 * SECOND), 0);
}
END_TEST

START_TEST(overdrawing_a_bucket_prolongs_the_wait_up_to_a_limit)
{
    CLEANUP(cleanup_free) struct rate_table *t = make();
    struct source s = uid_source(1000);

    fail_times(t, &s, 5, SECOND);
    ck_assert_uint_eq(throttle_wait(t, three_a_minute, &s, SECOND), 60 * SECOND);
    fail_times(t, &s, 100, SECOND);
    ck_assert_uint_eq(throttle_wait(t, three_a_minute, &s, SECOND), 80 * SECOND);
}
END_TEST

START_TEST(sources_do_not_pay_for_each_other)
{
    CLEANUP(cleanup_free) struct rate_table *t = make();
    struct source a = uid_source(1000), b = uid_source(1001);

    fail_times(t, &a, 3, SECOND);
    ck_assert_uint_eq(throttle_wait(t, three_a_minute, &b, SECOND), 0);
}
END_TEST

static struct source address(uint32_t n)
{
    struct source s = {.kind = SOURCE_IPV6, .ipv6 = {0x20, 0x01, 0x0d, 0xb8}};

    memcpy(s.ipv6 + 4, &n, sizeof(n));
    return s;
}

/* The promise of bounded memory is the type: nothing is ever allocated. */
_Static_assert(sizeof(struct rate_table) <= (size_t)97 * 1024, "a table of 97 KiB at most");

START_TEST(a_million_addresses_lift_no_limit)
{
    CLEANUP(cleanup_free) struct rate_table *t = make();
    struct source first = address(0);
    unsigned waiting = 0;

    fail_times(t, &first, 3, SECOND);
    /* Counted, not asserted one by one: an assertion that holds writes to a pipe. */
    for (uint32_t n = 1; n <= 1000000; n++) {
        struct source s = address(n);

        throttle_failed(t, three_a_minute, &s, SECOND + n);
        waiting += throttle_wait(t, three_a_minute, &s, SECOND + n) > 0 ? 1 : 0;
    }
    ck_assert_uint_eq(waiting, 0);
    ck_assert_uint_eq(throttle_wait(t, three_a_minute, &first, 3 * SECOND), 18 * SECOND);
}
END_TEST

START_TEST(a_full_set_replaces_the_row_with_the_fewest_failures)
{
    CLEANUP(cleanup_free) struct rate_table *t = make();
    struct source first = uid_source(1), last = uid_source(RATE_WAYS + 1);

    t->key[0] = t->key[1] = 1; /* all in one set */
    for (uid_t uid = 1; uid <= RATE_WAYS; uid++) {
        struct source s = uid_source(uid);

        fail_times(t, &s, uid == 1 ? 3 : 4, SECOND);
    }
    ck_assert_uint_ne(throttle_wait(t, three_a_minute, &first, SECOND), 0);
    fail_times(t, &last, 3, SECOND);
    ck_assert_uint_ne(throttle_wait(t, three_a_minute, &last, SECOND), 0);
    ck_assert_uint_eq(throttle_wait(t, three_a_minute, &first, SECOND), 0);
}
END_TEST

START_TEST(sources_of_each_kind_spread_over_the_sets)
{
    CLEANUP(cleanup_free) struct rate_table *t = make();
    size_t used = 0;

    for (uint32_t n = 0; n < 2000; n++) {
        struct source sources[] = {
            address(n), uid_source(n), {.kind = SOURCE_IPV4, .ipv4 = {n * 256}}};

        for (size_t i = 0; i < 3; i++)
            fail_times(t, &sources[i], 1, SECOND);
    }
    for (size_t set = 0; set < RATE_SETS; set++)
        used += t->rows[set][0].until != 0 ? 1 : 0;
    ck_assert_uint_gt(used, RATE_SETS * 9 / 10);
}
END_TEST

START_TEST(a_rate_of_none_limits_nothing)
{
    CLEANUP(cleanup_free) struct rate_table *t = make();
    struct settings_rate none = {0, 0};
    struct source s = uid_source(1000);

    for (int i = 0; i < 1000; i++)
        throttle_failed(t, none, &s, SECOND);
    ck_assert_uint_eq(throttle_wait(t, none, &s, SECOND), 0);
}
END_TEST

START_TEST(loopback_has_a_limit_of_its_own)
{
    CLEANUP(cleanup_free) struct rate_table *t = make();
    struct source local, far;
    struct settings_rate none = {0, 0};

    ck_assert(source_of_text(SLICE("127.9.9.9"), &local));
    ck_assert(source_of_text(SLICE("192.0.2.1"), &far));
    fail_times(t, &local, 59, SECOND);
    fail_times(t, &far, 3, SECOND);
    ck_assert_uint_eq(throttle_wait(t, three_a_minute, &local, SECOND), 0);
    ck_assert_uint_eq(throttle_wait(t, three_a_minute, &far, SECOND), 20 * SECOND);
    fail_times(t, &local, 1, SECOND);
    ck_assert_uint_eq(throttle_wait(t, three_a_minute, &local, SECOND), SECOND);
    ck_assert_uint_eq(throttle_wait(t, none, &local, SECOND), 0);
    ck_assert_uint_eq(throttle_wait(t, none, &far, SECOND), 0);
}
END_TEST

UNIT_MAIN("throttle", the_fourth_failure_in_a_minute_has_to_wait,
          a_full_bucket_comes_back_and_is_no_fuller,
          overdrawing_a_bucket_prolongs_the_wait_up_to_a_limit,
          sources_do_not_pay_for_each_other, a_million_addresses_lift_no_limit,
          a_full_set_replaces_the_row_with_the_fewest_failures,
          sources_of_each_kind_spread_over_the_sets, a_rate_of_none_limits_nothing,
          loopback_has_a_limit_of_its_own)
