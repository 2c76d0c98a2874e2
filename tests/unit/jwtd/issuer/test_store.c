#include "tests/unit/jwtd/issuer/stores.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

START_TEST(a_session_is_found_as_it_was_added)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1), found;

    stores_add(store, &s);
    found = stores_find(store, &s);
    ck_assert_str_eq(found.user, "alice");
    ck_assert_str_eq(found.source, "uid 1000");
    ck_assert_int_eq(found.created_at, s.created_at);
    ck_assert_int_eq(found.absolute_exp, s.absolute_exp);
    ck_assert_int_eq(found.idle_exp, s.idle_exp);
    stores_expect_pair(&found.pair, &s.pair);
    ck_assert_int_eq(found.rotated_at, s.rotated_at);
    ck_assert_int_eq(found.last_access_exp, s.last_access_exp);
    ck_assert_uint_eq(found.stamp_len, s.stamp_len);
    ck_assert_mem_eq(found.stamp, s.stamp, s.stamp_len);
    ck_assert(!found.has_previous);
    ck_assert_int_eq(found.uid, 1000);
}
END_TEST

START_TEST(the_file_is_private)
{
    struct stat st;
    struct store *store;

    umask(0);
    store = stores_open();
    ck_assert_int_eq(stat(stores_path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    store_close(store);
}
END_TEST

START_TEST(an_unknown_session_is_absent)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1);

    ck_assert_int_eq(store_find(store, s.sid, &s), STORE_ABSENT);
}
END_TEST

START_TEST(the_oldest_sessions_are_revoked_first)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s[5], other = stores_session(40), gone = stores_session(50);
    uint64_t ended = 99;

    for (int i = 0; i < 5; i++) {
        s[i] = stores_session(i + 1);
        stores_add(store, &s[i]);
    }
    (void)snprintf(other.user, sizeof(other.user), "carol");
    stores_add(store, &other);
    gone.idle_exp = NOW - 1; /* expired: it takes nobody's place */
    stores_add(store, &gone);
    stores_begin(store, NOW);
    ck_assert_int_eq(store_revoke_oldest(store, "alice", 3, &ended), STORE_DONE);
    ck_assert_uint_eq(ended, 2);
    ck_assert_int_eq(store_revoke_oldest(store, "alice", 3, &ended), STORE_DONE);
    ck_assert_uint_eq(ended, 0);
    stores_commit(store);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(stores_has_revoked(store, &s[i]), i < 2);
    ck_assert(!stores_has_revoked(store, &other));
}
END_TEST

START_TEST(sessions_of_a_replaced_account_or_password_are_revoked)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session same = stores_session(1), uid = stores_session(10),
                         stamp = stores_session(20), old = stores_session(30),
                         other = stores_session(40), login = stores_session(50);
    uint64_t n = 99;

    uid.uid = 1001;
    stamp.stamp[0] = 9;
    old.uid = STORE_NO_UID;
    old.stamp_len = 0;
    other.uid = 1001;
    (void)snprintf(other.user, sizeof(other.user), "carol");
    stores_add(store, &same);
    stores_add(store, &uid);
    stores_add(store, &stamp);
    stores_add(store, &old);
    stores_add(store, &other);
    stores_begin(store, NOW);
    ck_assert_int_eq(store_revoke_replaced(store, &login, &n), STORE_DONE);
    stores_commit(store);
    ck_assert_uint_eq(n, 2);
    ck_assert(stores_has_revoked(store, &uid) && stores_has_revoked(store, &stamp));
    ck_assert(!stores_has_revoked(store, &same) && !stores_has_revoked(store, &old));
    ck_assert(!stores_has_revoked(store, &other));
    login.stamp_len = 0;
    stores_begin(store, NOW);
    ck_assert_int_eq(store_revoke_replaced(store, &login, &n), STORE_DONE);
    stores_commit(store);
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(a_user_is_known_after_a_login)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1);

    stores_add(store, &s);
    ck_assert_int_eq(store_has_user(store, "alice"), STORE_DONE);
    ck_assert_int_eq(store_has_user(store, "bob"), STORE_ABSENT);
    stores_begin(store, NOW);
    ck_assert_int_eq(store_revoke(store, s.sid), STORE_DONE);
    stores_commit(store);
    ck_assert_int_eq(store_has_user(store, "alice"), STORE_DONE);
}
END_TEST

