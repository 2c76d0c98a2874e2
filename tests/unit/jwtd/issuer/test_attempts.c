#include "jwtd/issuer/attempts.h"
#include "tests/unit/unit.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#define START (UINT64_C(1000) * MINUTE)

static const struct settings three = {.session = {.failures_per_user = {3, MINUTE}}};
static const struct settings three_logins = {
    .session = {.failures_per_user = {2, MINUTE}, .logins_per_user = {3, MINUTE}}};
static const struct settings none = {0};

static struct attempts *make(void)
{
    struct attempts *a = calloc(1, sizeof(*a));

    ck_assert_ptr_nonnull(a);
    a->failures.key[0] = UINT64_C(0x9e3779b97f4a7c15);
    a->failures.key[1] = UINT64_C(0xbf58476d1ce4e5b9);
    memcpy(a->logins.key, a->failures.key, sizeof(a->logins.key));
    return a;
}

static enum attempts_result take_named(struct attempts *a, const char *user, uint64_t now,
                                       uint64_t *ret_wait)
{
    struct attempts_limit limit = {0};
    enum attempts_result result =
        attempts_take(a, &three, (struct slice){user, strlen(user)}, now, &limit);

    ck_assert(result != ATTEMPTS_LIMIT || strcmp(limit.setting, "FailuresPerUser") == 0);
    *ret_wait = limit.wait;
    return result;
}

static enum attempts_result take(struct attempts *a, uint64_t now)
{
    uint64_t wait;

    return take_named(a, "alice", now, &wait);
}

static void settle(struct attempts *a, const char *user, uint64_t now, bool failed)
{
    attempts_settle(a, &three, (struct slice){user, strlen(user)}, now,
                    failed ? ATTEMPTS_FAILED : ATTEMPTS_SUCCEEDED);
}

static void guess_wrong(struct attempts *a, const char *user, uint64_t now)
{
    uint64_t wait;

    ck_assert_int_eq(take_named(a, user, now, &wait), ATTEMPTS_GO);
    settle(a, user, now, true);
}

START_TEST(after_the_limit_the_time_to_wait_is_returned)
{
    CLEANUP(cleanup_free) struct attempts *a = make();
    uint64_t wait = 0;

    for (uint64_t i = 0; i < 3; i++)
        guess_wrong(a, "alice", START + i);
    ck_assert_int_eq(take_named(a, "alice", START + MINUTE / 4, &wait), ATTEMPTS_LIMIT);
    ck_assert_uint_eq(wait, MINUTE - MINUTE / 4);
    ck_assert_int_eq(take_named(a, "alice", START + MINUTE - 1, &wait), ATTEMPTS_LIMIT);
    ck_assert_uint_eq(wait, 1);
    ck_assert_int_eq(take(a, START + MINUTE), ATTEMPTS_GO);
}
END_TEST

START_TEST(successful_logins_are_not_counted)
{
    CLEANUP(cleanup_free) struct attempts *a = make();

    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(take(a, START), ATTEMPTS_GO);
        settle(a, "alice", START, false);
    }
}
END_TEST

START_TEST(a_successful_login_does_not_reset_the_count)
{
    CLEANUP(cleanup_free) struct attempts *a = make();

    guess_wrong(a, "alice", START);
    guess_wrong(a, "alice", START);
    ck_assert_int_eq(take(a, START), ATTEMPTS_GO);
    settle(a, "alice", START, false);
    guess_wrong(a, "alice", START);
    ck_assert_int_eq(take(a, START), ATTEMPTS_LIMIT);
}
END_TEST

START_TEST(names_are_counted_apart)
{
    CLEANUP(cleanup_free) struct attempts *a = make();
    uint64_t wait;

    for (int i = 0; i < 3; i++)
        guess_wrong(a, "alice", START);
    ck_assert_int_eq(take_named(a, "carol", START, &wait), ATTEMPTS_GO);
}
END_TEST

START_TEST(concurrent_checks_are_no_more_than_the_limit)
{
    CLEANUP(cleanup_free) struct attempts *a = make();

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(take(a, START), ATTEMPTS_GO);
    ck_assert_int_eq(take(a, START), ATTEMPTS_WAIT);
    settle(a, "alice", START, false);
    ck_assert_int_eq(take(a, START), ATTEMPTS_GO);
    for (int i = 0; i < 3; i++)
        settle(a, "alice", START, true);
    ck_assert_int_eq(take(a, START), ATTEMPTS_LIMIT);
}
END_TEST

