#include "common/base/file.h"
#include "tests/unit/jwtd/issuer/stores.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

/* tests/data/store/sessions-0.1.sql */
#define OLD_NOW 1795970156

static void execute(const char *sql)
{
    char *failure = NULL;
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(stores_path, &db), SQLITE_OK);
    (void)sqlite3_exec(db, sql, NULL, NULL, &failure);
    ck_assert_msg(!failure, "%s", failure);
    (void)sqlite3_close(db);
}

static void load_old_store(void)
{
    CLEANUP(secret_clear) struct secret sql = {0};

    ck_assert_ok(file_read(TEST_DATA "/store/sessions-0.1.sql", FILE_OWN, 1 << 20, &sql, NULL));
    execute(sql.p);
}

static struct store_session old_session(const char *sid)
{
    struct store_session s = {0};

    ck_assert(issue_id_read(slice_of(sid), s.sid));
    return s;
}

struct revoked_seen {
    size_t n;
    int64_t last_access_exp;
};

static bool see_revoked(void *arg, const uint8_t sid[ISSUE_ID_BYTES], int64_t last_access_exp)
{
    struct revoked_seen *seen = arg;

    (void)sid;
    seen->n++;
    seen->last_access_exp = last_access_exp;
    return true;
}

START_TEST(a_store_of_0_1_keeps_its_live_and_its_revoked_sessions)
{
    static const char *const live[] = {"AaIoKcadcVCvamxbbU-DRA", "AaIoKcagdv6YlBNaM6BDMw",
                                       "AaIoKcanf-yuCE-SFtn4qg", "AaIoKcapdaWeoIXteeBzaA"};
    struct store_session ended = old_session("AaIoKcakdPGocOE6NphTkA"), found;
    CLEANUP(cleanup_store) struct store *store = NULL;
    struct revoked_seen seen = {0};

    load_old_store();
    store = stores_open();
    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++) {
        struct store_session s = old_session(live[i]);

        found = stores_find(store, &s);
        ck_assert_str_eq(found.user, i == 2 ? "carol" : "alice");
        ck_assert_int_eq(found.absolute_exp, OLD_NOW + 30 * 86400);
        ck_assert_int_eq(found.pair.gen, i == 1);
        ck_assert_int_eq(found.has_previous, i == 1);
        ck_assert_int_eq(found.uid, STORE_NO_UID);
        ck_assert_uint_eq(found.stamp_len, STORE_STAMP_MAX);
        ck_assert_str_eq(found.method, "login");
        ck_assert_str_eq(found.amr, "");
    }
    ck_assert(stores_has_revoked(store, &ended));
    ck_assert_int_eq(store_has_user(store, "carol"), STORE_DONE);
    ck_assert_int_eq(store_each_revoked(store, OLD_NOW, see_revoked, &seen), STORE_DONE);
    ck_assert_uint_eq(seen.n, 1);
    ck_assert_int_eq(seen.last_access_exp, OLD_NOW + 900);
    ck_assert_int_eq(store_mark(store), OLD_NOW);
}
END_TEST

START_TEST(a_session_of_0_1_gets_its_uid_once_and_is_revoked_like_any_other)
{
    struct store_session s = old_session("AaIoKcadcVCvamxbbU-DRA");
    struct store *store;
    uint8_t sid[ISSUE_ID_BYTES];
    uint64_t n = 99;

    load_old_store();
    store = stores_open();
    stores_begin(store, OLD_NOW);
    ck_assert_int_eq(store_set_uid(store, s.sid, 1000), STORE_DONE);
    stores_commit(store);
    store_close(store);
    store = stores_open();
    ck_assert_int_eq(stores_find(store, &s).uid, 1000);
    stores_begin(store, OLD_NOW);
    ck_assert_int_eq(store_revoke_user(store, "alice", OLD_NOW, &n, sid), STORE_DONE);
    stores_commit(store);
    ck_assert_uint_eq(n, 3);
    ck_assert(stores_has_revoked(store, &s));
    store_close(store);
}
END_TEST

START_TEST(a_store_of_the_first_schema_keeps_its_sessions)
{
    struct store_session s = old_session("AaIoKcagdv6YlBNaM6BDMw");
    CLEANUP(cleanup_store) struct store *store = NULL;

    load_old_store();
    execute("DROP INDEX session_live;"
            "ALTER TABLE session DROP COLUMN last_used;"
            "ALTER TABLE clock DROP COLUMN seen;"
            "ALTER TABLE clock DROP COLUMN odd_since;"
            "PRAGMA user_version = 1;");
    store = stores_open();
    ck_assert_int_eq(stores_find(store, &s).last_used, OLD_NOW);
    ck_assert_int_eq(store_mark(store), OLD_NOW);
}
END_TEST

/* The schema before method and amr. */
START_TEST(a_store_of_the_third_schema_keeps_its_sessions)
{
    struct store *store = stores_open();
    struct store_session s = stores_session(1);

    stores_add(store, &s);
    store_close(store);
    execute("ALTER TABLE session DROP COLUMN method;"
            "ALTER TABLE session DROP COLUMN amr;"
            "DROP TABLE spent;"
            "DROP INDEX revoked_change;"
            "ALTER TABLE revoked DROP COLUMN change;"
            "DROP TABLE counter;"
            "PRAGMA user_version = 3;");
    store = stores_open();
    s = stores_find(store, &s);
    ck_assert_str_eq(s.method, "login");
    ck_assert_str_eq(s.amr, "");
    ck_assert_int_eq(s.uid, 1000);
    stores_id(s.sid, 9);
    (void)strcpy(s.method, "exchange");
    (void)strcpy(s.amr, "pwd otp");
    stores_add(store, &s);
    store_close(store);
    store = stores_open();
    s = stores_find(store, &s);
    ck_assert_str_eq(s.method, "exchange");
    ck_assert_str_eq(s.amr, "pwd otp");
    store_close(store);
}
END_TEST

