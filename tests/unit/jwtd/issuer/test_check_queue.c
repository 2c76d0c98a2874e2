#include "jwtd/issuer/check_queue.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* A queue and places for it, which are made in the order of arrival. */
struct trial {
    struct check_queue queue;
    struct check_place places[2 * CHECK_QUEUE_MAX];
    size_t n;
    const char *running; /* user that may not start; NULL: none */
};

static void begin(struct trial *t)
{
    memset(t, 0, sizeof(*t));
    check_queue_init(&t->queue);
}

static struct slice text(const char *s)
{
    return (struct slice){s, strlen(s)};
}

/* source: "uid NAME" is the user's own. The one that is refused, or NULL. */
static struct check_place *arrive(struct trial *t, const char *source, const char *user)
{
    struct check_place *p = &t->places[t->n++], *refused = NULL;

    p->source = text(source);
    p->user = text(user);
    p->own = strncmp(source, "uid ", 4) == 0 && strcmp(source + 4, user) == 0;
    if (!check_queue_add(&t->queue, p, &refused))
        return p;
    if (refused)
        check_queue_remove(&t->queue, refused);
    return refused;
}

static bool may_start(void *arg, const struct check_place *p)
{
    const struct trial *t = arg;

    return !t->running || !slice_is(p->user, t->running);
}

/* The number of the place that is served next, by arrival; -1: none. */
static int serve_next(struct trial *t)
{
    struct check_place *p = check_queue_next(&t->queue, may_start, t);

    if (!p)
        return -1;
    check_queue_remove(&t->queue, p);
    return (int)(p - t->places);
}

static void serves(struct trial *t, const int *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(serve_next(t), order[i]);
    ck_assert_int_eq(serve_next(t), -1);
    ck_assert_uint_eq(t->queue.n, 0);
}

