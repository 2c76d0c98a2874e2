#include "tests/unit/jwtd/issuer/stores.h"
#include "tests/unit/unit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

struct seen {
    int n, most;
    int64_t created[1024];
    char user[16];
};

static bool see(void *arg, const struct store_session *s)
{
    struct seen *seen = arg;

    if (seen->n == seen->most)
        return false;
    seen->created[seen->n++] = s->created_at;
    (void)snprintf(seen->user, sizeof(seen->user), "%.15s", s->user);
    return true;
}

/* The sid of number n: time-ordered, as the issuer makes them. */
static struct store_session numbered(const char *user, int n)
{
    struct store_session s = stores_session(0);

    s.created_at = NOW + n;
    s.sid[0] = (uint8_t)(n >> 8);
    s.sid[1] = (uint8_t)n;
    (void)snprintf(s.user, sizeof(s.user), "%s", user);
    return s;
}

static void add_many(struct store *store, const char *user, int from, int to)
{
    stores_begin(store, NOW);
    for (int n = from; n < to; n++) {
        struct store_session s = numbered(user, n);

        ck_assert_int_eq(store_add(store, &s), STORE_DONE);
    }
    stores_commit(store);
}

/* All pages, `most` sessions each; how many pages it took. */
static int walk(struct store *store, const char *user, int most, struct seen *ret)
{
    struct store_page page = {.user = user, .fn = see, .arg = ret};
    int pages = 0;

    *ret = (struct seen){0};
    stores_begin(store, NOW);
    do {
        ret->most = ret->n + most;
        ck_assert_int_eq(store_page(store, &page), STORE_DONE);
        page.after = page.next;
        pages++;
        ck_assert_int_lt(pages, 100);
    } while (page.more);
    stores_commit(store);
    return pages;
}

START_TEST(pages_have_every_live_session_once_newest_first)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct seen seen;

    add_many(store, "alice", 1, 11);
    add_many(store, "carol", 11, 16);
    ck_assert_int_eq(walk(store, "alice", 3, &seen), 4);
    ck_assert_int_eq(seen.n, 10);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(seen.created[i], NOW + 10 - i);
    ck_assert_str_eq(seen.user, "alice");
    ck_assert_int_eq(walk(store, NULL, 4, &seen), 4);
    ck_assert_int_eq(seen.n, 15);
    ck_assert_int_eq(seen.created[0], NOW + 15);
    ck_assert_int_eq(walk(store, "nobody", 4, &seen), 1);
    ck_assert_int_eq(seen.n, 0);
}
END_TEST

START_TEST(revoked_and_expired_sessions_are_on_no_page)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session idle = numbered("alice", 1), ended = numbered("alice", 2),
                         old = numbered("alice", 3), live = numbered("alice", 4);
    struct seen seen;

    idle.idle_exp = NOW;
    old.absolute_exp = NOW;
    stores_add(store, &idle);
    stores_add(store, &ended);
    stores_add(store, &old);
    stores_add(store, &live);
    stores_begin(store, NOW);
    ck_assert_int_eq(store_revoke(store, ended.sid), STORE_DONE);
    stores_commit(store);
    for (int all = 0; all < 2; all++) {
        (void)walk(store, all ? NULL : "alice", 10, &seen);
        ck_assert_int_eq(seen.n, 1);
        ck_assert_int_eq(seen.created[0], NOW + 4);
    }
}
END_TEST

START_TEST(a_page_reads_a_limited_number_of_rows)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct seen seen;
    uint64_t n;

    stores_begin(store, NOW);
    for (int i = 0; i < 1000; i++) {
        struct store_session s = numbered("alice", i);

        s.idle_exp = NOW;
        ck_assert_int_eq(store_add(store, &s), STORE_DONE);
    }
    stores_commit(store);
    add_many(store, "alice", 1000, 1001);
    for (int all = 0; all < 2; all++) {
        ck_assert_int_eq(walk(store, all ? NULL : "alice", 10, &seen),
                         1001 / STORE_PAGE_ROWS + 1);
        ck_assert_int_eq(seen.n, 1);
    }
    stores_begin(store, NOW);
    ck_assert_int_eq(store_revoke_all(store, NOW, &n), STORE_DONE);
    stores_commit(store);
    ck_assert_int_eq(walk(store, NULL, 10, &seen), 1);
    ck_assert_int_eq(seen.n, 0);
}
END_TEST

