/* Rotations of a session, and in a shared store those of a session that is presumed. */
#include "jwtd/issuer/store/store_internal.h"
#include "tests/unit/jwtd/issuer/stores.h"
#include "tests/unit/unit.h"

#include <string.h>

START_TEST(rotation_keeps_the_id_before)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1), found;
    struct store_pair pair = stores_next_pair(&s, 9);

    stores_add(store, &s);
    stores_begin(store, NOW + 60);
    ck_assert_int_eq(store_rotate(store, s.sid, 0, &pair, NOW + 99), STORE_DONE);
    stores_commit(store);
    found = stores_find(store, &s);
    stores_expect_pair(&found.pair, &pair);
    ck_assert(found.has_previous);
    ck_assert_mem_eq(found.previous_jti, s.pair.refresh_jti, ISSUE_ID_BYTES);
    ck_assert_int_eq(found.rotated_at, NOW + 60);
    ck_assert_int_eq(found.idle_exp, NOW + 99);
    ck_assert_int_eq(found.last_access_exp, pair.access_exp);
}
END_TEST

START_TEST(of_two_rotations_from_one_generation_one_wins)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1), found;
    struct store_pair first = stores_next_pair(&s, 9), second = stores_next_pair(&s, 20);

    stores_add(store, &s);
    stores_begin(store, NOW);
    ck_assert_int_eq(store_rotate(store, s.sid, 0, &first, NOW + 99), STORE_DONE);
    ck_assert_int_eq(store_rotate(store, s.sid, 0, &second, NOW + 99), STORE_ABSENT);
    stores_commit(store);
    found = stores_find(store, &s);
    ck_assert_mem_eq(found.pair.refresh_jti, first.refresh_jti, ISSUE_ID_BYTES);
}
END_TEST

START_TEST(two_connections_rotate_one_after_the_other)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    CLEANUP(cleanup_store) struct store *other = stores_open();
    struct store_session s = stores_session(1);
    struct store_pair first = stores_next_pair(&s, 9), second = stores_next_pair(&s, 20);

    stores_add(store, &s);
    stores_begin(store, NOW);
    ck_assert_int_eq(store_rotate(store, s.sid, 0, &first, NOW + 99), STORE_DONE);
    stores_commit(store);
    stores_begin(other, NOW);
    ck_assert_int_eq(store_rotate(other, s.sid, 0, &second, NOW + 99), STORE_ABSENT);
    store_rollback(other);
}
END_TEST

START_TEST(a_revoked_session_is_not_rotated)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1);
    struct store_pair pair = stores_next_pair(&s, 9);

    stores_add(store, &s);
    stores_begin(store, NOW);
    ck_assert_int_eq(store_revoke(store, s.sid), STORE_DONE);
    ck_assert_int_eq(store_revoke(store, s.sid), STORE_ABSENT);
    ck_assert_int_eq(store_rotate(store, s.sid, 0, &pair, NOW + 99), STORE_ABSENT);
    ck_assert_int_eq(store_renew(store, s.sid, 0, NOW + 99, NOW + 99), STORE_ABSENT);
    stores_commit(store);
    ck_assert(stores_has_revoked(store, &s));
}
END_TEST

START_TEST(a_shorter_access_token_leaves_the_longest_ones_end)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1), found;

    stores_add(store, &s);
    stores_begin(store, NOW);
    ck_assert_int_eq(store_renew(store, s.sid, 0, NOW + 5, NOW + 500), STORE_DONE);
    stores_commit(store);
    found = stores_find(store, &s);
    ck_assert_int_eq(found.last_access_exp, s.last_access_exp);
    ck_assert_int_eq(found.idle_exp, NOW + 500);
    stores_expect_pair(&found.pair, &s.pair);
}
END_TEST

/* A rotation at this time of a session that is presumed. */
static enum store_result rotate_presumed(struct store *store,
                                         const struct store_session *presumed, int64_t wall)
{
    struct store_pair pair = stores_next_pair(presumed, 9);
    struct store_session found = {0};

    store_presume(store, presumed);
    stores_begin(store, wall);
    ck_assert_int_eq(store_find(store, presumed->sid, &found), STORE_DONE);
    ck_assert_mem_eq(&found, presumed, sizeof(found));
    ck_assert_int_eq(store_rotate(store, presumed->sid, presumed->pair.gen, &pair, wall + 99),
                     STORE_DONE);
    return store_commit(store);
}

