#include "jwtd/login/median.h"
#include "tests/unit/unit.h"

START_TEST(before_the_first_duration_it_is_the_initial_value)
{
    struct median m = {0};

    ck_assert_uint_eq(median_get(&m, 100), 100);
    median_add(&m, 7);
    ck_assert_uint_eq(median_get(&m, 100), 7);
}
END_TEST

START_TEST(one_extreme_duration_changes_nothing)
{
    struct median m = {0};

    for (uint64_t i = 1; i <= 5; i++)
        median_add(&m, 10 * i);
    ck_assert_uint_eq(median_get(&m, 0), 30);
    median_add(&m, 30000000);
    median_add(&m, 0);
    ck_assert_uint_eq(median_get(&m, 0), 30);
}
END_TEST

START_TEST(of_an_even_number_it_is_one_of_the_two_in_the_middle)
{
    struct median m = {0};
    uint64_t found;

    for (uint64_t i = 1; i <= 4; i++)
        median_add(&m, 50 - 10 * i);
    found = median_get(&m, 0);
    ck_assert(found == 20 || found == 30);
}
END_TEST

START_TEST(equal_durations_are_the_median)
{
    struct median m = {0};

    for (int i = 0; i < MEDIAN_SAMPLES; i++)
        median_add(&m, i < 4 ? 1 : 5);
    ck_assert_uint_eq(median_get(&m, 0), 5);
}
END_TEST

START_TEST(only_the_last_durations_count)
{
    struct median m = {0};

    for (int i = 0; i < 1000; i++)
        median_add(&m, 1000);
    for (int i = 0; i < MEDIAN_SAMPLES; i++)
        median_add(&m, 20);
    ck_assert_uint_eq(median_get(&m, 0), 20);
}
END_TEST

UNIT_MAIN("median", before_the_first_duration_it_is_the_initial_value,
          one_extreme_duration_changes_nothing,
          of_an_even_number_it_is_one_of_the_two_in_the_middle, equal_durations_are_the_median,
          only_the_last_durations_count)
