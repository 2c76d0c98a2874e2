/* Work on one session. */
#include "common/base/username.h"
#include "jwtd/issuer/store/store_internal.h"

#include <string.h>

/* SQLite's max() of two values is PostgreSQL's greatest(). */
#define RAISE(column, value)                                                                   \
    column " = CASE WHEN " column " > " value " THEN " column " ELSE " value " END,"

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
    if (sql_read_id(call, s->sid) && !call->corrupt)
        return true;
    sql_corrupt(call->sql, "a row is corrupt");
    return false;
}

struct expected *store_find_expected(struct store *store, const uint8_t sid[ISSUE_ID_BYTES])
{
    for (size_t i = 0; i < store->n_expected; i++)
        if (memcmp(store->sids[i], sid, ISSUE_ID_BYTES) == 0)
            return &store->expected[i];
    return NULL;
}

void store_forget_expected(struct store *store)
{
    for (size_t i = 0; i < store->n_expected; i++)
        store->expected[i].state = ROW_WRITTEN;
}

void store_expect(struct store *store, const uint8_t sid[ISSUE_ID_BYTES])
{
    if (!store_is_fleet(store) || store->n_expected == SQL_IDS_MAX ||
        store_find_expected(store, sid))
        return;
    memcpy(store->sids[store->n_expected], sid, ISSUE_ID_BYTES);
    store->expected[store->n_expected++].state = ROW_ABSENT;
}

void store_presume(struct store *store, const struct store_session *session)
{
    struct expected *e;

    store_expect(store, session->sid);
    e = store_find_expected(store, session->sid);
    if (!e)
        return;
    e->state = ROW_PRESUMED;
    e->row = *session;
}

bool store_read_expected(struct store *store, struct sql_call *call)
{
    enum store_result result;

    while ((result = sql_step(call)) == STORE_DONE) {
        struct store_session row = {0};
        bool whole = store_read_session(call, &row);
        struct expected *e = whole ? store_find_expected(store, row.sid) : NULL;

        if (!e) {
            sql_corrupt(&store->sql, "a row is corrupt");
            break;
        }
        e->state = ROW_READ;
        e->row = row;
    }
    sql_done(call);
    return result == STORE_ABSENT;
}

static enum store_result read_row(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                                  struct store_session *ret)
{
    struct sql_call call = sql_call(
        &store->sql, "SELECT " COLUMNS " FROM session WHERE sid = ?1", SQL_VALUES(SQL_ID(sid)));
    struct store_session found = {0};
    enum store_result result = sql_step(&call);

    if (result == STORE_DONE && !store_read_session(&call, &found))
        result = STORE_FAILED;
    sql_done(&call);
    if (result == STORE_DONE)
        *ret = found;
    return result;
}

enum store_result store_find(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                             struct store_session *ret)
{
    struct expected *e = store_find_expected(store, sid);
    enum store_result result;

    if (e && e->state != ROW_WRITTEN) {
        if (e->state != ROW_ABSENT)
            *ret = e->row;
        return e->state != ROW_ABSENT ? STORE_DONE : STORE_ABSENT;
    }
    result = read_row(store, sid, ret);
    if (e && result == STORE_DONE)
        e->row = *ret;
    if (e && result != STORE_FAILED)
        e->state = result == STORE_DONE ? ROW_READ : ROW_ABSENT;
    return result;
}

enum store_result store_write_session(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                                      int64_t gen, const char *text,
                                      const struct sql_value *values)
{
    struct expected *e = store_find_expected(store, sid);

    if (!e || e->state == ROW_WRITTEN)
        return sql_run(&store->sql, text, values);
    if (e->state == ROW_ABSENT || (gen >= 0 && e->row.pair.gen != gen))
        return STORE_ABSENT;
    e->state = ROW_WRITTEN;
    return sql_queue(&store->sql, text, values, SQL_ONE_ROW);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

enum store_result store_add_user(struct store *store, const char *user)
{
    enum store_result result =
        sql_queue(&store->sql, "INSERT INTO \"user\" VALUES (?1) ON CONFLICT DO NOTHING",
                  SQL_VALUES(SQL_TEXT(user)), SQL_ANY_ROWS);

    if (result != STORE_DONE || !store_is_fleet(store))
        return result;
    return sql_queue(&store->sql, "SELECT 1 FROM \"user\" WHERE name = ?1 FOR UPDATE",
                     SQL_VALUES(SQL_TEXT(user)), SQL_ANY_ROWS);
}

enum store_result store_add(struct store *store, const struct store_session *s)
{
    const struct store_pair *p = &s->pair;

    return sql_queue(
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
                   SQL_TEXT(s->amr)),
        SQL_ONE_ROW);
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
    return store_write_session(store, sid, -1, "UPDATE session SET uid = ?2 WHERE sid = ?1",
                               SQL_VALUES(SQL_ID(sid), SQL_INT(uid)));
}