START_TEST(no_limit_is_no_limit)
{
    CLEANUP(cleanup_free) struct attempts *a = make();
    struct attempts_limit limit;

    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(attempts_take(a, &none, SLICE("alice"), START, &limit), ATTEMPTS_GO);
        attempts_settle(a, &none, SLICE("alice"), START,
                        i % 2 ? ATTEMPTS_FAILED : ATTEMPTS_SUCCEEDED);
    }
}
END_TEST

START_TEST(checks_that_end_while_there_is_no_limit_are_not_counted_as_under_way_later)
{
    CLEANUP(cleanup_free) struct attempts *a = make();

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(take(a, START), ATTEMPTS_GO);
    for (int i = 0; i < 3; i++)
        attempts_settle(a, &none, SLICE("alice"), START, ATTEMPTS_FAILED);
    ck_assert_int_eq(take(a, START), ATTEMPTS_GO);
}
END_TEST

static enum attempts_result log_in(struct attempts *a, uint64_t now,
                                   enum attempts_outcome outcome, struct attempts_limit *ret)
{
    enum attempts_result result = attempts_take(a, &three_logins, SLICE("alice"), now, ret);

    if (result == ATTEMPTS_GO)
        attempts_settle(a, &three_logins, SLICE("alice"), now, outcome);
    return result;
}

START_TEST(a_missing_code_is_half_a_failure)
{
    CLEANUP(cleanup_free) struct attempts *a = make();
    struct attempts_limit limit = {0};

    ck_assert_int_eq(log_in(a, START, ATTEMPTS_HALF_FAILED, &limit), ATTEMPTS_GO);
    ck_assert_int_eq(log_in(a, START + 1, ATTEMPTS_FAILED, &limit), ATTEMPTS_GO);
    ck_assert_int_eq(log_in(a, START + 2, ATTEMPTS_HALF_FAILED, &limit), ATTEMPTS_GO);
    ck_assert_int_eq(log_in(a, START + 3, ATTEMPTS_SUCCEEDED, &limit), ATTEMPTS_LIMIT);
    ck_assert_str_eq(limit.setting, "FailuresPerUser");
    ck_assert_uint_eq(limit.wait, MINUTE - 3);
}
END_TEST

START_TEST(a_check_under_way_counts_as_a_whole_failure)
{
    CLEANUP(cleanup_free) struct attempts *a = make();
    struct attempts_limit limit;

    ck_assert_int_eq(log_in(a, START, ATTEMPTS_HALF_FAILED, &limit), ATTEMPTS_GO);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(attempts_take(a, &three_logins, SLICE("alice"), START, &limit),
                         ATTEMPTS_GO);
    ck_assert_int_eq(attempts_take(a, &three_logins, SLICE("alice"), START, &limit),
                     ATTEMPTS_WAIT);
}
END_TEST

/* An attacker who knows the password tries codes of 6 digits for a day, of which the module
 * accepts those of three periods. */
START_TEST(guesses_of_a_code_are_bounded_by_the_limit)
{
    static const struct {
        struct settings_rate rate;
        int codes;     /* in a day */
        double chance; /* of a hit in a day, at most */
    } rows[] = {
        {{10, MINUTE}, 14400, 0.043},
        {{10, 60 * MINUTE}, 240, 0.00073},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(cleanup_free) struct attempts *a = make();
        const struct settings set = {.session = {.failures_per_user = rows[i].rate}};
        struct attempts_limit limit;
        double miss = 1;
        int codes = 0;

        for (uint64_t now = START; now < START + 1440 * MINUTE; now += MINUTE)
            while (attempts_take(a, &set, SLICE("alice"), now, &limit) == ATTEMPTS_GO) {
                attempts_settle(a, &set, SLICE("alice"), now, ATTEMPTS_FAILED);
                codes++;
                miss *= 1 - 3e-6;
            }
        ck_assert_int_eq(codes, rows[i].codes);
        ck_assert(1 - miss <= rows[i].chance);
    }
}
END_TEST

START_TEST(logins_are_limited_by_their_own_setting_and_failures_do_not_count)
{
    CLEANUP(cleanup_free) struct attempts *a = make();
    struct attempts_limit limit = {0};

    ck_assert_int_eq(log_in(a, START, ATTEMPTS_FAILED, &limit), ATTEMPTS_GO);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(log_in(a, START, ATTEMPTS_UNKNOWN, &limit), ATTEMPTS_GO);
    for (uint64_t i = 0; i < 3; i++)
        ck_assert_int_eq(log_in(a, START + i, ATTEMPTS_SUCCEEDED, &limit), ATTEMPTS_GO);
    ck_assert_int_eq(log_in(a, START + 10, ATTEMPTS_SUCCEEDED, &limit), ATTEMPTS_LIMIT);
    ck_assert_str_eq(limit.setting, "LoginsPerUser");
    ck_assert_uint_eq(limit.wait, MINUTE - 10);
    ck_assert_int_eq(log_in(a, START + MINUTE, ATTEMPTS_SUCCEEDED, &limit), ATTEMPTS_GO);
}
END_TEST