static void expect_conflict(struct store *store, const struct store_session *presumed,
                            int64_t wall)
{
    bool conflict = false;

    ck_assert_int_eq(rotate_presumed(store, presumed, wall), STORE_FAILED);
    ck_assert(store_recover(store, &conflict));
    ck_assert(conflict);
}

START_TEST(a_session_that_is_as_presumed_is_rotated)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1), found;
    struct store_pair pair = stores_next_pair(&s, 9);

    stores_add(store, &s);
    ck_assert_int_eq(rotate_presumed(store, &s, NOW + 60), STORE_DONE);
    found = stores_find(store, &s);
    stores_expect_pair(&found.pair, &pair);
    ck_assert_mem_eq(found.previous_jti, s.pair.refresh_jti, ISSUE_ID_BYTES);
    ck_assert_int_eq(found.rotated_at, NOW + 60);
    ck_assert_int_eq(found.idle_exp, NOW + 60 + 99);
}
END_TEST

/* Each way in which a session is not as presumed. */
#define CHANGES 9
static void change(int n, struct store_session *s)
{
    switch (n) {
    case 0:
        s->user[0] = 'b';
        break;
    case 1:
        s->uid++;
        break;
    case 2:
        s->stamp[0] ^= 1;
        break;
    case 3:
        s->stamp_len = 0;
        break;
    case 4:
        s->pair.gen++;
        break;
    case 5:
        s->pair.gen--;
        break;
    case 6:
        s->pair.refresh_jti[ISSUE_ID_BYTES - 1] ^= 1;
        break;
    case 7:
        s->absolute_exp++;
        break;
    case 8:
        s->sid[0] ^= 1;
        break;
    default:
        ck_abort_msg("no such change");
    }
}

START_TEST(a_session_that_is_not_as_presumed_is_a_conflict_and_stays)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1), presumed = s, found;

    stores_add(store, &s);
    change(_i, &presumed);
    expect_conflict(store, &presumed, NOW + 60);
    stores_begin(store, NOW + 60);
    found = stores_find(store, &s);
    stores_expect_pair(&found.pair, &s.pair);
    ck_assert(!found.has_previous);
    stores_commit(store);
    ck_assert_int_eq(rotate_presumed(store, &s, NOW + 60), STORE_DONE);
}
END_TEST

START_TEST(a_session_that_was_unused_too_long_is_not_as_presumed)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1);

    stores_add(store, &s);
    expect_conflict(store, &s, s.idle_exp);
    ck_assert_int_eq(rotate_presumed(store, &s, s.idle_exp - 1), STORE_DONE);
}
END_TEST

/* It must be followed before anything is answered. */
START_TEST(after_a_change_by_another_issuer_nothing_is_as_presumed)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    CLEANUP(cleanup_store) struct store *other = stores_open();
    struct store_session s = stores_session(1), revoked = stores_session(40);

    stores_add(store, &s);
    stores_add(store, &revoked);
    stores_begin(other, NOW);
    if (_i == 0)
        ck_assert_int_eq(store_revoke(other, revoked.sid), STORE_DONE);
    else
        ck_assert_int_eq(sql_run(&other->sql,
                                 "UPDATE counter SET value = value + 1 WHERE name = 'keys'",
                                 NULL),
                         STORE_DONE);
    stores_commit(other);
    expect_conflict(store, &s, NOW);
    ck_assert_int_eq(store_poll(store), STORE_DONE);
    ck_assert_int_eq(rotate_presumed(store, &s, NOW), STORE_DONE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        rotation_keeps_the_id_before,
        of_two_rotations_from_one_generation_one_wins,
        two_connections_rotate_one_after_the_other,
        a_revoked_session_is_not_rotated,
        a_shorter_access_token_leaves_the_longest_ones_end,
    };
    /* Of a shared store alone. */
    const struct unit_loop loops[] = {
        {a_session_that_is_as_presumed_is_rotated, 1},
        {a_session_that_is_not_as_presumed_is_a_conflict_and_stays, CHANGES},
        {a_session_that_was_unused_too_long_is_not_as_presumed, 1},
        {after_a_change_by_another_issuer_nothing_is_as_presumed, 2},
    };
    size_t n_loops = stores_is_shared() ? sizeof(loops) / sizeof(loops[0]) : 0;

    return unit_run_all("rotation", tests, sizeof(tests) / sizeof(tests[0]), loops, n_loops,
                        stores_setup, stores_teardown);
}
