/*
 * The store in one SQLite file, with WAL and synchronous=FULL: one fdatasync per commit.
 * Statements are prepared once.
 */
#include "jwtd/issuer/store/store_sqlite.h"

#include <stdio.h>
#include <string.h>

#define PURGE_STEP "128" /* rows of each table per transaction; a turn adds no more */

/* A token may be accepted this long after its exp. A row that was purged earlier would look
 * like a store that was rolled back. */
#define PURGE_SLACK POLICY_LEEWAY_MAX

/* In the order in which store_read_session reads them. */
#define COLUMNS                                                                                \
    "user, source, client, created_at, last_used, absolute_exp, idle_exp, gen, refresh_jti,"   \
    " previous_jti, access_jti, kid, rotated_at, issued_at, access_exp, refresh_exp,"          \
    " last_access_exp, stamp, uid"

/* A trigger deletes from `session` what is added to `revoked` (store_schema.c). */
#define REVOKE_SESSIONS "INSERT INTO revoked SELECT sid, last_access_exp, purge_at FROM session"

/* ?1: the store's time, ?2: wall. */
#define HAS_USABLE_TOKEN "(last_access_exp > ?2 OR (absolute_exp > ?1 AND idle_exp > ?1))"

static const char *const texts[STATEMENT_COUNT] = {
    [DO_BEGIN] = "BEGIN IMMEDIATE",
    [DO_COMMIT] = "COMMIT",
    [DO_ROLLBACK] = "ROLLBACK",
    [DO_SET_MARK] = "UPDATE clock SET mark = ?1, seen = ?2, odd_since = ?3",
    [DO_PURGE] = "DELETE FROM session WHERE sid IN"
                 " (SELECT sid FROM session WHERE purge_at < ?1 ORDER BY purge_at"
                 " LIMIT " PURGE_STEP ")",
    [DO_PURGE_REVOKED] = "DELETE FROM revoked WHERE sid IN"
                         " (SELECT sid FROM revoked WHERE purge_at < ?1 ORDER BY purge_at"
                         " LIMIT " PURGE_STEP ")",
    [DO_FIND_REVOKED] = "SELECT 1 FROM revoked WHERE sid = ?1",
    [DO_FIND] = "SELECT " COLUMNS " FROM session WHERE sid = ?1",
    [DO_PAGE_ALL] = "SELECT " COLUMNS ", sid FROM session WHERE sid < ?1"
                    " ORDER BY sid DESC LIMIT ?2",
    [DO_PAGE_USER] = "SELECT " COLUMNS ", sid FROM session"
                     " WHERE user = ?3 AND (created_at, sid) < (?4, ?1)"
                     " ORDER BY created_at DESC, sid DESC LIMIT ?2",
    [DO_ADD] =
        "INSERT INTO session (sid, user, source, client, created_at, absolute_exp,"
        " idle_exp, gen, refresh_jti, access_jti, kid, rotated_at, issued_at, access_exp,"
        " refresh_exp, last_access_exp, purge_at, stamp, uid, last_used)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
        " max(?15, ?16), ?17, ?18, ?12)",
    [DO_ADD_USER] = "INSERT OR IGNORE INTO user VALUES (?1)",
    [DO_ADD_REVOKED] = "INSERT INTO revoked VALUES (?1, ?2, ?3)",
    [DO_SET_UID] = "UPDATE session SET uid = ?2 WHERE sid = ?1",
    [DO_ROTATE] =
        "UPDATE session SET gen = ?3, previous_jti = refresh_jti, refresh_jti = ?4,"
        " access_jti = ?5, kid = ?6, rotated_at = ?7, issued_at = ?8, access_exp = ?9,"
        " refresh_exp = ?10, last_access_exp = max(last_access_exp, ?9),"
        " purge_at = max(purge_at, ?9, ?10), idle_exp = ?11, last_used = ?7"
        " WHERE sid = ?1 AND gen = ?2",
    [DO_RENEW] = "UPDATE session SET last_access_exp = max(last_access_exp, ?3),"
                 " purge_at = max(purge_at, ?3), idle_exp = ?4, last_used = ?5"
                 " WHERE sid = ?1 AND gen = ?2",
    [DO_REVOKE] = REVOKE_SESSIONS " WHERE sid = ?1",
    [DO_REVOKE_OLDEST] =
        REVOKE_SESSIONS " WHERE user = ?2 AND absolute_exp > ?1 AND idle_exp > ?1"
                        " ORDER BY created_at DESC, sid DESC LIMIT -1 OFFSET ?3",
    [DO_REVOKE_REPLACED] =
        REVOKE_SESSIONS " WHERE user = ?1 AND ((uid <> ?2 AND uid >= 0)"
                        " OR (length(stamp) > 0 AND length(?3) > 0 AND stamp <> ?3))",
    [DO_HAS_USER] = "SELECT 1 FROM user WHERE name = ?1",
    [DO_EACH_REVOKED] = "SELECT sid, last_access_exp FROM revoked WHERE last_access_exp > ?1",
    [DO_REVOKE_USER] =
        REVOKE_SESSIONS " WHERE user = ?3 AND " HAS_USABLE_TOKEN " RETURNING sid",
    /* In steps: SQLite keeps in memory what undoing a statement needs. */
    [DO_REVOKE_ALL] = REVOKE_SESSIONS " WHERE " HAS_USABLE_TOKEN " LIMIT 50000",
    [DO_COUNT_LIVE] = "SELECT sum(absolute_exp > ?1 AND idle_exp > ?1), count(*)"
                      " FROM (SELECT absolute_exp, idle_exp FROM session"
                      " ORDER BY sid DESC LIMIT ?2)",
    [DO_LAST_EXP] = "SELECT coalesce(max(at), 0)"
                    " FROM (SELECT max(purge_at) AS at FROM session"
                    " UNION ALL SELECT max(purge_at) FROM revoked)",
};

