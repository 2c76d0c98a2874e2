/* Opening a store, its time and its transactions. */
#include "common/base/timespan.h"
#include "jwtd/issuer/store/postgresql_schema.h"
#include "jwtd/issuer/store/store_internal.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define PURGE_STEP "128" /* rows of each table per transaction; a turn adds no more */

/* Seconds between updates of the mark, whose row all issuers share: each would wait for the
 * others. */
#define SHARED_MARK 60

#define MARK_MAX INT64_C(253402300799) /* the last second of the year 9999 */

#define PURGE(table, key, step)                                                                \
    "DELETE FROM " table " WHERE " key " IN (SELECT " key " FROM " table                       \
    " WHERE purge_at < ?1 ORDER BY purge_at LIMIT " step ")"
#define PURGE_TABLES(step)                                                                     \
    {                                                                                          \
        PURGE("session", "sid", step), PURGE("revoked", "sid", step),                          \
            PURGE("spent", "id", step)                                                         \
    }
/* In a shared store, by each issuer once a second, and without waiting for another one. */
#define SHARED_PURGE_STEP "1024 FOR UPDATE SKIP LOCKED"

/* A token may be accepted this long after its exp. A row that was purged earlier would look
 * like a store that was rolled back. */
#define PURGE_SLACK POLICY_LEEWAY_MAX

bool store_is_shared(const char *where)
{
    return strncmp(where, "postgresql://", 13) == 0 || strncmp(where, "postgres://", 11) == 0;
}

/* libpq is loaded only into an issuer that uses it. */
static const struct sql_engine *load_engine(struct store *store, const char *modules)
{
    CLEANUP(cleanup_free) char *path = NULL;
    const struct sql_engine *engine = NULL;
    void *module;

    if (text_concat(modules, "/postgresql.so", "", &path) != TOK_OK)
        return NULL;
    /* It stays: its libraries must not be loaded again for each new connection. */
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (module)
        engine = dlsym(module, "jwtd_sql_engine");
    if (!engine)
        (void)sql_failed(&store->sql, "%s: install the package jwtd-postgresql", dlerror());
    else if (strcmp(engine->version, JWT_VERSION) != 0)
        (void)sql_failed(&store->sql,
                         "%s: version %s, expected " JWT_VERSION
                         ": install the package jwtd-postgresql of this version",
                         path, engine->version);
    return store_failed(store) ? NULL : engine;
}

static bool read_clock(struct sql *sql, struct clock_mark *ret)
{
    return sql_number(sql, "SELECT mark FROM clock", &ret->mark) &&
           sql_number(sql, "SELECT seen FROM clock", &ret->seen) &&
           sql_number(sql, "SELECT odd_since FROM clock", &ret->odd_since);
}

static struct sql_call ask_shared_clock(struct store *store)
{
    return sql_call(
        &store->sql,
        "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint), mark,"
        " (SELECT value FROM counter WHERE name = 'revocations'),"
        " (SELECT value FROM counter WHERE name = 'keys')"
        " FROM clock",
        NULL);
}

/* No sum with it overflows, whatever who can write to the database has set. */
static int64_t read_mark(struct sql_call *call)
{
    int64_t mark = sql_read_int(call);

    if (mark > MARK_MAX)
        return MARK_MAX;
    return mark > 0 ? mark : 0;
}

/* The database's time and mark, for the clocks of several issuers may differ; and the counters.
 */
static bool read_shared_clock(struct store *store, struct sql_call *call)
{
    enum store_result result = sql_step(call);

    if (result == STORE_DONE) {
        store->offset = sql_read_int(call) - clock_us(CLOCK_BOOTTIME);
        store->clock.mark = read_mark(call);
        store->changes.revocations = sql_read_int(call);
        store->changes.keys = sql_read_int(call);
    } else if (result == STORE_ABSENT) {
        sql_corrupt(&store->sql, "table clock: the row is missing");
    }
    sql_done(call);
    return result == STORE_DONE;
}

static bool read_start(struct store *store)
{
    struct sql_call call;

    if (!store->sql.engine->shared)
        return read_clock(&store->sql, &store->clock);
    if (!postgresql_check_version(&store->sql))
        return false;
    call = ask_shared_clock(store);
    return read_shared_clock(store, &call);
}

struct store *store_connect(const char *where, const char *modules, struct errmsg *errmsg)
{
    struct store *store = calloc(1, sizeof(*store));
    struct sql *sql;

    if (!store)
        return NULL;
    sql = &store->sql;
    store->published = -1;
    sql->engine = store_is_shared(where) ? load_engine(store, modules) : &sql_sqlite;
    if (sql->engine && sql->engine->open(sql, where))
        return store;
    if (sql->failure[0])
        (void)errmsg_set(errmsg, TOK_FILE, "%s", sql->failure);
    store_close(store);
    return NULL;
}

enum tok_err store_open(const char *where, const char *modules, struct store **ret,
                        struct errmsg *errmsg)
{
    CLEANUP(cleanup_store) struct store *store = store_connect(where, modules, errmsg);

    if (!store)
        return errmsg->text[0] ? TOK_FILE : TOK_NO_MEMORY;
    if (!read_start(store))
        return errmsg_set(errmsg, TOK_FILE, "%s", store->sql.failure);
    *ret = store;
    store = NULL;
    return TOK_OK;
}

