/*
 * The store in one SQLite file: WAL, synchronous=FULL (one fdatasync a commit). Small caches:
 * a turn touches a handful of pages. Statements are prepared once and kept.
 */
#include "store.h"

#include "sql.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SCHEMA_VERSION 1
#define PURGE_STEP "16" /* rows a transaction */

/* A token may be taken this long after its exp, by the largest leeway there is: a row that went
 * earlier would look like a store that was rolled back. */
#define PURGE_SLACK POLICY_LEEWAY_MAX

static const char schema[] =
    "CREATE TABLE session ("
    " sid BLOB PRIMARY KEY NOT NULL,"
    " user TEXT NOT NULL,"
    " source TEXT NOT NULL,"
    " client TEXT NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " absolute_exp INTEGER NOT NULL,"
    " idle_exp INTEGER NOT NULL,"
    " gen INTEGER NOT NULL,"
    " refresh_jti BLOB NOT NULL,"
    " previous_jti BLOB,"
    " access_jti BLOB NOT NULL,"
    " kid TEXT NOT NULL,"
    " rotated_at INTEGER NOT NULL,"
    " issued_at INTEGER NOT NULL,"
    " access_exp INTEGER NOT NULL,"
    " refresh_exp INTEGER NOT NULL,"
    " last_access_exp INTEGER NOT NULL,"
    " purge_at INTEGER NOT NULL,"
    " stamp BLOB NOT NULL,"
    " revoked_at INTEGER,"
    " reason TEXT"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX session_user ON session (user, created_at);"
    "CREATE INDEX session_revoked ON session (last_access_exp) WHERE revoked_at IS NOT NULL;"
    "CREATE INDEX session_purge ON session (purge_at);"
    "CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 1), mark INTEGER NOT NULL) STRICT;"
    "INSERT INTO clock VALUES (1, 0);"
    "PRAGMA user_version = 1;";

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    SET_MARK,
    PURGE,
    FIND,
    ADD,
    ROTATE,
    RENEW,
    END,
    END_OLDEST,
    KNOWS_USER,
    EACH_ENDED,
    END_USER,
    COUNT_LIVE,
    LAST_EXP,
    STATEMENT_COUNT,
};

_Static_assert(STATEMENT_COUNT <= SQL_MAX, "sql.h keeps them all");

static const char *const texts[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [SET_MARK] = "UPDATE clock SET mark = ?1 WHERE mark < ?1",
    [PURGE] = "DELETE FROM session WHERE sid IN"
              " (SELECT sid FROM session WHERE purge_at < ?1 ORDER BY purge_at"
              " LIMIT " PURGE_STEP ")",
    [FIND] = "SELECT user, source, client, created_at, absolute_exp, idle_exp, gen,"
             " refresh_jti, previous_jti, access_jti, kid, rotated_at, issued_at, access_exp,"
             " refresh_exp, last_access_exp, stamp, revoked_at IS NOT NULL"
             " FROM session WHERE sid = ?1",
    [ADD] = "INSERT INTO session (sid, user, source, client, created_at, absolute_exp,"
            " idle_exp, gen, refresh_jti, access_jti, kid, rotated_at, issued_at, access_exp,"
            " refresh_exp, last_access_exp, purge_at, stamp, revoked_at, reason)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
            " max(?15, ?16), ?17, ?18, ?19)",
    [ROTATE] = "UPDATE session SET gen = ?3, previous_jti = refresh_jti, refresh_jti = ?4,"
               " access_jti = ?5, kid = ?6, rotated_at = ?7, issued_at = ?8, access_exp = ?9,"
               " refresh_exp = ?10, last_access_exp = max(last_access_exp, ?9),"
               " purge_at = max(purge_at, ?9, ?10), idle_exp = ?11"
               " WHERE sid = ?1 AND gen = ?2 AND revoked_at IS NULL",
    [RENEW] = "UPDATE session SET last_access_exp = max(last_access_exp, ?3),"
              " purge_at = max(purge_at, ?3), idle_exp = ?4"
              " WHERE sid = ?1 AND gen = ?2 AND revoked_at IS NULL",
    [END] = "UPDATE session SET revoked_at = ?2, reason = ?3"
            " WHERE sid = ?1 AND revoked_at IS NULL",
    [END_OLDEST] = "UPDATE session SET revoked_at = ?2, reason = ?3 WHERE sid IN"
                   " (SELECT sid FROM session WHERE user = ?1 AND revoked_at IS NULL"
                   " AND absolute_exp > ?2 AND idle_exp > ?2"
                   " ORDER BY created_at DESC, sid DESC LIMIT -1 OFFSET ?4)",
    [KNOWS_USER] = "SELECT 1 FROM session WHERE user = ?1 LIMIT 1",
    [EACH_ENDED] = "SELECT sid, last_access_exp FROM session"
                   " WHERE revoked_at IS NOT NULL AND last_access_exp > ?1",
    [END_USER] = "UPDATE session SET revoked_at = ?1, reason = ?4 WHERE user = ?2"
                 " AND revoked_at IS NULL AND (last_access_exp > ?3"
                 " OR (absolute_exp > ?1 AND idle_exp > ?1))",
    [COUNT_LIVE] = "SELECT count(*) FROM (SELECT 1 FROM session WHERE revoked_at IS NULL"
                   " AND absolute_exp > ?1 AND idle_exp > ?1 LIMIT ?2)",
    [LAST_EXP] = "SELECT coalesce(max(purge_at), 0) FROM session",
};

