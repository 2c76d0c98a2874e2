/* Queries over many sessions: pages, counts. */
#include "jwtd/issuer/store/store_internal.h"

#include <stdio.h>
#include <string.h>

/* A page has the rows before this one, newest first. */
struct bound {
    int64_t created_at;
    uint8_t sid[ISSUE_ID_BYTES];
};

static enum store_result find_bound(struct store *store, const uint8_t *after,
                                    struct bound *ret)
{
    struct store_session s;
    enum store_result result;

    if (!after) {
        ret->created_at = INT64_MAX;
        memset(ret->sid, 0xff, sizeof(ret->sid));
        return STORE_DONE;
    }
    result = store_find(store, after, &s);
    if (result == STORE_DONE) {
        ret->created_at = s.created_at;
        memcpy(ret->sid, s.sid, sizeof(ret->sid));
    }
    return result;
}

enum store_result store_page(struct store *store, struct store_page *page)
{
    struct bound bound;
    struct sql_call call;
    enum store_result result = find_bound(store, page->after, &bound);
    unsigned rows = 0;
    bool full = false;

    page->more = false;
    if (result != STORE_DONE)
        return result == STORE_ABSENT ? STORE_DONE : result;
    if (page->user)
        call = sql_call(&store->sql,
                        "SELECT " COLUMNS " FROM session"
                        " WHERE \"user\" = ?3 AND (created_at, sid) < (?4, ?1)"
                        " ORDER BY created_at DESC, sid DESC LIMIT ?2",
                        SQL_VALUES(SQL_ID(bound.sid), SQL_INT(STORE_PAGE_ROWS),
                                   SQL_TEXT(page->user), SQL_INT(bound.created_at)));
    else
        call = sql_call(&store->sql,
                        "SELECT " COLUMNS " FROM session WHERE sid < ?1"
                        " ORDER BY sid DESC LIMIT ?2",
                        SQL_VALUES(SQL_ID(bound.sid), SQL_INT(STORE_PAGE_ROWS)));
    while ((result = sql_step(&call)) == STORE_DONE) {
        struct store_session s = {0};

        if (!store_read_session(&call, &s)) {
            result = STORE_FAILED;
            break;
        }
        full =
            store->now < s.absolute_exp && store->now < s.idle_exp && !page->fn(page->arg, &s);
        if (full)
            break;
        memcpy(bound.sid, s.sid, sizeof(bound.sid));
        rows++;
    }
    sql_done(&call);
    if (result == STORE_FAILED)
        return result;
    memcpy(page->next, bound.sid, sizeof(page->next));
    page->more = rows > 0 && (full || rows == STORE_PAGE_ROWS);
    return STORE_DONE;
}

enum store_result store_count_live(struct store *store, uint64_t rows, uint64_t *ret_live,
                                   bool *ret_more)
{
    int64_t counts[2];
    enum store_result result =
        sql_find_numbers(&store->sql,
                         "SELECT count(CASE WHEN absolute_exp > ?1 AND idle_exp > ?1"
                         " THEN 1 END), count(*)"
                         " FROM (SELECT absolute_exp, idle_exp FROM session"
                         " ORDER BY sid DESC LIMIT ?2) AS newest",
                         SQL_VALUES(SQL_INT(store->now), SQL_INT(rows)), counts, 2);

    if (result == STORE_DONE) {
        *ret_live = (uint64_t)counts[0];
        *ret_more = (uint64_t)counts[1] >= rows;
    }
    return result;
}

enum store_result store_last_exp(struct store *store, int64_t *ret_exp)
{
    return sql_find_numbers(&store->sql,
                            "SELECT coalesce(max(at), 0)"
                            " FROM (SELECT max(purge_at) AS at FROM session"
                            " UNION ALL SELECT max(purge_at) FROM revoked) AS ends",
                            NULL, ret_exp, 1);
}