#define SERVES(t, ...)                                                                         \
    serves(t, (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

START_TEST(one_source_and_user_are_served_in_order_of_arrival)
{
    struct trial t;

    begin(&t);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_null(arrive(&t, "a", "alice"));
    SERVES(&t, 0, 1, 2);
}
END_TEST

START_TEST(sources_take_turns)
{
    struct trial t;

    begin(&t);
    for (int i = 0; i < 4; i++)
        (void)arrive(&t, "a", "alice");
    (void)arrive(&t, "b", "bob");
    (void)arrive(&t, "b", "bob");
    (void)arrive(&t, "c", "carol");
    SERVES(&t, 0, 4, 6, 1, 5, 2, 3);
}
END_TEST

START_TEST(users_of_a_source_take_turns_and_have_one_turn_together)
{
    struct trial t;

    begin(&t);
    (void)arrive(&t, "proxy", "alice");
    (void)arrive(&t, "proxy", "alice");
    (void)arrive(&t, "proxy", "bob");
    (void)arrive(&t, "proxy", "bob");
    (void)arrive(&t, "c", "carol");
    (void)arrive(&t, "c", "carol");
    SERVES(&t, 0, 4, 2, 5, 1, 3);
}
END_TEST

START_TEST(a_source_that_returns_comes_after_those_that_wait)
{
    struct trial t;

    begin(&t);
    (void)arrive(&t, "a", "alice");
    (void)arrive(&t, "b", "bob");
    (void)arrive(&t, "b", "bob");
    ck_assert_int_eq(serve_next(&t), 0);
    (void)arrive(&t, "a", "alice");
    ck_assert_int_eq(serve_next(&t), 1);
    (void)arrive(&t, "a", "alice");
    SERVES(&t, 3, 2, 4);
}
END_TEST

/* A source that sends one login at a time is not served before those that wait longer. */
START_TEST(a_source_with_one_place_at_a_time_has_one_turn_a_round)
{
    struct trial t;

    begin(&t);
    for (int i = 0; i < 3; i++)
        (void)arrive(&t, "b", "bob");
    ck_assert_int_eq(serve_next(&t), 0);
    (void)arrive(&t, "a", "alice");
    ck_assert_int_eq(serve_next(&t), 1);
    ck_assert_int_eq(serve_next(&t), 3);
    (void)arrive(&t, "a", "alice");
    SERVES(&t, 2, 4);
}
END_TEST

/* Likewise for the users of one source. */
START_TEST(a_user_with_one_place_at_a_time_has_one_turn_a_round)
{
    struct trial t;

    begin(&t);
    for (int i = 0; i < 3; i++)
        (void)arrive(&t, "proxy", "bob");
    ck_assert_int_eq(serve_next(&t), 0);
    (void)arrive(&t, "proxy", "alice");
    ck_assert_int_eq(serve_next(&t), 1);
    ck_assert_int_eq(serve_next(&t), 3);
    (void)arrive(&t, "proxy", "alice");
    SERVES(&t, 2, 4);
}
END_TEST

START_TEST(a_new_user_of_a_source_comes_after_its_others)
{
    struct trial t;

    begin(&t);
    (void)arrive(&t, "proxy", "bob");
    (void)arrive(&t, "proxy", "bob");
    (void)arrive(&t, "proxy", "carol");
    ck_assert_int_eq(serve_next(&t), 0);
    (void)arrive(&t, "proxy", "dave");
    SERVES(&t, 2, 1, 3);
}
END_TEST

START_TEST(an_own_login_is_served_first)
{
    struct trial t;

    begin(&t);
    (void)arrive(&t, "a", "alice");
    (void)arrive(&t, "uid bob", "alice");
    (void)arrive(&t, "uid alice", "alice");
    (void)arrive(&t, "uid carol", "carol");
    (void)arrive(&t, "uid alice", "alice");
    SERVES(&t, 2, 3, 4, 0, 1);
}
END_TEST

START_TEST(a_user_that_may_not_start_is_passed_over_and_keeps_its_place)
{
    struct trial t;

    begin(&t);
    (void)arrive(&t, "a", "alice");
    (void)arrive(&t, "a", "alice");
    (void)arrive(&t, "a", "bob");
    t.running = "alice";
    ck_assert_int_eq(serve_next(&t), 2);
    ck_assert_int_eq(serve_next(&t), -1);
    t.running = NULL;
    SERVES(&t, 0, 1);
}
END_TEST

START_TEST(a_source_and_user_have_a_fixed_number_of_places)
{
    struct trial t;

    begin(&t);
    for (int i = 0; i < CHECK_PLACES_MAX; i++)
        ck_assert_ptr_null(arrive(&t, "a", "alice"));
    ck_assert_ptr_eq(arrive(&t, "a", "alice"), &t.places[t.n - 1]);
    ck_assert_ptr_null(arrive(&t, "a", "bob"));
    ck_assert_ptr_null(arrive(&t, "b", "alice"));
    ck_assert_uint_eq(t.queue.n, CHECK_PLACES_MAX + 2);
}
END_TEST

static char names[2 * CHECK_QUEUE_MAX][8];

static const char *name_of(size_t i)
{
    (void)snprintf(names[i], sizeof(names[i]), "n%zu", i);
    return names[i];
}

START_TEST(in_a_full_queue_the_source_with_the_most_places_loses_its_newest)
{
    struct trial t;

    begin(&t);
    (void)arrive(&t, "b", "bob");
    for (size_t i = 1; i < CHECK_QUEUE_MAX; i++)
        ck_assert_ptr_null(arrive(&t, "a", name_of(i)));
    ck_assert_ptr_eq(arrive(&t, "c", "carol"), &t.places[CHECK_QUEUE_MAX - 1]);
    ck_assert_ptr_eq(arrive(&t, "a", "alice"), &t.places[CHECK_QUEUE_MAX + 1]);
    ck_assert_ptr_eq(arrive(&t, "b", "bob"), &t.places[CHECK_QUEUE_MAX - 2]);
    ck_assert_uint_eq(t.queue.n, CHECK_QUEUE_MAX);
}
END_TEST

START_TEST(in_a_full_queue_the_user_with_the_most_places_loses_its_newest)
{
    struct trial t;

    begin(&t);
    (void)arrive(&t, "x", "bob");
    for (size_t i = 1; i < CHECK_QUEUE_MAX; i++)
        ck_assert_ptr_null(arrive(&t, name_of(i), "alice"));
    ck_assert_ptr_eq(arrive(&t, "c", "carol"), &t.places[CHECK_QUEUE_MAX - 1]);
    ck_assert_ptr_eq(arrive(&t, "y", "alice"), &t.places[CHECK_QUEUE_MAX + 1]);
}
END_TEST

START_TEST(a_full_queue_always_has_a_place_for_an_own_login)
{
    struct trial t;

    begin(&t);
    for (size_t i = 0; i < CHECK_QUEUE_MAX; i++)
        ck_assert_ptr_null(arrive(&t, name_of(i), name_of(i)));
    ck_assert_ptr_eq(arrive(&t, "z", "zoe"), &t.places[CHECK_QUEUE_MAX]);
    ck_assert_ptr_eq(arrive(&t, "uid alice", "alice"), &t.places[CHECK_QUEUE_MAX - 1]);
    ck_assert_int_eq(serve_next(&t), CHECK_QUEUE_MAX + 1);
}
END_TEST

UNIT_MAIN("check_queue", one_source_and_user_are_served_in_order_of_arrival, sources_take_turns,
          users_of_a_source_take_turns_and_have_one_turn_together,
          a_source_that_returns_comes_after_those_that_wait,
          a_source_with_one_place_at_a_time_has_one_turn_a_round,
          a_user_with_one_place_at_a_time_has_one_turn_a_round,
          a_new_user_of_a_source_comes_after_its_others, an_own_login_is_served_first,
          a_user_that_may_not_start_is_passed_over_and_keeps_its_place,
          a_source_and_user_have_a_fixed_number_of_places,
          in_a_full_queue_the_source_with_the_most_places_loses_its_newest,
          in_a_full_queue_the_user_with_the_most_places_loses_its_newest,
          a_full_queue_always_has_a_place_for_an_own_login)