START_TEST(a_newer_releases_store_is_refused)
{
    struct store *store = stores_open();
    struct errmsg errmsg = {""};

    store_close(store);
    execute("PRAGMA user_version = 6");
    ck_assert_err(store_open(stores_path, "", &store, &errmsg), TOK_FILE);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "newer release"));
    errmsg.text[0] = '\0';
    ck_assert_err(store_check(stores_path, &errmsg), TOK_FILE);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "newer release"));
}
END_TEST

static int64_t number(const char *query)
{
    sqlite3_stmt *statement;
    int64_t n;
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(stores_path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, query, -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    n = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return n;
}

/* Overwrites the first page of a table or index. */
static void damage(const char *name)
{
    const uint8_t bytes[4096] = {0};
    char query[128];
    int64_t page;
    int fd;

    (void)snprintf(query, sizeof(query), "SELECT rootpage FROM sqlite_schema WHERE name = '%s'",
                   name);
    page = number(query);
    execute("PRAGMA wal_checkpoint(TRUNCATE)");
    fd = open(stores_path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pwrite(fd, bytes, sizeof(bytes), (page - 1) * 4096), sizeof(bytes));
    (void)close(fd);
}

START_TEST(a_check_finds_a_corrupt_page_that_opening_the_store_does_not_read)
{
    struct store *store = stores_open();
    struct store_session s = stores_session(1);
    struct errmsg errmsg = {""};

    stores_add(store, &s);
    ck_assert_ok(store_check(stores_path, &errmsg)); /* of an open store */
    store_close(store);
    ck_assert_ok(store_check(stores_path, &errmsg));
    damage("session_user");
    store_close(stores_open());
    ck_assert_err(store_check(stores_path, &errmsg), TOK_FILE);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "backup"));
    ck_assert_ptr_nonnull(strstr(errmsg.text, stores_path));
}
END_TEST

START_TEST(a_check_creates_nothing)
{
    struct errmsg errmsg = {""};

    ck_assert_err(store_check(stores_path, &errmsg), TOK_FILE);
    ck_assert_int_ne(access(stores_path, F_OK), 0);
    ck_assert_ptr_nonnull(strstr(errmsg.text, stores_path));
}
END_TEST

/* The store's files, after a checkpoint. */
static off_t bytes_on_disk(void)
{
    off_t bytes = 0;
    struct stat st;
    char name[sizeof(stores_path) + 8];

    execute("PRAGMA wal_checkpoint(PASSIVE)");
    for (int wal = 0; wal < 2; wal++) {
        (void)snprintf(name, sizeof(name), "%s%s", stores_path, wal ? "-wal" : "");
        if (stat(name, &st) == 0)
            bytes += st.st_size;
    }
    return bytes;
}

#define LOGINS 100000
#define LOGINS_PER_TURN 100
#define SESSIONS_MAX 64

/* Of the user with the longest usual name; the ids are in the order of time, as the issuer
 * makes them. */
static struct store_session login_number(uint32_t n)
{
    struct store_session s = stores_session(0);

    (void)snprintf(s.user, sizeof(s.user), "%032d", 7);
    s.created_at = NOW + n / 100;
    for (int i = 0; i < 4; i++)
        s.sid[i] = (uint8_t)(n >> (24 - 8 * i));
    return s;
}

static void log_in(struct store *store, uint32_t n)
{
    struct store_session s = login_number(n);
    uint64_t revoked;

    ck_assert_int_eq(store_revoke_oldest(store, s.user, SESSIONS_MAX - 1, &revoked),
                     STORE_DONE);
    ck_assert_int_eq(store_add(store, &s), STORE_DONE);
}

START_TEST(a_hundred_thousand_logins_leave_64_sessions_and_less_than_20_megabytes)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    struct store_session first = login_number(0), last = login_number(LOGINS - 1);
    uint64_t live = 0;
    bool more = true;

    for (uint32_t n = 0; n < LOGINS; n += LOGINS_PER_TURN) {
        stores_begin(store, NOW);
        for (uint32_t i = 0; i < LOGINS_PER_TURN; i++)
            log_in(store, n + i);
        stores_commit(store);
    }
    ck_assert(stores_has_revoked(store, &first));
    ck_assert(!stores_has_revoked(store, &last));
    stores_begin(store, NOW);
    ck_assert_int_eq(store_count_live(store, LOGINS, &live, &more), STORE_DONE);
    stores_commit(store);
    ck_assert_uint_eq(live, SESSIONS_MAX);
    ck_assert(!more);
    ck_assert_int_lt(bytes_on_disk(), 20000000);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_store_of_0_1_keeps_its_live_and_its_revoked_sessions,
        a_session_of_0_1_gets_its_uid_once_and_is_revoked_like_any_other,
        a_store_of_the_first_schema_keeps_its_sessions,
        a_store_of_the_third_schema_keeps_its_sessions,
        a_newer_releases_store_is_refused,
        a_check_finds_a_corrupt_page_that_opening_the_store_does_not_read,
        a_check_creates_nothing,
        a_hundred_thousand_logins_leave_64_sessions_and_less_than_20_megabytes,
    };

    return unit_run_with("store_schema", tests, sizeof(tests) / sizeof(tests[0]), stores_setup,
                         stores_teardown);
}
