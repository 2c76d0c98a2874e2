#include "tests/unit/jwtd/issuer/stores.h"

#include "jwtd/issuer/store/store_internal.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define UP 100000000 /* uptime at NOW: both clocks go alike */

char stores_dir[sizeof("/tmp/test-store-XXXXXX")];
char stores_path[512];

/* A connection that sets the time of the database. */
static struct store *database;

bool stores_is_shared(void)
{
    return getenv("PGURL") != NULL;
}

static void execute(const char *statement)
{
    ck_assert_msg(sql_execute(&database->sql, statement), "%s", database->sql.failure);
}

/* The schema "now" comes before that of PostgreSQL's own functions. */
static void setup_database(void)
{
    struct errmsg errmsg = {""};
    struct store_versions versions;

    (void)snprintf(stores_path, sizeof(stores_path),
                   "%s&options=-csearch_path%%3Dnow%%2Cpg_catalog", getenv("PGURL"));
    database = store_connect(stores_path, getenv("MODULES"), &errmsg);
    ck_assert_msg(database != NULL, "%s", errmsg.text);
    execute("DROP SCHEMA IF EXISTS now CASCADE");
    execute("CREATE SCHEMA now");
    execute("CREATE TABLE now.time (at bigint)");
    execute("INSERT INTO now.time VALUES (1)");
    execute("CREATE FUNCTION now.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS"
            " 'SELECT to_timestamp(at) FROM now.time'");
    ck_assert_msg(store_migrate(stores_path, getenv("MODULES"), NULL, &versions, &errmsg) ==
                      TOK_OK,
                  "%s", errmsg.text);
}

static void set_time(int64_t wall)
{
    ck_assert_int_eq(
        sql_run(&database->sql, "UPDATE now.time SET at = ?1", SQL_VALUES(SQL_INT(wall))),
        STORE_DONE);
}

void stores_setup(void)
{
    umask(077);
    if (stores_is_shared()) {
        setup_database();
        return;
    }
    /* Anew for each test: under CK_FORK=no they share this process. */
    memcpy(stores_dir, "/tmp/test-store-XXXXXX", sizeof(stores_dir));
    ck_assert_ptr_nonnull(mkdtemp(stores_dir));
    (void)snprintf(stores_path, sizeof(stores_path), "%s/sessions.db", stores_dir);
}

void stores_teardown(void)
{
    static const char *const names[] = {"", "-wal", "-shm"};
    char name[sizeof(stores_path) + 8];

    store_close(database);
    database = NULL;
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof(name), "%s%s", stores_path, names[i]);
        (void)unlink(name);
    }
    (void)rmdir(stores_dir);
}

struct store *stores_open(void)
{
    struct store *store = NULL;
    struct errmsg errmsg = {""};
    enum tok_err err = store_open(stores_path, getenv("MODULES"), &store, &errmsg);

    ck_assert_msg(err == TOK_OK, "%s", errmsg.text);
    return store;
}

void stores_begin(struct store *store, int64_t wall)
{
    if (database)
        set_time(wall);
    ck_assert_int_eq(store_begin(store, wall, wall - NOW + UP), STORE_DONE);
}

void stores_commit(struct store *store)
{
    ck_assert_int_eq(store_commit(store), STORE_DONE);
}

void stores_id(uint8_t id[ISSUE_ID_BYTES], int n)
{
    memset(id, n, ISSUE_ID_BYTES);
}

struct store_session stores_session(int n)
{
    struct store_session s = {
        .user = "alice",
        .source = "uid 1000",
        .created_at = NOW + n,
        .absolute_exp = NOW + 30 * 86400,
        .idle_exp = NOW + 7 * 86400,
        .pair = {.gen = 0,
                 .kid = "abcdefgh",
                 .issued_at = NOW + n,
                 .access_exp = NOW + n + 900,
                 .refresh_exp = NOW + 7 * 86400},
        .rotated_at = NOW + n,
        .last_access_exp = NOW + n + 900,
        .stamp = {1, 2, 3},
        .stamp_len = STORE_STAMP_MAX,
        .uid = 1000,
    };

    stores_id(s.sid, n);
    stores_id(s.pair.refresh_jti, n + 1);
    stores_id(s.pair.access_jti, n + 2);
    return s;
}

void stores_add(struct store *store, const struct store_session *s)
{
    stores_begin(store, NOW);
    ck_assert_int_eq(store_add_user(store, s->user), STORE_DONE);
    ck_assert_int_eq(store_add(store, s), STORE_DONE);
    stores_commit(store);
}

struct store_session stores_find(struct store *store, const struct store_session *s)
{
    struct store_session found = {0};

    ck_assert_int_eq(store_find(store, s->sid, &found), STORE_DONE);
    return found;
}

bool stores_has_revoked(struct store *store, const struct store_session *s)
{
    struct store_session found;
    bool live = store_find(store, s->sid, &found) == STORE_DONE;
    bool revoked = store_find_revoked(store, s->sid) == STORE_DONE;

    ck_assert(live != revoked);
    return revoked;
}

struct store_pair stores_next_pair(const struct store_session *s, int n)
{
    struct store_pair pair = s->pair;

    pair.gen++;
    pair.issued_at += 60;
    pair.access_exp += 60;
    stores_id(pair.refresh_jti, n);
    stores_id(pair.access_jti, n + 1);
    return pair;
}

void stores_expect_pair(const struct store_pair *got, const struct store_pair *want)
{
    ck_assert_int_eq(got->gen, want->gen);
    ck_assert_mem_eq(got->refresh_jti, want->refresh_jti, ISSUE_ID_BYTES);
    ck_assert_mem_eq(got->access_jti, want->access_jti, ISSUE_ID_BYTES);
    ck_assert_str_eq(got->kid, want->kid);
    ck_assert_int_eq(got->issued_at, want->issued_at);
    ck_assert_int_eq(got->access_exp, want->access_exp);
    ck_assert_int_eq(got->refresh_exp, want->refresh_exp);
}
