/* Revoking sessions, and the table of revoked ones. */
#include "jwtd/issuer/store/store_sqlite.h"

enum store_result store_find_revoked(struct store *store, const uint8_t sid[ISSUE_ID_BYTES])
{
    return sql_find(&store->sql, DO_FIND_REVOKED, SQL_VALUES(SQL_ID(sid)));
}

enum store_result store_add_revoked(struct store *store, const struct store_revoked *s)
{
    return sql_run(
        &store->sql, DO_ADD_REVOKED,
        SQL_VALUES(SQL_ID(s->sid), SQL_INT(s->last_access_exp), SQL_INT(s->last_exp)));
}

enum store_result store_revoke(struct store *store, const uint8_t sid[ISSUE_ID_BYTES])
{
    return sql_run(&store->sql, DO_REVOKE, SQL_VALUES(SQL_ID(sid)));
}

/* Runs a statement, and counts the rows it changed. */
static enum store_result run_counting(struct store *store, enum store_statement which,
                                      const struct sql_value *values, uint64_t *ret_changed)
{
    enum store_result result = sql_run(&store->sql, which, values);

    if (result == STORE_FAILED)
        return result;
    *ret_changed = result == STORE_DONE ? (uint64_t)sqlite3_changes(store->sql.db) : 0;
    return STORE_DONE;
}

enum store_result store_revoke_oldest(struct store *store, const char *user, uint64_t keep,
                                      uint64_t *ret_revoked)
{
    return run_counting(store, DO_REVOKE_OLDEST,
                        SQL_VALUES(SQL_INT(store->now), SQL_TEXT(user),
                                   SQL_INT(keep < INT64_MAX ? keep : INT64_MAX)),
                        ret_revoked);
}

enum store_result store_revoke_replaced(struct store *store, const struct store_session *s,
                                        uint64_t *ret_revoked)
{
    return run_counting(
        store, DO_REVOKE_REPLACED,
        SQL_VALUES(SQL_TEXT(s->user), SQL_INT(s->uid), SQL_BYTES(s->stamp, s->stamp_len)),
        ret_revoked);
}

enum store_result store_revoke_user(struct store *store, const char *user, int64_t wall,
                                    uint64_t *ret_revoked, uint8_t ret_sid[ISSUE_ID_BYTES])
{
    struct sql_call call =
        sql_call(&store->sql, DO_REVOKE_USER,
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

    do {
        result = run_counting(store, DO_REVOKE_ALL,
                              SQL_VALUES(SQL_INT(store->now), SQL_INT(wall)), &more);
        n += more;
    } while (result == STORE_DONE && more > 0);
    if (result == STORE_DONE)
        *ret_revoked = n;
    return result;
}

enum store_result store_each_revoked(struct store *store, int64_t after,
                                     bool (*fn)(void *arg, const uint8_t sid[ISSUE_ID_BYTES],
                                                int64_t last_access_exp),
                                     void *arg)
{
    struct sql_call call = sql_call(&store->sql, DO_EACH_REVOKED, SQL_VALUES(SQL_INT(after)));
    enum store_result result;

    while ((result = sql_step(&call)) == STORE_DONE) {
        uint8_t sid[ISSUE_ID_BYTES] = {0};

        if (!sql_read_id(&call, sid) || call.corrupt || !fn(arg, sid, sql_read_int(&call)))
            break;
    }
    sql_done(&call);
    return result == STORE_ABSENT ? STORE_DONE : STORE_FAILED;
}
