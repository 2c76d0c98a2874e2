/* Opening a store, its transactions, and work on one session. */
#include "jwtd/issuer/store/postgresql_schema.h"
#include "jwtd/issuer/store/store_internal.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define PURGE_STEP "128" /* rows of each table per transaction; a turn adds no more */

/* SQLite's max() of two values is PostgreSQL's greatest(). */
#define MAX(a, b) "CASE WHEN " a " > " b " THEN " a " ELSE " b " END"

#define SHARED_MARK 60 /* seconds between updates of the mark */

#define PURGE(table, key)                                                                      \
    "DELETE FROM " table " WHERE " key " IN (SELECT " key " FROM " table                       \
    " WHERE purge_at < ?1 ORDER BY purge_at LIMIT " PURGE_STEP ")"

/* A token may be accepted this long after its exp. A row that was purged earlier would look
 * like a store that was rolled back. */
#define PURGE_SLACK POLICY_LEEWAY_MAX

bool store_is_shared(const char *where)
{
    return strncmp(where, "postgresql://", 13) == 0 || strncmp(where, "postgres://", 11) == 0;
}

/* libpq is loaded only into an issuer that uses it. */
const struct sql_engine *load_engine(struct store *store, const char *modules)
{
    CLEANUP(cleanup_free) char *path = NULL;
    const struct sql_engine *engine = NULL;

    if (text_concat(modules, "/postgresql.so", "", &path) != TOK_OK)
        return NULL;
    store->module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (store->module)
        engine = dlsym(store->module, "jwtd_sql_engine");
    if (!engine)
        (void)sql_failed(&store->sql, "%s: install the package jwtd-postgresql", dlerror());
    return engine;
}

static bool read_clock(struct sql *sql, struct clock_mark *ret)
{
    return sql_number(sql, "SELECT mark FROM clock", &ret->mark) &&
           sql_number(sql, "SELECT seen FROM clock", &ret->seen) &&
           sql_number(sql, "SELECT odd_since FROM clock", &ret->odd_since);
}

enum tok_err store_open(const char *where, const char *modules, struct store **ret,
                        struct errmsg *errmsg)
{
    CLEANUP(cleanup_store) struct store *store = calloc(1, sizeof(*store));
    struct sql *sql;

    if (!store)
        return TOK_NO_MEMORY;
    sql = &store->sql;
    store->published = -1;
    sql->engine = store_is_shared(where) ? load_engine(store, modules) : &sql_sqlite;
    if (!sql->engine || !sql->engine->open(sql, where) ||
        (sql->engine->shared && !postgresql_check_version(sql)) ||
        !read_clock(sql, &store->clock))
        return errmsg_set(errmsg, TOK_FILE, "%s", sql->failure);
    *ret = store;
    store = NULL;
    return TOK_OK;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    sql_close(&store->sql);
    if (store->module)
        (void)dlclose(store->module);
    free(store);
}

const char *store_failure(const struct store *store)
{
    return store->sql.failure;
}

bool store_failed(const struct store *store)
{
    return store->sql.failure[0] != '\0';
}

int64_t store_time(const struct store *store, int64_t wall)
{
    return wall > store->clock.mark ? wall : store->clock.mark;
}

int64_t store_mark(const struct store *store)
{
    return store->clock.mark;
}

/* The database's time and mark: the clocks of several issuers may differ. */
static bool read_shared_clock(struct store *store, int64_t *ret_wall)
{
    struct sql_call call =
        sql_call(&store->sql,
                 "SELECT CAST(floor(extract(epoch FROM clock_timestamp())) AS bigint), mark,"
                 " (SELECT value FROM counter WHERE name = 'revocations'),"
                 " (SELECT value FROM counter WHERE name = 'keys') FROM clock",
                 NULL);
    enum store_result result = sql_step(&call);

    if (result == STORE_DONE) {
        *ret_wall = sql_read_int(&call);
        store->clock.mark = sql_read_int(&call);
        store->changes.revocations = sql_read_int(&call);
        store->changes.keys = sql_read_int(&call);
    }
    sql_done(&call);
    return result == STORE_DONE;
}

enum store_result store_poll(struct store *store)
{
    int64_t wall;

    return read_shared_clock(store, &wall) ? STORE_DONE : STORE_FAILED;
}

struct store_changes store_changes(const struct store *store)
{
    return store->changes;
}

bool store_is_fleet(const struct store *store)
{
    return store->sql.engine->shared;
}