START_TEST(a_page_after_a_session_that_is_gone_is_the_last)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    uint8_t gone[ISSUE_ID_BYTES];
    struct seen seen = {.most = 10};
    struct store_page page = {
        .user = "alice", .after = gone, .fn = see, .arg = &seen, .more = true};

    stores_id(gone, 99);
    add_many(store, "alice", 1, 3);
    stores_begin(store, NOW);
    ck_assert_int_eq(store_page(store, &page), STORE_DONE);
    ck_assert(!page.more);
    ck_assert_int_eq(seen.n, 0);
    store_rollback(store);
}
END_TEST

START_TEST(each_refresh_is_the_last_use)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1);
    struct store_pair next = s.pair;

    stores_add(store, &s);
    ck_assert_int_eq(stores_find(store, &s).last_used, s.rotated_at);
    stores_begin(store, NOW + 50);
    ck_assert_int_eq(store_renew(store, s.sid, 0, NOW + 950, s.idle_exp), STORE_DONE);
    stores_commit(store);
    ck_assert_int_eq(stores_find(store, &s).last_used, NOW + 50);
    ck_assert_int_eq(stores_find(store, &s).rotated_at, s.rotated_at);
    next.gen = 1;
    stores_begin(store, NOW + 60);
    ck_assert_int_eq(store_rotate(store, s.sid, 0, &next, s.idle_exp), STORE_DONE);
    stores_commit(store);
    ck_assert_int_eq(stores_find(store, &s).last_used, NOW + 60);
}
END_TEST

static int rows_of(const char *query)
{
    sqlite3 *db;
    sqlite3_stmt *count;
    int n;

    ck_assert_int_eq(sqlite3_open(stores_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, query, -1, &count, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(count), SQLITE_ROW);
    n = sqlite3_column_int(count, 0);
    (void)sqlite3_finalize(count);
    (void)sqlite3_close(db);
    return n;
}

static int rows(void)
{
    return rows_of("SELECT count(*) FROM session");
}

/* However many have expired, a commit purges 128, so its time is bounded. */
START_TEST(expired_rows_are_purged_in_bounded_steps)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session live = numbered("carol", 2000);
    uint8_t sid[ISSUE_ID_BYTES];
    uint64_t n;

    add_many(store, "bob", 400, 800);
    stores_begin(store, NOW);
    ck_assert_int_eq(store_revoke_user(store, "bob", NOW, &n, sid), STORE_DONE);
    stores_commit(store);
    ck_assert_uint_eq(n, 400);
    add_many(store, "alice", 0, 400);
    live.pair.refresh_exp = NOW + 100 * 86400;
    stores_add(store, &live);
    for (int i = 1; i <= 4; i++) {
        stores_begin(store, NOW + 30 * 86400 + i);
        ck_assert_int_eq(store_renew(store, live.sid, 0, NOW + i, live.idle_exp), STORE_DONE);
        stores_commit(store);
        ck_assert_int_eq(rows(), i < 4 ? 401 - 128 * i : 1);
    }
    (void)stores_find(store, &live);
    ck_assert_int_eq(rows_of("SELECT count(*) FROM revoked"), 0);
    stores_begin(store, NOW + 31 * 86400);
    ck_assert_int_eq(store_revoke_oldest(store, "nobody", 0, &n), STORE_DONE);
    stores_commit(store);
    ck_assert_int_eq(rows(), 1);
}
END_TEST