struct store {
    struct sql sql;
    int64_t mark;
    int64_t now; /* of the transaction */
    int changes; /* sqlite3_total_changes at its start */
};

static bool run_plain(struct store *store, enum statement which)
{
    struct sql_call call = sql_call(&store->sql, which);

    return sql_run(&call) != STORE_FAILED;
}

/* Makes the tables of a new file; another process may be doing the same. */
static bool make_schema(struct store *store)
{
    int64_t version;

    if (!sql_execute(&store->sql, "BEGIN IMMEDIATE"))
        return false;
    if (!sql_number(&store->sql, "PRAGMA user_version", &version))
        return false;
    if (version == 0 && !sql_execute(&store->sql, schema))
        return false;
    return sql_execute(&store->sql, "COMMIT");
}

static enum tok_err prepare(struct store *store, const char *path, struct why *why)
{
    int64_t version;

    (void)sqlite3_busy_timeout(store->sql.db, 2000);
    if (!sql_execute(&store->sql,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "PRAGMA cache_size = -512; PRAGMA mmap_size = 0;"
                     "PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 256;"
                     "PRAGMA journal_size_limit = 4194304; PRAGMA trusted_schema = OFF;") ||
        !sql_number(&store->sql, "PRAGMA user_version", &version))
        return why_set(why, TOK_FILE, "%s: %s", path, store->sql.failure);
    if (version > SCHEMA_VERSION)
        return why_set(why, TOK_FILE,
                       "%s: made by a newer release (version %" PRId64 ", this one knows %d): "
                       "install that release again",
                       path, version, SCHEMA_VERSION);
    if (version == 0 && !make_schema(store))
        return why_set(why, TOK_FILE, "%s: %s", path, store->sql.failure);
    if (!sql_number(&store->sql, "SELECT mark FROM clock", &store->mark))
        return why_set(why, TOK_FILE, "%s: %s", path, store->sql.failure);
    return TOK_OK;
}

/* SQLite makes a file by its own mode, which the umask of a careless caller leaves open. */
static enum tok_err make_file(const char *path, struct why *why)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    if (fd < 0)
        return why_set(why, TOK_FILE, "%s: %s", path, strerror(errno));
    (void)close(fd);
    return TOK_OK;
}

static enum tok_err connect_to(struct store *store, const char *path, struct why *why)
{
    enum tok_err err = make_file(path, why);

    if (err != TOK_OK)
        return err;
    if (sqlite3_open_v2(path, &store->sql.db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                        NULL) != SQLITE_OK)
        return why_set(why, TOK_FILE, "%s: %s", path, sqlite3_errmsg(store->sql.db));
    return prepare(store, path, why);
}

enum tok_err store_open(const char *path, struct store **ret, struct why *why)
{
    struct store *store = calloc(1, sizeof(*store));
    enum tok_err err;