enum store_result store_begin(struct store *store, int64_t wall, int64_t up)
{
    if (!sql_begin(&store->sql))
        return STORE_FAILED;
    if (store->sql.engine->shared && !read_shared_clock(store, &wall))
        return STORE_FAILED;
    store->now = store_time(store, wall);
    store->next = store->clock;
    if (store->sql.engine->shared)
        store->next.mark = store->now;
    else
        clock_update(&store->next, wall, up);
    store->change = 0;
    return STORE_DONE;
}

/* The row is shared by all issuers of a database: each would wait for the others. */
static bool is_mark_due(const struct store *store)
{
    return !store->sql.engine->shared || store->next.mark >= store->clock.mark + SHARED_MARK;
}

static bool advance(struct store *store)
{
    const struct clock_mark *m = &store->next;

    return sql_run(&store->sql,
                   "UPDATE clock SET mark = ?1, seen = ?2, odd_since = ?3 WHERE mark <= ?1",
                   SQL_VALUES(SQL_INT(m->mark), SQL_INT(m->seen), SQL_INT(m->odd_since))) !=
           STORE_FAILED;
}

/* By the mark: setting the wall clock forward deletes nothing. */
static bool purge(struct store *store, const char *text)
{
    return sql_run(&store->sql, text, SQL_VALUES(SQL_INT(store->next.mark - PURGE_SLACK))) !=
           STORE_FAILED;
}

enum store_result store_commit(struct store *store)
{
    bool changed = store->sql.dirty;

    if (store_failed(store))
        return STORE_FAILED;
    if (changed &&
        ((is_mark_due(store) && !advance(store)) || !purge(store, PURGE("session", "sid")) ||
         !purge(store, PURGE("revoked", "sid")) || !purge(store, PURGE("spent", "id"))))
        return STORE_FAILED;
    if (!sql_commit(&store->sql))
        return STORE_FAILED;
    if (changed)
        store->clock = store->next;
    return STORE_DONE;
}

void store_rollback(struct store *store)
{
    sql_rollback(&store->sql);
}

enum store_result store_try_write(struct store *store)
{
    return sql_execute(&store->sql, "UPDATE clock SET mark = mark") ? STORE_DONE : STORE_FAILED;
}

bool store_read_session(struct sql_call *call, struct store_session *s)
{
    sql_read_text(call, s->user, sizeof(s->user));
    sql_read_text(call, s->source, sizeof(s->source));
    sql_read_text(call, s->client, sizeof(s->client));
    s->created_at = sql_read_int(call);
    s->last_used = sql_read_int(call);
    s->absolute_exp = sql_read_int(call);
    s->idle_exp = sql_read_int(call);
    s->pair.gen = sql_read_int(call);
    (void)sql_read_id(call, s->pair.refresh_jti);
    s->has_previous = sql_read_id(call, s->previous_jti);
    (void)sql_read_id(call, s->pair.access_jti);
    sql_read_text(call, s->pair.kid, sizeof(s->pair.kid));
    s->rotated_at = sql_read_int(call);
    s->pair.issued_at = sql_read_int(call);
    s->pair.access_exp = sql_read_int(call);
    s->pair.refresh_exp = sql_read_int(call);
    s->last_access_exp = sql_read_int(call);
    s->stamp_len = sql_read_bytes(call, s->stamp, sizeof(s->stamp));
    s->uid = sql_read_int(call);
    sql_read_text(call, s->method, sizeof(s->method));
    sql_read_text(call, s->amr, sizeof(s->amr));
    return !call->corrupt;
}

enum store_result store_find(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                             struct store_session *ret)
{
    struct sql_call call = sql_call(
        &store->sql, "SELECT " COLUMNS " FROM session WHERE sid = ?1", SQL_VALUES(SQL_ID(sid)));
    struct store_session found = {0};
    enum store_result result = sql_step(&call);

    if (result == STORE_DONE && !store_read_session(&call, &found)) {
        sql_corrupt(&store->sql, "a row is corrupt");
        result = STORE_FAILED;
    }
    sql_done(&call);
    if (result == STORE_DONE) {
        memcpy(found.sid, sid, ISSUE_ID_BYTES);
        *ret = found;
    }
    return result;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

enum store_result store_add(struct store *store, const struct store_session *s)
{
    const struct store_pair *p = &s->pair;