/* Four sessions of alice: live, revoked, past its idle end, past its absolute end. */
static void add_four_fates(struct store *store)
{
    struct store_session s[4];

    for (int i = 0; i < 4; i++) {
        s[i] = numbered("alice", i + 1);
        s[i].last_access_exp = NOW - 1;
    }
    s[2].idle_exp = NOW;
    s[3].absolute_exp = NOW;
    stores_begin(store, NOW);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(store_add(store, &s[i]), STORE_DONE);
    ck_assert_int_eq(store_revoke(store, s[1].sid), STORE_DONE);
    stores_commit(store);
}

static uint64_t live_among(struct store *store, uint64_t rows_looked_at, bool more)
{
    uint64_t live = 99;
    bool said = !more;

    stores_begin(store, NOW);
    ck_assert_int_eq(store_count_live(store, rows_looked_at, &live, &said), STORE_DONE);
    store_rollback(store);
    ck_assert_int_eq(said, more);
    return live;
}

START_TEST(revoked_and_expired_sessions_are_not_counted_as_live)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();

    ck_assert_uint_eq(live_among(store, 9, false), 0);
    add_four_fates(store);
    ck_assert_uint_eq(live_among(store, 9, false), 1);
    add_many(store, "bob", 100, 120);
    ck_assert_uint_eq(live_among(store, 99, false), 21);
    ck_assert_uint_eq(live_among(store, 7, true), 7);
}
END_TEST

START_TEST(revoking_a_user_revokes_what_is_live_or_has_a_valid_access_token)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session expired = numbered("alice", 50);
    uint8_t sid[ISSUE_ID_BYTES];
    uint64_t n = 99;

    expired.idle_exp = NOW;
    expired.last_access_exp = NOW + 10;
    stores_add(store, &expired);
    add_four_fates(store);
    add_many(store, "bob", 100, 102);
    stores_begin(store, NOW);
    ck_assert_int_eq(store_revoke_user(store, "alice", NOW, &n, sid), STORE_DONE);
    stores_commit(store);
    ck_assert_uint_eq(n, 2);
    ck_assert(stores_has_revoked(store, &expired));
    ck_assert_uint_eq(live_among(store, 99, false), 2);
    stores_begin(store, NOW);
    ck_assert_int_eq(store_revoke_user(store, "alice", NOW, &n, sid), STORE_DONE);
    stores_commit(store);
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(the_last_token_of_any_session_is_known)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session first = numbered("alice", 1), second = numbered("bob", 2);
    int64_t exp = 99;

    ck_assert_int_eq(store_last_exp(store, &exp), STORE_DONE);
    ck_assert_int_eq(exp, 0);
    first.pair.refresh_exp = NOW + 5000;
    second.last_access_exp = NOW + 6000;
    second.pair.refresh_exp = NOW + 10;
    stores_add(store, &first);
    ck_assert_int_eq(store_last_exp(store, &exp), STORE_DONE);
    ck_assert_int_eq(exp, NOW + 5000);
    stores_add(store, &second);
    ck_assert_int_eq(store_last_exp(store, &exp), STORE_DONE);
    ck_assert_int_eq(exp, NOW + 6000);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        pages_have_every_live_session_once_newest_first,
        revoked_and_expired_sessions_are_on_no_page,
        a_page_reads_a_limited_number_of_rows,
        a_page_after_a_session_that_is_gone_is_the_last,
        each_refresh_is_the_last_use,
        revoked_and_expired_sessions_are_not_counted_as_live,
        revoking_a_user_revokes_what_is_live_or_has_a_valid_access_token,
        the_last_token_of_any_session_is_known,
        /* about the file */
        expired_rows_are_purged_in_bounded_steps,
    };
    size_t n = sizeof(tests) / sizeof(tests[0]) - (stores_is_shared() ? 1 : 0);

    return unit_run_with("pages", tests, n, stores_setup, stores_teardown);
}
