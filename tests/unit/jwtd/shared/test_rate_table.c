/*
 * The table under FailuresPerSource and FailuresPerUser; test_throttle and test_attempts have
 * what is counted in it.
 */
#include "common/base/cleanup.h"
#include "jwtd/shared/rate_table.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define NAMES 100000

static struct slice name_of(unsigned n, char room[16])
{
    return (struct slice){room, (size_t)snprintf(room, 16, "name%u", n)};
}

static struct rate_table *make(uint64_t key)
{
    struct rate_table *t = calloc(1, sizeof(*t));

    ck_assert_ptr_nonnull(t);
    t->key[0] = key;
    t->key[1] = key * UINT64_C(0x9e3779b97f4a7c15);
    return t;
}

/* The hashes were computed with integers of unlimited size (Python). */
START_TEST(a_hash_is_the_polynomial_modulo_2_to_the_61_minus_1)
{
    static const struct {
        uint64_t key;
        const char *name;
        uint64_t hash;
    } cases[] = {
        {UINT64_C(0x1ffffffffffffffe), "alice", UINT64_C(0x1fffff9a9c969399)},
        {UINT64_C(0x1ffffffffffffffe), "2001:db8::/64", UINT64_C(0x62300401f5f607)},
        {UINT64_C(0x1ffffffffffffffe), "~~~~~~~~~~~~~~", UINT64_C(0xe)},
        {UINT64_C(0x2000000000000004), "alice", UINT64_C(0x1faf10f1dfe)},
        {UINT64_C(0x2000000000000004), "2001:db8::/64", UINT64_C(0x99ccebdb9d7d93f)},
        {UINT64_C(0x2000000000000004), "~~~~~~~~~~~~~~", UINT64_C(0xed2d2d2d2d2d422)},
        {UINT64_C(0xffffffffffffffff), "alice", UINT64_C(0x2c5b7e1f6ca)},
        {UINT64_C(0xffffffffffffffff), "2001:db8::/64", UINT64_C(0x12d69c9eb4d0d397)},
        {UINT64_C(0xffffffffffffffff), "~~~~~~~~~~~~~~", UINT64_C(0x1babababababae3e)},
        {UINT64_C(0x9e3779b97f4a7c15), "alice", UINT64_C(0x1326bb6372405c68)},
        {UINT64_C(0x9e3779b97f4a7c15), "2001:db8::/64", UINT64_C(0x105b503dc946ddf0)},
        {UINT64_C(0x9e3779b97f4a7c15), "~~~~~~~~~~~~~~", UINT64_C(0x162fc7e16076826f)},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(cleanup_free) struct rate_table *t = make(cases[i].key);
        const struct rate_row *row =
            rate_table_add(t, (struct slice){cases[i].name, strlen(cases[i].name)}, 1);

        ck_assert_ptr_nonnull(row);
        ck_assert_uint_eq(row->name, cases[i].hash);
    }
}
END_TEST

static size_t set_of(struct rate_table *t, unsigned n)
{
    char room[16];
    const struct rate_row *row = rate_table_add(t, name_of(n, room), 1);

    ck_assert_ptr_nonnull(row);
    return (size_t)(row - &t->rows[0][0]) / RATE_WAYS;
}

START_TEST(the_key_decides_which_names_share_a_set)
{
    CLEANUP(cleanup_free) struct rate_table *a = make(UINT64_C(0xbf58476d1ce4e5b9));
    CLEANUP(cleanup_free) struct rate_table *b = make(UINT64_C(0x94d049bb133111eb));
    unsigned in_a = 0, in_both = 0;

    for (unsigned n = 1; n < NAMES; n++) {
        bool shared = set_of(a, n) == set_of(a, 0);

        in_a += shared;
        in_both += shared && set_of(b, n) == set_of(b, 0);
    }
    ck_assert_uint_gt(in_a, NAMES / RATE_SETS / 2);
    ck_assert_uint_lt(in_a, NAMES / RATE_SETS * 2);
    ck_assert_uint_lt(in_both, 10);
}
END_TEST

START_TEST(a_row_with_a_check_under_way_is_never_replaced)
{
    CLEANUP(cleanup_free) struct rate_table *t = make(1);
    struct rate_row *first = rate_table_add(t, SLICE("alice"), 1);
    char room[16];

    ck_assert_ptr_nonnull(first);
    first->under_way = 1;
    for (unsigned n = 0; n < NAMES; n++) {
        struct rate_row *row = rate_table_add(t, name_of(n, room), 1);

        ck_assert(row && row != first);
        *row = (struct rate_row){row->name, UINT64_MAX, 9, 0};
    }
    ck_assert_ptr_eq(rate_table_find(t, SLICE("alice"), 1), first);
}
END_TEST

START_TEST(a_name_whose_time_is_over_has_no_row_and_no_count)
{
    CLEANUP(cleanup_free) struct rate_table *t = make(1);
    struct rate_row *row = rate_table_add(t, SLICE("alice"), 1);

    ck_assert_ptr_nonnull(row);
    row->count = 3;
    row->until = 10;
    ck_assert_ptr_eq(rate_table_find(t, SLICE("alice"), 9), row);
    ck_assert_uint_eq(row->count, 3);
    ck_assert_ptr_null(rate_table_find(t, SLICE("alice"), 10));
    ck_assert_uint_eq(row->count, 0);
}
END_TEST

UNIT_MAIN("rate_table", a_hash_is_the_polynomial_modulo_2_to_the_61_minus_1,
          the_key_decides_which_names_share_a_set,
          a_row_with_a_check_under_way_is_never_replaced,
          a_name_whose_time_is_over_has_no_row_and_no_count)
