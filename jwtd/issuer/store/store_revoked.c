/* Revoking sessions, and the table of revoked ones. */
#include "jwtd/issuer/store/store_internal.h"

enum store_result store_find_revoked(struct store *store, const uint8_t sid[ISSUE_ID_BYTES])
{
    return sql_find(&store->sql, "SELECT 1 FROM revoked WHERE sid = ?1",
                    SQL_VALUES(SQL_ID(sid)));
}

/* Numbers what this transaction revokes. The row of the counter is locked until its end, so
 * that numbers become visible in their order. */
static bool number_change(struct store *store)
{
    struct sql_call call;
    enum store_result result;

    if (store->change > 0)
        return true;
    call = sql_call(&store->sql,
                    "UPDATE counter SET value = value + 1 WHERE name = 'revocations'"
                    " RETURNING value",
                    NULL);
    result = sql_step(&call);
    if (result == STORE_DONE)
        store->change = sql_read_int(&call);
    else if (result == STORE_ABSENT)
        sql_corrupt(&store->sql, "table counter: row \"revocations\" is missing");
    while (result == STORE_DONE)
        result = sql_step(&call);
    sql_done(&call);
    return store->change > 0;
}

/* Runs a statement whose ?1 is the number of the change, and counts the rows it revoked. */
static enum store_result run_revoking(struct store *store, const char *text,
                                      struct sql_value *values, uint64_t *ret_revoked)
{
    enum store_result result = STORE_FAILED;

    if (number_change(store)) {
        values[0] = (struct sql_value)SQL_INT(store->change);
        result = sql_run(&store->sql, text, values);
    }
    if (result == STORE_FAILED)
        return result;
    *ret_revoked = result == STORE_DONE ? (uint64_t)store->sql.changed : 0;
    return STORE_DONE;
}

/* Values whose first one run_revoking sets. */
#define REVOKE_VALUES(...) ((struct sql_value[]){SQL_INT(0), __VA_ARGS__, {0}})

enum store_result store_add_revoked(struct store *store, const struct store_revoked *s)
{
    uint64_t n;

    return run_revoking(
        store,
        "INSERT INTO revoked (change, sid, last_access_exp, purge_at)"
        " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        REVOKE_VALUES(SQL_ID(s->sid), SQL_INT(s->last_access_exp), SQL_INT(s->last_exp)), &n);
}

enum store_result store_revoke(struct store *store, const uint8_t sid[ISSUE_ID_BYTES])
{
    uint64_t n = 0;
    enum store_result result =
        run_revoking(store, REVOKE_SESSIONS " WHERE sid = ?2", REVOKE_VALUES(SQL_ID(sid)), &n);

    return result == STORE_DONE && n == 0 ? STORE_ABSENT : result;
}

enum store_result store_revoke_oldest(struct store *store, const char *user, uint64_t keep,
                                      uint64_t *ret_revoked)
{
    return run_revoking(store,
                        REVOKE_SESSIONS
                        " WHERE \"user\" = ?3 AND absolute_exp > ?2 AND idle_exp > ?2"
                        " ORDER BY created_at DESC, sid DESC LIMIT 1000000000 OFFSET ?4",
                        REVOKE_VALUES(SQL_INT(store->now), SQL_TEXT(user),
                                      SQL_INT(keep < INT64_MAX ? keep : INT64_MAX)),
                        ret_revoked);
}

enum store_result store_revoke_replaced(struct store *store, const struct store_session *s,
                                        uint64_t *ret_revoked)
{
    return run_revoking(
        store,
        REVOKE_SESSIONS " WHERE \"user\" = ?2 AND ((uid <> ?3 AND uid >= 0)"
                        " OR (length(stamp) > 0 AND length(?4) > 0 AND stamp <> ?4))",
        REVOKE_VALUES(SQL_TEXT(s->user), SQL_INT(s->uid), SQL_BYTES(s->stamp, s->stamp_len)),
        ret_revoked);
}

enum store_result store_revoke_user(struct store *store, const char *user, int64_t wall,
                                    uint64_t *ret_revoked, uint8_t ret_sid[ISSUE_ID_BYTES])
{
    struct sql_call call;
    enum store_result result;
    uint64_t n = 0;

    if (!number_change(store))
        return STORE_FAILED;
    call = sql_call(
        &store->sql,
        REVOKE_SESSIONS " WHERE \"user\" = ?4 AND " HAS_USABLE_TOKEN " RETURNING sid",
        SQL_VALUES(SQL_INT(store->change), SQL_INT(store->now), SQL_INT(wall), SQL_TEXT(user)));
    while ((result = sql_step(&call)) == STORE_DONE) {
        (void)sql_read_id(&call, ret_sid);
        n++;
    }
    sql_done(&call);
    if (result == STORE_FAILED)
        return result;
    *ret_revoked = n;
    return STORE_DONE;
}

enum store_result store_revoke_all(struct store *store, int64_t wall, uint64_t *ret_revoked)
{
    enum store_result result;
    uint64_t n = 0, more = 0;

