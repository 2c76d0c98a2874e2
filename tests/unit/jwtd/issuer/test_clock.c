#include "jwtd/issuer/store/clock.h"
#include "tests/unit/unit.h"

#define NOW 1800000000
#define DAY 86400

static struct clock_mark begun(void)
{
    struct clock_mark m = {0};

    clock_update(&m, NOW, 1000);
    return m;
}

START_TEST(the_first_time_is_accepted)
{
    ck_assert_int_eq(begun().mark, NOW);
}
END_TEST

START_TEST(the_mark_follows_the_wall_clock_and_never_back)
{
    struct clock_mark m = begun();

    clock_update(&m, NOW + 500, 1500);
    ck_assert_int_eq(m.mark, NOW + 500);
    clock_update(&m, NOW + 400, 1500);
    ck_assert_int_eq(m.mark, NOW + 500);
    /* sped up a little, as a time service does */
    clock_update(&m, NOW + 900, 1700);
    ck_assert_int_eq(m.mark, NOW + 900);
    /* a day between two looks */
    clock_update(&m, NOW + 900 + DAY, 1700 + DAY);
    ck_assert_int_eq(m.mark, NOW + 900 + DAY);
}
END_TEST

START_TEST(a_day_forward_and_back_moves_the_mark_by_uptime_alone)
{
    struct clock_mark m = begun();

    clock_update(&m, NOW + DAY, 1010);
    clock_update(&m, NOW + DAY + 600, 1610);
    ck_assert_int_eq(m.mark, NOW + 610);
    clock_update(&m, NOW + 700, 1700);
    ck_assert_int_eq(m.mark, NOW + 700);
    ck_assert_int_eq(m.odd_since, 0);
}
END_TEST

START_TEST(a_clock_that_stays_forward_for_an_hour_is_accepted)
{
    struct clock_mark m = begun();

    clock_update(&m, NOW + DAY, 1010);
    clock_update(&m, NOW + DAY + CLOCK_ACCEPTED_AFTER - 1, 1010 + CLOCK_ACCEPTED_AFTER - 1);
    ck_assert_int_lt(m.mark, NOW + DAY);
    clock_update(&m, NOW + DAY + CLOCK_ACCEPTED_AFTER, 1010 + CLOCK_ACCEPTED_AFTER);
    ck_assert_int_eq(m.mark, NOW + DAY + CLOCK_ACCEPTED_AFTER);
}
END_TEST

START_TEST(a_clock_that_stays_back_for_an_hour_is_accepted_and_not_before)
{
    struct clock_mark m = begun();

    clock_update(&m, NOW - DAY, 1010);
    ck_assert_int_eq(m.mark, NOW + 10);
    clock_update(&m, NOW - DAY + CLOCK_ACCEPTED_AFTER - 1, 1010 + CLOCK_ACCEPTED_AFTER - 1);
    ck_assert_int_ge(m.mark, NOW + CLOCK_ACCEPTED_AFTER);
    clock_update(&m, NOW - DAY + CLOCK_ACCEPTED_AFTER, 1010 + CLOCK_ACCEPTED_AFTER);
    ck_assert_int_eq(m.mark, NOW - DAY + CLOCK_ACCEPTED_AFTER);
}
END_TEST

START_TEST(one_correct_reading_restarts_the_hour)
{
    struct clock_mark m = begun();

    clock_update(&m, NOW + DAY, 1010);
    clock_update(&m, NOW + 2000, 3000);
    clock_update(&m, NOW + DAY, 3010);
    clock_update(&m, NOW + DAY + 2000, 5010);
    ck_assert_int_lt(m.mark, NOW + DAY);
}
END_TEST

START_TEST(after_a_boot_the_least_that_passed_is_counted)
{
    struct clock_mark m = begun();

    /* off for an hour, and up for 700 seconds */
    clock_update(&m, NOW + 3600, 700);
    ck_assert_int_eq(m.mark, NOW + 700);
    clock_update(&m, NOW + 3600 + CLOCK_ACCEPTED_AFTER, 700 + CLOCK_ACCEPTED_AFTER);
    ck_assert_int_eq(m.mark, NOW + 3600 + CLOCK_ACCEPTED_AFTER);
}
END_TEST

START_TEST(a_boot_does_not_count_against_the_hour)
{
    struct clock_mark m = {.mark = NOW, .seen = 500000, .odd_since = 500000};

    clock_update(&m, NOW + DAY, 10);
    ck_assert_int_lt(m.mark, NOW + DAY);
    ck_assert_int_eq(m.odd_since, 10);
}
END_TEST

UNIT_MAIN("clock", the_first_time_is_accepted, the_mark_follows_the_wall_clock_and_never_back,
          a_day_forward_and_back_moves_the_mark_by_uptime_alone,
          a_clock_that_stays_forward_for_an_hour_is_accepted,
          a_clock_that_stays_back_for_an_hour_is_accepted_and_not_before,
          one_correct_reading_restarts_the_hour, after_a_boot_the_least_that_passed_is_counted,
          a_boot_does_not_count_against_the_hour)