struct seen {
    size_t n;
    uint8_t first;
    int64_t exp;
};

static bool see(void *arg, const uint8_t sid[ISSUE_ID_BYTES], int64_t last_access_exp)
{
    struct seen *seen = arg;

    seen->n++;
    seen->first = sid[0];
    seen->exp = last_access_exp;
    return true;
}

START_TEST(revoked_sessions_are_listed_until_their_last_token_has_expired)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session live = stores_session(1), ended = stores_session(2);
    struct seen seen = {0};

    stores_add(store, &live);
    stores_add(store, &ended);
    stores_begin(store, NOW);
    ck_assert_int_eq(store_revoke(store, ended.sid), STORE_DONE);
    stores_commit(store);
    ck_assert_int_eq(store_each_revoked(store, NOW, see, &seen), STORE_DONE);
    ck_assert_uint_eq(seen.n, 1);
    ck_assert_uint_eq(seen.first, 2);
    ck_assert_int_eq(seen.exp, ended.last_access_exp);
    ck_assert_int_eq(store_each_revoked(store, ended.last_access_exp, see, &seen), STORE_DONE);
    ck_assert_uint_eq(seen.n, 1);
}
END_TEST

START_TEST(a_session_may_be_added_as_revoked)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1);
    struct store_revoked r = {.last_access_exp = NOW + 9, .last_exp = NOW + 9};

    memcpy(r.sid, s.sid, sizeof(r.sid));
    stores_begin(store, NOW);
    ck_assert_int_eq(store_add_revoked(store, &r), STORE_DONE);
    stores_commit(store);
    ck_assert(stores_has_revoked(store, &s));
}
END_TEST

START_TEST(a_database_that_is_ahead_moves_the_mark_no_further_than_the_clock_of_the_host)
{
    struct store *store = stores_open();
    struct store_session s = stores_session(1);
    int64_t ahead = (int64_t)time(NULL) + 1000000;

    stores_begin(store, ahead);
    ck_assert_int_eq(store_add(store, &s), STORE_DONE);
    stores_commit(store);
    if (stores_is_shared())
        ck_assert_int_lt(store_mark(store), ahead - 999000);
    store_close(store);
}
END_TEST

START_TEST(time_never_runs_back)
{
    struct store *store = stores_open();
    struct store_session s = stores_session(1);

    stores_add(store, &s);
    ck_assert_int_eq(store_time(store, NOW - 5000), NOW);
    ck_assert_int_eq(store_time(store, NOW + 1), NOW + 1);
    store_close(store);
    store = stores_open();
    ck_assert_int_eq(store_time(store, NOW - 5000), NOW);
    store_close(store);
}
END_TEST

START_TEST(a_turn_without_change_sets_no_mark)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();

    stores_begin(store, NOW + 1000);
    stores_commit(store);
    ck_assert_int_eq(store_time(store, NOW), NOW);
}
END_TEST

static unsigned syncs;

/* Overrides that of libc, for SQLite too. */
__attribute__((visibility("default"))) int fdatasync(int fd)
{
    syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

START_TEST(a_commit_waits_for_the_disk_and_one_without_change_does_not)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1), another = stores_session(2);

    stores_add(store, &s);
    syncs = 0;
    stores_add(store, &another);
    ck_assert_uint_ge(syncs, 1);
    syncs = 0;
    stores_begin(store, NOW);
    (void)stores_find(store, &s);
    stores_commit(store);
    ck_assert_uint_eq(syncs, 0);
}
END_TEST

START_TEST(rolled_back_work_is_gone)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1);

    stores_begin(store, NOW);
    ck_assert_int_eq(store_add(store, &s), STORE_DONE);
    store_rollback(store);
    ck_assert_int_eq(store_find(store, s.sid, &s), STORE_ABSENT);
}
END_TEST

