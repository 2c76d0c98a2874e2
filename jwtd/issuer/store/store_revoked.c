/* Revoking sessions, and the table of revoked ones. */
#include "jwtd/issuer/store/store_sqlite.h"

enum store_result store_find_revoked(struct store *store, const uint8_t sid[ISSUE_ID_BYTES])
{
    struct sql_call call = sql_call(&store->sql, DO_FIND_REVOKED);

    sql_bind_id(&call, sid);
    return sql_find(&call);
}

enum store_result store_add_revoked(struct store *store, const struct store_revoked *s)
{
    struct sql_call call = sql_call(&store->sql, DO_ADD_REVOKED);

    sql_bind_id(&call, s->sid);
    sql_bind_int(&call, s->last_access_exp);
    sql_bind_int(&call, s->last_exp);
    return sql_run(&call);
}

enum store_result store_revoke(struct store *store, const uint8_t sid[ISSUE_ID_BYTES])
{
    struct sql_call call = sql_call(&store->sql, DO_REVOKE);

    sql_bind_id(&call, sid);
    return sql_run(&call);
}

/* Runs a statement, and counts the rows it changed. */
static enum store_result run_counting(struct store *store, struct sql_call *call,
                                      uint64_t *ret_changed)
{
    enum store_result result = sql_run(call);

    if (result == STORE_FAILED)
        return result;
    *ret_changed = result == STORE_DONE ? (uint64_t)sqlite3_changes(store->sql.db) : 0;
    return STORE_DONE;
}

enum store_result store_revoke_oldest(struct store *store, const char *user, uint64_t keep,
                                      uint64_t *ret_revoked)
{
    struct sql_call call = sql_call(&store->sql, DO_REVOKE_OLDEST);

    sql_bind_int(&call, store->now);
    sql_bind_text(&call, user);
    sql_bind_int(&call, keep < INT64_MAX ? (int64_t)keep : INT64_MAX);
    return run_counting(store, &call, ret_revoked);
}

enum store_result store_revoke_replaced(struct store *store, const struct store_session *s,
                                        uint64_t *ret_revoked)
{
    struct sql_call call = sql_call(&store->sql, DO_REVOKE_REPLACED);

    sql_bind_text(&call, s->user);
    sql_bind_int(&call, s->uid);
    sql_bind_bytes(&call, s->stamp, s->stamp_len);
    return run_counting(store, &call, ret_revoked);
}

enum store_result store_revoke_user(struct store *store, const char *user, int64_t wall,
                                    uint64_t *ret_revoked, uint8_t ret_sid[ISSUE_ID_BYTES])
{
    struct sql_call call = sql_call(&store->sql, DO_REVOKE_USER);
    enum store_result result;
    uint64_t n = 0;

    sql_bind_int(&call, store->now);
    sql_bind_int(&call, wall);
    sql_bind_text(&call, user);
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
        struct sql_call call = sql_call(&store->sql, DO_REVOKE_ALL);

        sql_bind_int(&call, store->now);
        sql_bind_int(&call, wall);
        result = run_counting(store, &call, &more);
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
    struct sql_call call = sql_call(&store->sql, DO_EACH_REVOKED);
    enum store_result result;

    sql_bind_int(&call, after);
    while ((result = sql_step(&call)) == STORE_DONE) {
        uint8_t sid[ISSUE_ID_BYTES] = {0};

        if (!sql_read_id(&call, sid) || call.corrupt || !fn(arg, sid, sql_read_int(&call)))
            break;
    }
    sql_done(&call);
    return result == STORE_ABSENT ? STORE_DONE : STORE_FAILED;
}