static bool run_plain(struct store *store, enum store_statement which)
{
    return sql_run(&store->sql, which, NULL) != STORE_FAILED;
}

enum tok_err store_open(const char *path, struct store **ret, struct errmsg *errmsg)
{
    struct store *store = calloc(1, sizeof(*store));
    enum tok_err err;

    if (!store)
        return TOK_NO_MEMORY;
    store->sql.texts = texts;
    err = store_connect(store, path, errmsg);
    if (err == TOK_OK)
        *ret = store;
    else
        store_close(store);
    return err;
}

void store_close(struct store *store)
{
    sql_close(&store->sql);
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

enum store_result store_begin(struct store *store, int64_t wall, int64_t up)
{
    if (!run_plain(store, DO_BEGIN))
        return STORE_FAILED;
    store->now = store_time(store, wall);
    store->next = store->clock;
    clock_update(&store->next, wall, up);
    store->changes = sqlite3_total_changes(store->sql.db);
    return STORE_DONE;
}

static bool has_changes(const struct store *store)
{
    return sqlite3_total_changes(store->sql.db) != store->changes;
}

static bool advance(struct store *store)
{
    const struct clock_mark *m = &store->next;

    return sql_run(&store->sql, DO_SET_MARK,
                   SQL_VALUES(SQL_INT(m->mark), SQL_INT(m->seen), SQL_INT(m->odd_since))) !=
           STORE_FAILED;
}

/* By the mark: setting the wall clock forward deletes nothing. */
static bool purge(struct store *store, enum store_statement which)
{
    return sql_run(&store->sql, which, SQL_VALUES(SQL_INT(store->next.mark - PURGE_SLACK))) !=
           STORE_FAILED;
}

enum store_result store_commit(struct store *store)
{
    bool changed = has_changes(store);

    if (store_failed(store))
        return STORE_FAILED;
    if (changed &&
        (!advance(store) || !purge(store, DO_PURGE) || !purge(store, DO_PURGE_REVOKED)))
        return STORE_FAILED;
    if (!run_plain(store, DO_COMMIT))
        return STORE_FAILED;
    if (changed)
        store->clock = store->next;
    return STORE_DONE;
}

void store_rollback(struct store *store)
{
    if (!sqlite3_get_autocommit(store->sql.db))
        (void)run_plain(store, DO_ROLLBACK);
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
    return !call->corrupt;
}

enum store_result store_find(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                             struct store_session *ret)
{
    struct sql_call call = sql_call(&store->sql, DO_FIND, SQL_VALUES(SQL_ID(sid)));
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

enum store_result store_add(struct store *store, const struct store_session *s)
{
    const struct store_pair *p = &s->pair;

    if (sql_run(&store->sql, DO_ADD_USER, SQL_VALUES(SQL_TEXT(s->user))) == STORE_FAILED)
        return STORE_FAILED;
    return sql_run(
        &store->sql, DO_ADD,
        SQL_VALUES(SQL_ID(s->sid), SQL_TEXT(s->user), SQL_TEXT(s->source), SQL_TEXT(s->client),
                   SQL_INT(s->created_at), SQL_INT(s->absolute_exp), SQL_INT(s->idle_exp),
                   SQL_INT(p->gen), SQL_ID(p->refresh_jti), SQL_ID(p->access_jti),
                   SQL_TEXT(p->kid), SQL_INT(s->rotated_at), SQL_INT(p->issued_at),
                   SQL_INT(p->access_exp), SQL_INT(p->refresh_exp), SQL_INT(s->last_access_exp),
                   SQL_BYTES(s->stamp, s->stamp_len), SQL_INT(s->uid)));
}

enum store_result store_set_uid(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                                int64_t uid)
{
    return sql_run(&store->sql, DO_SET_UID, SQL_VALUES(SQL_ID(sid), SQL_INT(uid)));
}

enum store_result store_rotate(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                               int64_t from, const struct store_pair *pair, int64_t idle_exp)
{
    return sql_run(&store->sql, DO_ROTATE,
                   SQL_VALUES(SQL_ID(sid), SQL_INT(from), SQL_INT(pair->gen),
                              SQL_ID(pair->refresh_jti), SQL_ID(pair->access_jti),
                              SQL_TEXT(pair->kid), SQL_INT(store->now),
                              SQL_INT(pair->issued_at), SQL_INT(pair->access_exp),
                              SQL_INT(pair->refresh_exp), SQL_INT(idle_exp)));
}

enum store_result store_renew(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                              int64_t gen, int64_t access_exp, int64_t idle_exp)
{
    return sql_run(&store->sql, DO_RENEW,
                   SQL_VALUES(SQL_ID(sid), SQL_INT(gen), SQL_INT(access_exp), SQL_INT(idle_exp),
                              SQL_INT(store->now)));
}

enum store_result store_has_user(struct store *store, const char *user)
{
    return sql_find(&store->sql, DO_HAS_USER, SQL_VALUES(SQL_TEXT(user)));
}