START_TEST(a_committed_session_outlives_a_killed_process)
{
    struct store_session s = stores_session(1);
    struct store *store;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        store = stores_open();
        stores_add(store, &s);
        s = stores_session(2);
        stores_begin(store, NOW);
        (void)!store_add(store, &s);
        (void)raise(SIGKILL);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status));
    store = stores_open();
    (void)stores_find(store, &s);
    s = stores_session(2);
    ck_assert_int_eq(store_find(store, s.sid, &s), STORE_ABSENT);
    store_close(store);
}
END_TEST

static void limit_files(rlim_t size)
{
    struct rlimit limit;

    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_failed_commit_is_reported_and_a_reopened_store_works)
{
    struct store *store = stores_open();
    struct store_session s = stores_session(1), kept = stores_session(2);
    enum store_result result;

    stores_add(store, &kept);
    stores_begin(store, NOW);
    limit_files(4096); /* as a full disk: the log can't grow */
    result = store_add(store, &s);
    if (result == STORE_DONE)
        result = store_commit(store);
    ck_assert_int_eq(result, STORE_FAILED);
    ck_assert(store_failed(store));
    ck_assert_str_ne(store_failure(store), "");
    store_close(store);
    limit_files(RLIM_INFINITY);
    store = stores_open();
    (void)stores_find(store, &kept);
    stores_add(store, &s);
    (void)stores_find(store, &s);
    store_close(store);
}
END_TEST

START_TEST(a_row_is_purged_when_its_last_token_has_expired)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session s = stores_session(1), later = stores_session(2);
    int64_t over = s.pair.refresh_exp + POLICY_LEEWAY_MAX;

    stores_add(store, &s);
    stores_begin(store, over);
    ck_assert_int_eq(store_add(store, &later), STORE_DONE);
    stores_commit(store);
    (void)stores_find(store, &s);
    later = stores_session(3);
    stores_begin(store, over + 1);
    ck_assert_int_eq(store_add(store, &later), STORE_DONE);
    stores_commit(store);
    ck_assert_int_eq(store_find(store, s.sid, &s), STORE_ABSENT);
}
END_TEST

static void spoil(const char *sql)
{
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(stores_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

START_TEST(a_file_that_is_not_a_database_is_refused)
{
    struct store *store;
    struct errmsg errmsg = {""};
    FILE *f = fopen(stores_path, "we");

    for (int i = 0; i < 1000; i++)
        (void)fputs("this is no database\n", f);
    (void)fclose(f);
    ck_assert_err(store_open(stores_path, "", &store, &errmsg), TOK_FILE);
    ck_assert_ptr_nonnull(strstr(errmsg.text, stores_path));
}
END_TEST

START_TEST(a_corrupt_row_is_a_failure)
{
    struct store *store = stores_open();
    struct store_session s = stores_session(1);

    stores_add(store, &s);
    store_close(store);
    spoil("UPDATE session SET refresh_jti = x'00'");
    store = stores_open();
    ck_assert_int_eq(store_find(store, s.sid, &s), STORE_FAILED);
    store_close(store);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_session_is_found_as_it_was_added,
        an_unknown_session_is_absent,
        the_oldest_sessions_are_revoked_first,
        sessions_of_a_replaced_account_or_password_are_revoked,
        a_user_is_known_after_a_login,
        revoked_sessions_are_listed_until_their_last_token_has_expired,
        a_session_may_be_added_as_revoked,
        a_database_that_is_ahead_moves_the_mark_no_further_than_the_clock_of_the_host,
        time_never_runs_back,
        a_turn_without_change_sets_no_mark,
        rolled_back_work_is_gone,
        a_committed_session_outlives_a_killed_process,
        a_row_is_purged_when_its_last_token_has_expired,
        /* about the file */
        the_file_is_private,
        a_commit_waits_for_the_disk_and_one_without_change_does_not,
        a_failed_commit_is_reported_and_a_reopened_store_works,
        a_file_that_is_not_a_database_is_refused,
        a_corrupt_row_is_a_failure,
    };
    size_t n = sizeof(tests) / sizeof(tests[0]) - (stores_is_shared() ? 5 : 0);

    return unit_run_with("store", tests, n, stores_setup, stores_teardown);
}