    do { /* in steps: SQLite keeps in memory what undoing a statement needs */
        result = run_revoking(store, REVOKE_SESSIONS " WHERE " HAS_USABLE_TOKEN " LIMIT 50000",
                              REVOKE_VALUES(SQL_INT(store->now), SQL_INT(wall)), &more);
        n += more;
    } while (result == STORE_DONE && more > 0);
    if (result == STORE_DONE)
        *ret_revoked = n;
    return result;
}

static enum store_result each_row(struct store *store, const char *query,
                                  const struct sql_value *values, store_revoked_fn *fn,
                                  void *arg)
{
    struct sql_call call = sql_call(&store->sql, query, values);
    enum store_result result;

    while ((result = sql_step(&call)) == STORE_DONE) {
        uint8_t sid[ISSUE_ID_BYTES] = {0};

        if (!sql_read_id(&call, sid) || call.corrupt || !fn(arg, sid, sql_read_int(&call)))
            break;
    }
    sql_done(&call);
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
    return each_row(store,
                    "SELECT sid, last_access_exp FROM revoked"
                    " WHERE last_access_exp > ?1 AND change <= ?2",
                    SQL_VALUES(SQL_INT(after), SQL_INT(store->listed)), fn, arg);
}

enum store_result store_each_unpublished(struct store *store, int64_t after,
                                         store_revoked_fn *fn, void *arg)
{
    if (!read_change(store))
        return STORE_FAILED;
    if (store->published < 0 || store->published > store->listed)
        return STORE_ABSENT;
    if (store->published == store->listed)
        return STORE_DONE;
    return each_row(
        store,
        "SELECT sid, last_access_exp FROM revoked"
        " WHERE change > ?2 AND change <= ?3 AND last_access_exp > ?1",
        SQL_VALUES(SQL_INT(after), SQL_INT(store->published), SQL_INT(store->listed)), fn, arg);
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
    return run_revoking(
        store,
        "INSERT INTO revoked AS r (change, sid, last_access_exp, purge_at)"
        " SELECT ?1, sid, exp, exp FROM (SELECT " LINE_SID " AS sid, " LINE_EXP " AS exp"
        " FROM string_to_table(?2, chr(10)) AS line WHERE line <> '') AS lines"
        " WHERE NOT EXISTS (SELECT 1 FROM revoked WHERE revoked.sid = lines.sid"
        " AND last_access_exp >= exp)"
        " ON CONFLICT (sid) DO UPDATE SET change = excluded.change,"
        " last_access_exp = greatest(r.last_access_exp, excluded.last_access_exp),"
        " purge_at = greatest(r.purge_at, excluded.purge_at)",
        REVOKE_VALUES(SQL_TEXT(lines)), ret_added);
}