    if (!store)
        return TOK_NO_MEMORY;
    store->sql.texts = texts;
    err = connect_to(store, path, why);
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

int64_t store_time(const struct store *store, int64_t wall)
{
    return wall > store->mark ? wall : store->mark;
}

enum store_said store_begin(struct store *store, int64_t wall)
{
    if (!run_plain(store, BEGIN))
        return STORE_FAILED;
    store->now = store_time(store, wall);
    store->changes = sqlite3_total_changes(store->sql.db);
    return STORE_DONE;
}

bool store_changed(const struct store *store)
{
    return sqlite3_total_changes(store->sql.db) != store->changes;
}

static bool advance(struct store *store)
{
    struct sql_call call = sql_call(&store->sql, SET_MARK);

    sql_bind_int(&call, store->now);
    return sql_run(&call) != STORE_FAILED;
}

static bool purge(struct store *store)
{
    struct sql_call call = sql_call(&store->sql, PURGE);

    sql_bind_int(&call, store->now - PURGE_SLACK);
    return sql_run(&call) != STORE_FAILED;
}

enum store_said store_commit(struct store *store)
{
    bool changed = store_changed(store);

    if (changed && (!advance(store) || !purge(store)))
        return STORE_FAILED;
    if (!run_plain(store, COMMIT))
        return STORE_FAILED;
    if (changed)
        store->mark = store->now;
    return STORE_DONE;
}

void store_rollback(struct store *store)
{
    if (!sqlite3_get_autocommit(store->sql.db))
        (void)run_plain(store, ROLLBACK);
}

/* In the order of FIND's columns. */
static bool read_session(struct sql_call *call, struct store_session *s)
{
    sql_read_text(call, s->user, sizeof(s->user));
    sql_read_text(call, s->source, sizeof(s->source));
    sql_read_text(call, s->client, sizeof(s->client));
    s->created_at = sql_read_int(call);
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
    s->ended = sql_read_int(call) != 0;
    return !call->damaged;
}

enum store_said store_find(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                           struct store_session *ret)
{
    struct sql_call call = sql_call(&store->sql, FIND);
    struct store_session found = {0};
    enum store_said said;

    sql_bind_id(&call, sid);
    said = sql_step(&call);
    if (said == STORE_DONE && !read_session(&call, &found)) {
        (void)snprintf(store->sql.failure, sizeof(store->sql.failure), "a row is damaged");
        said = STORE_FAILED;
    }
    sql_done(&call);
    if (said == STORE_DONE) {
        memcpy(found.sid, sid, ISSUE_ID_BYTES);
        *ret = found;
    }
    return said;
}

enum store_said store_add(struct store *store, const struct store_session *s,
                          const char *reason)
{
    struct sql_call call = sql_call(&store->sql, ADD);

    sql_bind_id(&call, s->sid);
    sql_bind_text(&call, s->user);
    sql_bind_text(&call, s->source);
    sql_bind_text(&call, s->client);
    sql_bind_int(&call, s->created_at);
    sql_bind_int(&call, s->absolute_exp);
    sql_bind_int(&call, s->idle_exp);
    sql_bind_int(&call, s->pair.gen);
    sql_bind_id(&call, s->pair.refresh_jti);
    sql_bind_id(&call, s->pair.access_jti);
    sql_bind_text(&call, s->pair.kid);
    sql_bind_int(&call, s->rotated_at);
    sql_bind_int(&call, s->pair.issued_at);
    sql_bind_int(&call, s->pair.access_exp);
    sql_bind_int(&call, s->pair.refresh_exp);
    sql_bind_int(&call, s->last_access_exp);
    sql_bind_bytes(&call, s->stamp, s->stamp_len);
    if (s->ended) {
        sql_bind_int(&call, store->now);
        sql_bind_text(&call, reason);
    } else {
        sql_bind_text(&call, NULL);
        sql_bind_text(&call, NULL);
    }
    return sql_run(&call);
}

enum store_said store_rotate(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                             int64_t from, const struct store_pair *pair, int64_t idle_exp)
{
    struct sql_call call = sql_call(&store->sql, ROTATE);