START_TEST(concurrent_logins_are_no_more_than_the_limit)
{
    CLEANUP(cleanup_free) struct attempts *a = make();
    static const struct settings two = {.session = {.logins_per_user = {2, MINUTE}}};
    struct attempts_limit limit;

    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(attempts_take(a, &two, SLICE("alice"), START, &limit), ATTEMPTS_GO);
    ck_assert_int_eq(attempts_look(a, &two, SLICE("alice"), START, &limit), ATTEMPTS_WAIT);
    ck_assert_int_eq(attempts_take(a, &two, SLICE("alice"), START, &limit), ATTEMPTS_WAIT);
    attempts_settle(a, &two, SLICE("alice"), START, ATTEMPTS_FAILED);
    ck_assert_int_eq(attempts_take(a, &two, SLICE("alice"), START, &limit), ATTEMPTS_GO);
}
END_TEST

START_TEST(looking_counts_nothing)
{
    CLEANUP(cleanup_free) struct attempts *a = make();
    struct attempts_limit limit;

    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(attempts_look(a, &three, SLICE("alice"), START, &limit), ATTEMPTS_GO);
    ck_assert_int_eq(take(a, START), ATTEMPTS_GO);
}
END_TEST

/* A million; fewer where each call is slow (valgrind). */
static int many(void)
{
    const char *step = getenv("PROPERTY_STEP");

    return 1000000 / (step ? atoi(step) : 1);
}

START_TEST(a_million_names_need_no_more_memory_and_replace_no_name_at_its_limit)
{
    CLEANUP(cleanup_free) struct attempts *a = make();
    size_t before = mallinfo2().uordblks;
    char name[16];

    ck_assert_uint_lt(before, 1024 * 1024);

    for (int i = 0; i < 3; i++)
        guess_wrong(a, "alice", START);
    for (int i = 0; i < many(); i++) {
        (void)snprintf(name, sizeof(name), "n%d", i);
        guess_wrong(a, name, START + 1);
    }
    ck_assert_uint_le(mallinfo2().uordblks, before + 1024);
    ck_assert_int_eq(take(a, START + 2), ATTEMPTS_LIMIT);
}
END_TEST

/* All ways of a set under way: a name more waits, and counts when one of them is settled. */
START_TEST(checks_under_way_are_never_replaced_and_more_have_to_wait)
{
    CLEANUP(cleanup_free) struct attempts *a = make();
    enum attempts_result said[8192];
    int going = 0, waiting = 0;
    char name[16];
    uint64_t wait;

    for (int i = 0; i < 8192; i++) {
        (void)snprintf(name, sizeof(name), "n%d", i);
        said[i] = take_named(a, name, START, &wait);
        going += said[i] == ATTEMPTS_GO;
        waiting += said[i] == ATTEMPTS_WAIT;
    }
    ck_assert_int_le(going, 4096);
    ck_assert_int_eq(going + waiting, 8192);
    for (int i = 0; i < 8192; i++) {
        (void)snprintf(name, sizeof(name), "n%d", i);
        if (said[i] == ATTEMPTS_GO)
            settle(a, name, START, false);
    }
    ck_assert_int_eq(take(a, START), ATTEMPTS_GO);
}
END_TEST

UNIT_MAIN("attempts", after_the_limit_the_time_to_wait_is_returned,
          successful_logins_are_not_counted, a_successful_login_does_not_reset_the_count,
          names_are_counted_apart, concurrent_checks_are_no_more_than_the_limit,
          no_limit_is_no_limit, a_missing_code_is_half_a_failure,
          a_check_under_way_counts_as_a_whole_failure,
          guesses_of_a_code_are_bounded_by_the_limit,
          checks_that_end_while_there_is_no_limit_are_not_counted_as_under_way_later,
          logins_are_limited_by_their_own_setting_and_failures_do_not_count,
          concurrent_logins_are_no_more_than_the_limit, looking_counts_nothing,
          a_million_names_need_no_more_memory_and_replace_no_name_at_its_limit,
          checks_under_way_are_never_replaced_and_more_have_to_wait)
