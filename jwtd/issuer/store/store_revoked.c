/* Revoking sessions, and the table of revoked ones. */
#include "jwtd/issuer/store/store_internal.h"

#include <string.h>

/* A lock is written and waited for as a change is: what is answered by this row is lost with no
 * server. */
enum store_result store_find_revoked(struct store *store, const uint8_t sid[ISSUE_ID_BYTES])
{
    return sql_find(&store->sql,
                    "SELECT 1 FROM revoked WHERE sid = ?1" SQL_LOCK "FOR KEY SHARE",
                    SQL_VALUES(SQL_ID(sid)));
}

/* Numbers what this transaction revokes. The row of the counter is locked until its end, so
 * that numbers become visible in their order. */
static bool number_change(struct store *store)
{
    if (!store->numbered)
        store->numbered =
            sql_queue(&store->sql,
                      "UPDATE counter SET value = value + 1 WHERE name = 'revocations'", NULL,
                      SQL_ONE_ROW) == STORE_DONE;
    return store->numbered;
}

enum store_result store_add_revoked(struct store *store, const struct store_revoked *s)
{
    if (!number_change(store))
        return STORE_FAILED;
    return sql_queue(
        &store->sql,
        "INSERT INTO revoked (change, sid, last_access_exp, purge_at)"
        " SELECT value, ?1, ?2, ?3 FROM counter WHERE name = 'revocations'",
        SQL_VALUES(SQL_ID(s->sid), SQL_INT(s->last_access_exp), SQL_INT(s->last_exp)),
        SQL_ONE_ROW);
}

/* Sessions to revoke by a condition. In a shared store, they are locked first, in the order in
 * which all issuers lock sessions; and the counter is left alone when no session is found. */
struct revoking {
    const char *lock, *insert;
};
#define REVOKING(condition)                                                                    \
    {                                                                                          \
        "SELECT sid FROM session WHERE " condition " ORDER BY sid" SQL_LOCK "FOR UPDATE",      \
            REVOKE_SESSIONS " WHERE " condition SQL_LOCK "FOR UPDATE"                          \
    }

/* ret_sid: one of them; NULL: not wanted. */
static enum store_result lock_sessions(struct store *store, const char *text,
                                       const struct sql_value *values, uint8_t *ret_sid)
{
    struct sql_call call;
    enum store_result result, found = STORE_ABSENT;

    if (!store_is_fleet(store) && !ret_sid)
        return STORE_DONE;
    call = sql_call(&store->sql, text, values);
    while ((result = sql_step(&call)) == STORE_DONE) {
        found = STORE_DONE;
        if (ret_sid)
            (void)sql_read_id(&call, ret_sid);
    }
    sql_done(&call);
    return result == STORE_FAILED ? result : found;
}

enum store_result store_revoke(struct store *store, const uint8_t sid[ISSUE_ID_BYTES])
{
    const struct expected *e = store_find_expected(store, sid);
    enum store_result result = e && e->state == ROW_ABSENT ? STORE_ABSENT : STORE_DONE;

    if (!e)
        result =
            lock_sessions(store, "SELECT sid FROM session WHERE sid = ?1" SQL_LOCK "FOR UPDATE",
                          SQL_VALUES(SQL_ID(sid)), NULL);
    if (result != STORE_DONE)
        return result;
    if (!number_change(store))
        return STORE_FAILED;
    return store_write_session(store, sid, -1,
                               REVOKE_SESSIONS " WHERE sid = ?1" SQL_LOCK "FOR UPDATE",
                               SQL_VALUES(SQL_ID(sid)));
}

/* Counts the rows that were revoked. */
static enum store_result revoke_by(struct store *store, const struct revoking *by,
                                   const struct sql_value *values, uint64_t *ret_revoked,
                                   uint8_t *ret_sid)
{
    enum store_result result = lock_sessions(store, by->lock, values, ret_sid);

    if (result == STORE_DONE)
        result = number_change(store) ? sql_run(&store->sql, by->insert, values) : STORE_FAILED;
    store_forget_expected(store);
    if (result == STORE_FAILED)
        return result;
    *ret_revoked = result == STORE_DONE ? (uint64_t)store->sql.changed : 0;
    return STORE_DONE;
}