    sql_bind_id(&call, sid);
    sql_bind_int(&call, from);
    sql_bind_int(&call, pair->gen);
    sql_bind_id(&call, pair->refresh_jti);
    sql_bind_id(&call, pair->access_jti);
    sql_bind_text(&call, pair->kid);
    sql_bind_int(&call, store->now);
    sql_bind_int(&call, pair->issued_at);
    sql_bind_int(&call, pair->access_exp);
    sql_bind_int(&call, pair->refresh_exp);
    sql_bind_int(&call, idle_exp);
    return sql_run(&call);
}

enum store_said store_renew(struct store *store, const uint8_t sid[ISSUE_ID_BYTES], int64_t gen,
                            int64_t access_exp, int64_t idle_exp)
{
    struct sql_call call = sql_call(&store->sql, RENEW);

    sql_bind_id(&call, sid);
    sql_bind_int(&call, gen);
    sql_bind_int(&call, access_exp);
    sql_bind_int(&call, idle_exp);
    return sql_run(&call);
}

enum store_said store_end(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                          const char *reason)
{
    struct sql_call call = sql_call(&store->sql, END);

    sql_bind_id(&call, sid);
    sql_bind_int(&call, store->now);
    sql_bind_text(&call, reason);
    return sql_run(&call);
}

enum store_said store_end_oldest(struct store *store, const char *user, uint64_t keep,
                                 const char *reason, uint64_t *ret_ended)
{
    struct sql_call call = sql_call(&store->sql, END_OLDEST);
    enum store_said said;

    sql_bind_text(&call, user);
    sql_bind_int(&call, store->now);
    sql_bind_text(&call, reason);
    sql_bind_int(&call, keep < INT64_MAX ? (int64_t)keep : INT64_MAX);
    said = sql_run(&call);
    if (said == STORE_FAILED)
        return said;
    *ret_ended = said == STORE_DONE ? (uint64_t)sqlite3_changes(store->sql.db) : 0;
    return STORE_DONE;
}

enum store_said store_knows_user(struct store *store, const char *user)
{
    struct sql_call call = sql_call(&store->sql, KNOWS_USER);
    enum store_said said;

    sql_bind_text(&call, user);
    said = sql_step(&call);
    sql_done(&call);
    return said;
}

enum store_said store_each_ended(struct store *store, int64_t after,
                                 bool (*fn)(void *arg, const uint8_t sid[ISSUE_ID_BYTES],
                                            int64_t last_access_exp),
                                 void *arg)
{
    struct sql_call call = sql_call(&store->sql, EACH_ENDED);
    enum store_said said;

    sql_bind_int(&call, after);
    while ((said = sql_step(&call)) == STORE_DONE) {
        uint8_t sid[ISSUE_ID_BYTES] = {0};

        if (!sql_read_id(&call, sid) || call.damaged || !fn(arg, sid, sql_read_int(&call)))
            break;
    }
    sql_done(&call);
    return said == STORE_ABSENT ? STORE_DONE : STORE_FAILED;
}

enum store_said store_end_user(struct store *store, const char *user, int64_t wall,
                               const char *reason, uint64_t *ret_ended)
{
    struct sql_call call = sql_call(&store->sql, END_USER);
    enum store_said said;

    sql_bind_int(&call, store->now);
    sql_bind_text(&call, user);
    sql_bind_int(&call, wall);
    sql_bind_text(&call, reason);
    said = sql_run(&call);
    if (said == STORE_FAILED)
        return said;
    *ret_ended = said == STORE_DONE ? (uint64_t)sqlite3_changes(store->sql.db) : 0;
    return STORE_DONE;
}

/* The number that a query of one row and column yields. */
static enum store_said read_number(struct sql_call *call, int64_t *ret)
{
    enum store_said said = sql_step(call);

    if (said == STORE_DONE)
        *ret = sql_read_int(call);
    sql_done(call);
    return said;
}

enum store_said store_count_live(struct store *store, uint64_t most, uint64_t *ret_n)
{
    struct sql_call call = sql_call(&store->sql, COUNT_LIVE);
    int64_t n = 0;
    enum store_said said;

    sql_bind_int(&call, store->now);
    sql_bind_int(&call, (int64_t)most);
    said = read_number(&call, &n);
    if (said == STORE_DONE)
        *ret_n = (uint64_t)n;
    return said;
}

enum store_said store_last_exp(struct store *store, int64_t *ret_exp)
{
    struct sql_call call = sql_call(&store->sql, LAST_EXP);

    return read_number(&call, ret_exp);
}