void store_close(struct store *store)
{
    if (!store)
        return;
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

bool store_is_fleet(const struct store *store)
{
    return store->sql.engine->shared;
}

int64_t store_wall_us(const struct store *store)
{
    return store->offset + clock_us(CLOCK_BOOTTIME);
}

struct store_changes store_changes(const struct store *store)
{
    return store->changes;
}

/* In the order of sids, so that issuers that want the same rows wait for each other, and do not
 * block each other. The time is asked for after the locks were waited for. */
static bool begin_shared(struct store *store, int64_t *ret_wall)
{
    struct sql_call rows = {0}, clock;
    bool ok = true;

    if (store->n_expected > 0)
        rows = sql_call(&store->sql,
                        "SELECT " COLUMNS " FROM session WHERE sid = ANY(?1)"
                        " ORDER BY sid FOR UPDATE",
                        SQL_VALUES(SQL_IDS(store->sids, store->n_expected)));
    clock = ask_shared_clock(store);
    if (store->n_expected > 0)
        ok = store_read_expected(store, &rows);
    ok = ok && read_shared_clock(store, &clock);
    *ret_wall = store_wall_us(store) / (int64_t)SECOND;
    return ok;
}

enum store_result store_poll(struct store *store)
{
    struct sql_call call = ask_shared_clock(store);

    return read_shared_clock(store, &call) ? STORE_DONE : STORE_FAILED;
}

/* As far as the clock of this host agrees: a database that was a day ahead, after a failover
 * for example, must not purge the sessions, or be followed when its clock is right again. */
static void set_shared_mark(struct store *store)
{
    int64_t host = (int64_t)time(NULL) + CLOCK_SLACK;
    int64_t most = store->now < host ? store->now : host;

    store->next.mark = most > store->clock.mark ? most : store->clock.mark;
}

static bool is_presumed(const struct store *store)
{
    return store->n_expected > 0 && store->expected[0].state == ROW_PRESUMED;
}

enum store_result store_begin(struct store *store, int64_t wall, int64_t up)
{
    store->numbered = store->commit_sent = false;
    if (!sql_begin(&store->sql))
        return STORE_FAILED;
    if (store_is_fleet(store) && !is_presumed(store) && !begin_shared(store, &wall))
        return STORE_FAILED;
    store->now = store_time(store, wall);
    store->next = store->clock;
    if (store_is_fleet(store))
        set_shared_mark(store);
    else
        clock_update(&store->next, wall, up);
    return STORE_DONE;
}

static bool advance(struct store *store)
{
    const struct clock_mark *m = &store->next;

    if (store_is_fleet(store))
        return sql_queue(&store->sql, "UPDATE clock SET mark = ?1 WHERE mark < ?1",
                         SQL_VALUES(SQL_INT(m->mark)), SQL_ANY_ROWS) == STORE_DONE;
    /* Also back, to a clock that is accepted. */
    return sql_queue(&store->sql, "UPDATE clock SET mark = ?1, seen = ?2, odd_since = ?3",
                     SQL_VALUES(SQL_INT(m->mark), SQL_INT(m->seen), SQL_INT(m->odd_since)),
                     SQL_ONE_ROW) == STORE_DONE;
}

/* By the mark: setting the wall clock forward deletes nothing. */
static bool purge(struct store *store)
{
    static const char *const all[] = PURGE_TABLES(PURGE_STEP);
    static const char *const unlocked[] = PURGE_TABLES(SHARED_PURGE_STEP);
    const char *const *texts = store_is_fleet(store) ? unlocked : all;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (sql_queue(&store->sql, texts[i],
                      SQL_VALUES(SQL_INT(store->next.mark - PURGE_SLACK)),
                      SQL_ANY_ROWS) != STORE_DONE)
            return false;
    store->purged = store->now;
    return true;
}

/* A primary that has a successor, and does not know it, still answers what only reads, without
 * the sessions that have ended since. A commit that writes waits for the standby, which has
 * left such a primary. No program reads the message, and it changes no row. */
static bool confirm_primary(struct store *store)
{
    return store->sql.engine->queue(&store->sql,
                                    "SELECT pg_logical_emit_message(true, 'jwt', '')", NULL,
                                    SQL_ANY_ROWS) == STORE_DONE;
}

static bool is_mark_due(const struct store *store)
{
    return store->sql.dirty &&
           (!store_is_fleet(store) || store->next.mark >= store->clock.mark + SHARED_MARK);
}

/* The last statements of a transaction. In a shared store the first one of each second
 * confirms, and the first one that writes purges. */
static bool finish(struct store *store)
{
    bool shared = store_is_fleet(store), purge_due = !shared || store->now != store->purged;

    store->n_expected = 0;
    if (store_failed(store) ||
        (shared && store->now != store->confirmed && !confirm_primary(store)))
        return false;
    return (!store->sql.dirty || !purge_due || purge(store)) &&
           (!is_mark_due(store) || advance(store));
}

void store_send_commit(struct store *store)
{
    if (!store_is_fleet(store) || !finish(store))
        return;
    store->sql.engine->send_commit(&store->sql);
    store->commit_sent = true;
}

enum store_result store_commit(struct store *store)
{
    if ((!store->commit_sent && !finish(store)) || !sql_commit(&store->sql))
        return STORE_FAILED;
    if (is_mark_due(store))
        store->clock = store->next;
    store->confirmed = store->now;
    return STORE_DONE;
}

void store_rollback(struct store *store)
{
    store->n_expected = 0;
    store->sql.engine->rollback(&store->sql);
}

bool store_recover(struct store *store, bool *ret_conflict)
{
    *ret_conflict = false;
    store->n_expected = 0;
    return store->sql.engine->recover && store->sql.engine->recover(&store->sql, ret_conflict);
}

enum store_result store_try_write(struct store *store)
{
    return sql_execute(&store->sql, "UPDATE clock SET mark = mark") ? STORE_DONE : STORE_FAILED;
}