enum store_result store_revoke_oldest(struct store *store, const char *user, uint64_t keep,
                                      uint64_t *ret_revoked)
{
    static const struct revoking oldest =
        REVOKING("sid IN (SELECT sid FROM session"
                 " WHERE \"user\" = ?2 AND absolute_exp > ?1 AND idle_exp > ?1"
                 " ORDER BY created_at DESC, sid DESC LIMIT 1000000000 OFFSET ?3)");

    return revoke_by(store, &oldest,
                     SQL_VALUES(SQL_INT(store->now), SQL_TEXT(user),
                                SQL_INT(keep < INT64_MAX ? keep : INT64_MAX)),
                     ret_revoked, NULL);
}

enum store_result store_revoke_replaced(struct store *store, const struct store_session *s,
                                        uint64_t *ret_revoked)
{
    static const struct revoking replaced =
        REVOKING("\"user\" = ?1 AND ((uid <> ?2 AND uid >= 0)"
                 " OR (length(stamp) > 0 AND length(?3) > 0 AND stamp <> ?3))");

    return revoke_by(
        store, &replaced,
        SQL_VALUES(SQL_TEXT(s->user), SQL_INT(s->uid), SQL_BYTES(s->stamp, s->stamp_len)),
        ret_revoked, NULL);
}

enum store_result store_revoke_user(struct store *store, const char *user, int64_t wall,
                                    uint64_t *ret_revoked, uint8_t ret_sid[ISSUE_ID_BYTES])
{
    static const struct revoking usable = REVOKING("\"user\" = ?3 AND " HAS_USABLE_TOKEN);

    return revoke_by(store, &usable,
                     SQL_VALUES(SQL_INT(store->now), SQL_INT(wall), SQL_TEXT(user)),
                     ret_revoked, ret_sid);
}

enum store_result store_revoke_all(struct store *store, int64_t wall, uint64_t *ret_revoked)
{
    /* In steps: SQLite keeps in memory what undoing a statement needs, and PostgreSQL must
     * answer in time. */
    static const struct revoking step = REVOKING(
        "sid IN (SELECT sid FROM session WHERE " HAS_USABLE_TOKEN " ORDER BY sid LIMIT 20000)");
    enum store_result result;
    uint64_t n = 0, more = 0;

    do {
        result = revoke_by(store, &step, SQL_VALUES(SQL_INT(store->now), SQL_INT(wall)), &more,
                           NULL);
        n += more;
    } while (result == STORE_DONE && more > 0);
    if (result == STORE_DONE)
        *ret_revoked = n;
    return result;
}

/* The rows of the list, in pages: an answer of a database is in memory as a whole. ?1: wall,
 * ?2 and ?4: change and sid of the last row, ?3: the last change. */
#define PAGE_ROWS 16384
#define TEXT_OF_(number) #number
#define TEXT_OF(number) TEXT_OF_(number)
#define LISTED(condition, order)                                                               \
    "SELECT sid, last_access_exp, change FROM revoked"                                         \
    " WHERE last_access_exp > ?1 AND change <= ?3 AND " condition " ORDER BY " order           \
    " LIMIT " TEXT_OF(PAGE_ROWS)

struct list_place {
    int64_t after; /* of rows that are accepted later than this */
    int64_t change;
    uint8_t sid[ISSUE_ID_BYTES];
    size_t sid_len; /* 0: before the first one */
};