    if (sql_run(&store->sql, "INSERT INTO \"user\" VALUES (?1) ON CONFLICT DO NOTHING",
                SQL_VALUES(SQL_TEXT(s->user))) == STORE_FAILED)
        return STORE_FAILED;
    return sql_run(
        &store->sql,
        "INSERT INTO session (sid, \"user\", source, client, created_at, absolute_exp,"
        " idle_exp, gen, refresh_jti, access_jti, kid, rotated_at, issued_at, access_exp,"
        " refresh_exp, last_access_exp, purge_at, stamp, uid, method, amr,"
        " last_used)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
        " ?17, ?18, ?19, ?20, ?21, ?12)",
        SQL_VALUES(SQL_ID(s->sid), SQL_TEXT(s->user), SQL_TEXT(s->source), SQL_TEXT(s->client),
                   SQL_INT(s->created_at), SQL_INT(s->absolute_exp), SQL_INT(s->idle_exp),
                   SQL_INT(p->gen), SQL_ID(p->refresh_jti), SQL_ID(p->access_jti),
                   SQL_TEXT(p->kid), SQL_INT(s->rotated_at), SQL_INT(p->issued_at),
                   SQL_INT(p->access_exp), SQL_INT(p->refresh_exp), SQL_INT(s->last_access_exp),
                   SQL_INT(later(p->refresh_exp, s->last_access_exp)),
                   SQL_BYTES(s->stamp, s->stamp_len), SQL_INT(s->uid), SQL_TEXT(s->method),
                   SQL_TEXT(s->amr)));
}

enum store_result store_spend(struct store *store, const uint8_t id[ISSUE_ID_BYTES],
                              const uint8_t issuer[ISSUE_ID_BYTES], int64_t exp)
{
    return sql_run(
        &store->sql,
        "INSERT INTO spent SELECT ?1, ?2, ?3 WHERE NOT EXISTS"
        " (SELECT 1 FROM spent WHERE issuer = ?2 LIMIT 1 OFFSET ?4 - 1)",
        SQL_VALUES(SQL_ID(id), SQL_ID(issuer), SQL_INT(exp), SQL_INT(STORE_SPENT_MAX)));
}

enum store_result store_find_spent(struct store *store, const uint8_t id[ISSUE_ID_BYTES])
{
    return sql_find(&store->sql, "SELECT 1 FROM spent WHERE id = ?1", SQL_VALUES(SQL_ID(id)));
}

enum store_result store_set_uid(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                                int64_t uid)
{
    return sql_run(&store->sql, "UPDATE session SET uid = ?2 WHERE sid = ?1",
                   SQL_VALUES(SQL_ID(sid), SQL_INT(uid)));
}

enum store_result store_rotate(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                               int64_t from, const struct store_pair *pair, int64_t idle_exp)
{
    return sql_run(
        &store->sql,
        "UPDATE session SET gen = ?3, previous_jti = refresh_jti, refresh_jti = ?4,"
        " access_jti = ?5, kid = ?6, rotated_at = ?7, issued_at = ?8, access_exp = ?9,"
        " refresh_exp = ?10, last_access_exp = " MAX(
            "last_access_exp",
            "?9") ","
                  " purge_at = " MAX("purge_at", "?12") ", idle_exp = ?11, last_used = ?7"
                                                        " WHERE sid = ?1 AND gen = ?2",
        SQL_VALUES(SQL_ID(sid), SQL_INT(from), SQL_INT(pair->gen), SQL_ID(pair->refresh_jti),
                   SQL_ID(pair->access_jti), SQL_TEXT(pair->kid), SQL_INT(store->now),
                   SQL_INT(pair->issued_at), SQL_INT(pair->access_exp),
                   SQL_INT(pair->refresh_exp), SQL_INT(idle_exp),
                   SQL_INT(later(pair->access_exp, pair->refresh_exp))));
}

enum store_result store_renew(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                              int64_t gen, int64_t access_exp, int64_t idle_exp)
{
    return sql_run(
        &store->sql,
        "UPDATE session SET last_access_exp = " MAX(
            "last_access_exp", "?3") ","
                                     " purge_at = " MAX("purge_at",
                                                        "?3") ", idle_exp = ?4, last_used = ?5"
                                                              " WHERE sid = ?1 AND gen = ?2",
        SQL_VALUES(SQL_ID(sid), SQL_INT(gen), SQL_INT(access_exp), SQL_INT(idle_exp),
                   SQL_INT(store->now)));
}

enum store_result store_has_user(struct store *store, const char *user)
{
    return sql_find(&store->sql, "SELECT 1 FROM \"user\" WHERE name = ?1",
                    SQL_VALUES(SQL_TEXT(user)));
}
