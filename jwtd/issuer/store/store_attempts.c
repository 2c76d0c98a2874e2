/* For PostgreSQL alone. A statement waits for no row but those it writes. SETTLE writes two:
 * PostgreSQL executes the INSERT first, then the UPDATE within WITH. No statement locks them in
 * the other order. */
#include "jwtd/issuer/store/store_attempts.h"
#include "jwtd/issuer/store/store_internal.h"

#define NOW "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"

#define PRESENT "WITH present AS (SELECT " NOW " AS us"
#define US "(SELECT us FROM present)"

/* The same with a commit that does not wait for the disk or for a standby. The setting is that
 * of the transaction, which is this statement. */
#define PRESENT_NO_WAIT PRESENT " WHERE set_config('synchronous_commit', 'off', true) = 'off')"

/* Counts an attempt in a row that exists, unless ?2 is reached. */
#define IS_OPEN "a.until > " US " AND a.halves > 0"
#define COUNT_IN_ROW                                                                           \
    " ON CONFLICT (id) DO UPDATE SET"                                                          \
    " halves = CASE WHEN " IS_OPEN " THEN a.halves + 2 ELSE 2 END,"                            \
    " until = CASE WHEN " IS_OPEN " THEN a.until ELSE EXCLUDED.until END"
#define UNLESS_REACHED " WHERE a.until <= " US " OR a.halves < ?2 RETURNING until"

/* Some rows of others whose window has ended. */
#define PURGE_ATTEMPTS                                                                         \
    "DELETE FROM attempt WHERE id <> ?1 AND id IN (SELECT id FROM attempt"                     \
    " WHERE until < " US " ORDER BY until LIMIT 8 FOR UPDATE SKIP LOCKED)"

/* A row that another issuer has just made is not in the snapshot of `reached`: the statement
 * then yields no row. */
#define TAKE                                                                                   \
    PRESENT_NO_WAIT                                                                            \
    ", reached AS (SELECT place, a.until - us AS wait FROM present, attempt a"                 \
    " JOIN (VALUES (0, ?1, ?2), (1, ?4, ?5), (2, ?6, ?7)) AS k (place, id, most)"              \
    " ON a.id = k.id WHERE a.until > us AND a.halves >= most ORDER BY place LIMIT 1),"         \
    " expired AS (" PURGE_ATTEMPTS "),"                                                        \
    " taken AS (INSERT INTO attempt AS a SELECT ?1, 2, us + ?3 FROM present"                   \
    " WHERE NOT EXISTS (SELECT FROM reached)" COUNT_IN_ROW UNLESS_REACHED ")"                  \
    " SELECT -1, until FROM taken UNION ALL SELECT place, wait FROM reached"

#define SETTLE                                                                                 \
    PRESENT_NO_WAIT                                                                            \
    ", back AS (UPDATE attempt SET halves = halves - ?2 FROM present"                          \
    " WHERE id = ?1 AND until = ?3 AND halves >= ?2 AND ?2 > 0)"                               \
    " INSERT INTO attempt AS a SELECT ?4, 2, us + ?5 FROM present WHERE ?6 > 0" COUNT_IN_ROW

#define COUNT                                                                                  \
    PRESENT ") INSERT INTO attempt AS a SELECT ?1, 2, us + ?3 FROM present" COUNT_IN_ROW       \
        UNLESS_REACHED

/* ret: the two columns of TAKE. */
static enum store_result take(struct store *store, const struct store_attempts *a,
                              int64_t ret[2])
{
    const struct store_attempt *of = a->of;

    return sql_find_numbers(
        &store->sql, TAKE,
        SQL_VALUES(SQL_ID(of[STORE_FAILURES].id), SQL_INT(of[STORE_FAILURES].most),
                   SQL_INT(of[STORE_FAILURES].per), SQL_ID(of[STORE_LOGINS].id),
                   SQL_INT(of[STORE_LOGINS].most), SQL_ID(of[STORE_SOURCE_FAILURES].id),
                   SQL_INT(of[STORE_SOURCE_FAILURES].most)),
        ret, 2);
}

enum store_result store_attempts_take(struct store *store, struct store_attempts *a,
                                      enum store_attempt_kind *ret_reached, int64_t *ret_wait)
{
    int64_t row[2] = {STORE_FAILURES, 1};
    enum store_result result = take(store, a, row);

    if (result == STORE_ABSENT)
        result = take(store, a, row);
    if (result == STORE_DONE && row[0] < 0) {
        a->until = row[1];
        return STORE_DONE;
    }
    *ret_reached = (enum store_attempt_kind)row[0];
    *ret_wait = row[1];
    return result == STORE_FAILED ? STORE_FAILED : STORE_ABSENT;
}

enum store_result store_attempts_settle(struct store *store, const struct store_attempts *a,
                                        int64_t back, const struct store_attempt *add)
{
    const struct store_attempt *failures = &a->of[STORE_FAILURES],
                               *other = add ? add : failures;

    return sql_run(&store->sql, SETTLE,
                   SQL_VALUES(SQL_ID(failures->id), SQL_INT(back), SQL_INT(a->until),
                              SQL_ID(other->id), SQL_INT(other->per), SQL_INT(add != NULL)));
}

enum store_result store_attempts_count(struct store *store, const struct store_attempt *a,
                                       int64_t *ret_wait)
{
    enum store_result result = sql_find(
        &store->sql, COUNT, SQL_VALUES(SQL_ID(a->id), SQL_INT(a->most), SQL_INT(a->per)));

    if (result != STORE_ABSENT)
        return result;
    result = sql_find_numbers(&store->sql, "SELECT until - " NOW " FROM attempt WHERE id = ?1",
                              SQL_VALUES(SQL_ID(a->id)), ret_wait, 1);
    return result == STORE_DONE ? STORE_ABSENT : STORE_FAILED;
}
