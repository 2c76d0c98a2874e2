/* Revoking sessions, and the table of revoked ones. */
#include "jwtd/issuer/store/store_sqlite.h"

enum store_result store_find_revoked(struct store *store, const uint8_t sid[ISSUE_ID_BYTES])
{
    return sql_find(&store->sql, "SELECT 1 FROM revoked WHERE sid = ?1",
                    SQL_VALUES(SQL_ID(sid)));
}

enum store_result store_add_revoked(struct store *store, const struct store_revoked *s)
{
    return sql_run(
        &store->sql, "INSERT INTO revoked VALUES (?1, ?2, ?3)",
        SQL_VALUES(SQL_ID(s->sid), SQL_INT(s->last_access_exp), SQL_INT(s->last_exp)));
}

enum store_result store_revoke(struct store *store, const uint8_t sid[ISSUE_ID_BYTES])
{
    return sql_run(&store->sql, REVOKE_SESSIONS " WHERE sid = ?1", SQL_VALUES(SQL_ID(sid)));
}

/* Runs a statement, and counts the rows it changed. */
static enum store_result run_counting(struct store *store, const char *text,
                                      const struct sql_value *values, uint64_t *ret_changed)
{
    enum store_result result = sql_run(&store->sql, text, values);

    if (result == STORE_FAILED)
        return result;
    *ret_changed = result == STORE_DONE ? (uint64_t)sqlite3_changes(store->sql.db) : 0;
    return STORE_DONE;
}

enum store_result store_revoke_oldest(struct store *store, const char *user, uint64_t keep,
                                      uint64_t *ret_revoked)
{
    return run_counting(store,
                        REVOKE_SESSIONS
                        " WHERE user = ?2 AND absolute_exp > ?1 AND idle_exp > ?1"
                        " ORDER BY created_at DESC, sid DESC LIMIT -1 OFFSET ?3",
                        SQL_VALUES(SQL_INT(store->now), SQL_TEXT(user),
                                   SQL_INT(keep < INT64_MAX ? keep : INT64_MAX)),
                        ret_revoked);
}

enum store_result store_revoke_replaced(struct store *store, const struct store_session *s,
                                        uint64_t *ret_revoked)
{
    return run_counting(
        store,
        REVOKE_SESSIONS " WHERE user = ?1 AND ((uid <> ?2 AND uid >= 0)"
                        " OR (length(stamp) > 0 AND length(?3) > 0 AND stamp <> ?3))",
        SQL_VALUES(SQL_TEXT(s->user), SQL_INT(s->uid), SQL_BYTES(s->stamp, s->stamp_len)),
        ret_revoked);
}

enum store_result store_revoke_user(struct store *store, const char *user, int64_t wall,
                                    uint64_t *ret_revoked, uint8_t ret_sid[ISSUE_ID_BYTES])
{
    struct sql_call call = sql_call(
        &store->sql, REVOKE_SESSIONS " WHERE user = ?3 AND " HAS_USABLE_TOKEN " RETURNING sid",
        SQL_VALUES(SQL_INT(store->now), SQL_INT(wall), SQL_TEXT(user)));
    enum store_result result;
    uint64_t n = 0;

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
        result = run_counting(store, REVOKE_SESSIONS " WHERE " HAS_USABLE_TOKEN " LIMIT 50000",
                              SQL_VALUES(SQL_INT(store->now), SQL_INT(wall)), &more);
        n += more;
    } while (result == STORE_DONE && more > 0);
    if (result == STORE_DONE)
        *ret_revoked = n;
    return result;
}

static enum store_result each_row(struct store *store, const char *query, int64_t after,
                                  store_revoked_fn *fn, void *arg)
{
    struct sql_call call = sql_call(&store->sql, query, SQL_VALUES(SQL_INT(after)));
    enum store_result result;

    while ((result = sql_step(&call)) == STORE_DONE) {
        uint8_t sid[ISSUE_ID_BYTES] = {0};

        if (!sql_read_id(&call, sid) || call.corrupt || !fn(arg, sid, sql_read_int(&call)))
            break;
    }
    sql_done(&call);
    return result == STORE_ABSENT ? STORE_DONE : STORE_FAILED;
}

enum store_result store_each_revoked(struct store *store, int64_t after, store_revoked_fn *fn,
                                     void *arg)
{
    return each_row(store,
                    "SELECT sid, last_access_exp FROM revoked WHERE last_access_exp > ?1",
                    after, fn, arg);
}

enum store_result store_each_unpublished(struct store *store, int64_t after,
                                         store_revoked_fn *fn, void *arg)
{
    int64_t n;

    if (!sql_number(&store->sql, "SELECT count(*) % " UNPUBLISHED_MAX " FROM unpublished", &n))
        return STORE_FAILED;
    return n == 0 ? STORE_ABSENT
                  : each_row(store,
                             "SELECT sid, last_access_exp FROM unpublished"
                             " WHERE last_access_exp > ?1",
                             after, fn, arg);
}

enum store_result store_set_published(struct store *store)
{
    return sql_execute(&store->sql, "DELETE FROM unpublished") ? STORE_DONE : STORE_FAILED;
}