/* STORE_DONE: there may be more. */
static enum store_result each_row(struct sql_call *call, struct list_place *place,
                                  store_revoked_fn *fn, void *arg)
{
    enum store_result result;
    size_t rows = 0;

    while ((result = sql_step(call)) == STORE_DONE) {
        int64_t last_access_exp;

        (void)sql_read_id(call, place->sid);
        last_access_exp = sql_read_int(call);
        place->change = sql_read_int(call);
        place->sid_len = ISSUE_ID_BYTES;
        if (call->corrupt)
            sql_corrupt(call->sql, "a row is corrupt");
        if (call->corrupt || !fn(arg, place->sid, last_access_exp))
            return STORE_FAILED;
        rows++;
    }
    return result == STORE_ABSENT && rows == PAGE_ROWS ? STORE_DONE : result;
}

static enum store_result each_listed(struct store *store, const char *text,
                                     struct list_place place, store_revoked_fn *fn, void *arg)
{
    enum store_result result;

    do {
        struct sql_call call =
            sql_call(&store->sql, text,
                     SQL_VALUES(SQL_INT(place.after), SQL_INT(place.change),
                                SQL_INT(store->listed), SQL_BYTES(place.sid, place.sid_len)));

        result = each_row(&call, &place, fn, arg);
        sql_done(&call);
    } while (result == STORE_DONE);
    return result == STORE_ABSENT ? STORE_DONE : STORE_FAILED;
}

/* Before the rows are read: what is revoked meanwhile has a higher number. */
static bool read_change(struct store *store)
{
    return sql_number(&store->sql, "SELECT value FROM counter WHERE name = 'revocations'",
                      &store->listed);
}

enum store_result store_each_revoked(struct store *store, int64_t after, store_revoked_fn *fn,
                                     void *arg)
{
    if (!read_change(store))
        return STORE_FAILED;
    return each_listed(store, LISTED("sid > ?4", "sid"), (struct list_place){.after = after},
                       fn, arg);
}

enum store_result store_each_unpublished(struct store *store, int64_t after,
                                         store_revoked_fn *fn, void *arg)
{
    struct list_place published = {
        .after = after, .change = store->published, .sid_len = ISSUE_ID_BYTES};

    memset(published.sid, 0xff, sizeof(published.sid));
    if (!read_change(store))
        return STORE_FAILED;
    if (store->published < 0 || store->published > store->listed)
        return STORE_ABSENT;
    if (store->published == store->listed)
        return STORE_DONE;
    return each_listed(store, LISTED("(change, sid) > (?2, ?4)", "change, sid"), published, fn,
                       arg);
}

void store_set_published(struct store *store)
{
    store->published = store->listed;
}

void store_forget_published(struct store *store)
{
    store->published = -1;
}

int64_t store_published(const struct store *store)
{
    return store->published;
}

/* The sid of a line, and its exp. */
#define LINE_SID "decode(translate(substr(line, 1, 22), '-_', '+/') || '==', 'base64')"
#define LINE_EXP "CAST(substr(line, 24) AS bigint)"

enum store_result store_restore_revoked(struct store *store, const char *lines,
                                        uint64_t *ret_added)
{
    enum store_result result = STORE_FAILED;

    if (number_change(store))
        result = sql_run(
            &store->sql,
            "INSERT INTO revoked AS r (change, sid, last_access_exp, purge_at)"
            " SELECT (SELECT value FROM counter WHERE name = 'revocations'), sid, exp, exp"
            " FROM (SELECT " LINE_SID " AS sid, " LINE_EXP " AS exp"
            " FROM string_to_table(?1, chr(10)) AS line WHERE line <> '') AS lines"
            " WHERE NOT EXISTS (SELECT 1 FROM revoked WHERE revoked.sid = lines.sid"
            " AND last_access_exp >= exp)"
            " ON CONFLICT (sid) DO UPDATE SET change = excluded.change,"
            " last_access_exp = greatest(r.last_access_exp, excluded.last_access_exp),"
            " purge_at = greatest(r.purge_at, excluded.purge_at)",
            SQL_VALUES(SQL_TEXT(lines)));
    if (result == STORE_FAILED)
        return result;
    *ret_added = result == STORE_DONE ? (uint64_t)store->sql.changed : 0;
    return STORE_DONE;
}