#define ROTATE                                                                                 \
    "UPDATE session SET gen = ?3, previous_jti = refresh_jti, refresh_jti = ?4,"               \
    " access_jti = ?5, kid = ?6, rotated_at = ?7, issued_at = ?8, access_exp = ?9,"            \
    " refresh_exp = ?10, " RAISE("last_access_exp", "?9") " " RAISE(                           \
        "purge_at", "?12") " idle_exp = ?11, last_used = ?7 WHERE sid = ?1 AND gen = ?2"

#define ROTATE_VALUES(sid, from, pair, idle_exp, now)                                          \
    SQL_ID(sid), SQL_INT(from), SQL_INT((pair)->gen), SQL_ID((pair)->refresh_jti),             \
        SQL_ID((pair)->access_jti), SQL_TEXT((pair)->kid), SQL_INT(now),                       \
        SQL_INT((pair)->issued_at), SQL_INT((pair)->access_exp), SQL_INT((pair)->refresh_exp), \
        SQL_INT(idle_exp), SQL_INT(later((pair)->access_exp, (pair)->refresh_exp))

/* Nothing is written unless the row is as presumed, and no other issuer has changed what this
 * one must follow. */
static enum store_result rotate_presumed(struct store *store, struct expected *e,
                                         const struct store_pair *pair, int64_t idle_exp)
{
    const struct store_session *s = &e->row;

    e->state = ROW_WRITTEN;
    return sql_queue(&store->sql,
                     ROTATE " AND refresh_jti = ?13 AND \"user\" = ?14 AND uid = ?15"
                            " AND stamp = ?16 AND absolute_exp >= ?17 AND idle_exp > ?7"
                            " AND (SELECT value FROM counter WHERE name = 'revocations') = ?18"
                            " AND (SELECT value FROM counter WHERE name = 'keys') = ?19",
                     SQL_VALUES(ROTATE_VALUES(s->sid, s->pair.gen, pair, idle_exp, store->now),
                                SQL_ID(s->pair.refresh_jti), SQL_TEXT(s->user), SQL_INT(s->uid),
                                SQL_BYTES(s->stamp, s->stamp_len), SQL_INT(s->absolute_exp),
                                SQL_INT(store->changes.revocations),
                                SQL_INT(store->changes.keys)),
                     SQL_PRESUMED_ROW);
}

enum store_result store_rotate(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                               int64_t from, const struct store_pair *pair, int64_t idle_exp)
{
    struct expected *e = store_find_expected(store, sid);

    if (e && e->state == ROW_PRESUMED)
        return rotate_presumed(store, e, pair, idle_exp);
    return store_write_session(
        store, sid, from, ROTATE,
        SQL_VALUES(ROTATE_VALUES(sid, from, pair, idle_exp, store->now)));
}

enum store_result store_renew(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                              int64_t gen, int64_t access_exp, int64_t idle_exp)
{
    return store_write_session(
        store, sid, gen,
        "UPDATE session SET " RAISE("last_access_exp", "?3") " " RAISE(
            "purge_at", "?3") " idle_exp = ?4, last_used = ?5 WHERE sid = ?1 AND gen = ?2",
        SQL_VALUES(SQL_ID(sid), SQL_INT(gen), SQL_INT(access_exp), SQL_INT(idle_exp),
                   SQL_INT(store->now)));
}

enum store_result store_has_user(struct store *store, const char *user)
{
    if (!username_valid(slice_of(user)))
        return STORE_ABSENT; /* and a database refuses what is not UTF-8 */
    return sql_find(&store->sql, "SELECT 1 FROM \"user\" WHERE name = ?1",
                    SQL_VALUES(SQL_TEXT(user)));
}
