#include "jwtd/issuer/attempts.h"

enum attempts_result attempts_take(struct rate_table *t, struct slice user,
                                   const struct settings_rate *limit, uint64_t now,
                                   uint64_t *ret_wait)
{
    struct rate_row *row;

    if (limit->count == 0)
        return ATTEMPTS_GO;
    row = rate_table_add(t, user, now);
    if (!row)
        return ATTEMPTS_WAIT;
    if (row->count >= limit->count) {
        *ret_wait = row->until - now;
        return ATTEMPTS_LIMIT;
    }
    if (row->count + row->under_way >= limit->count)
        return ATTEMPTS_WAIT;
    row->under_way++;
    return ATTEMPTS_GO;
}

void attempts_settle(struct rate_table *t, struct slice user, const struct settings_rate *limit,
                     uint64_t now, bool failed)
{
    /* Also without a limit now: a reload may have lifted it since attempts_take(). */
    struct rate_row *row = rate_table_find(t, user, now);

    if (!row)
        return;
    if (row->under_way > 0)
        row->under_way--;
    if (failed && row->count++ == 0)
        row->until = now + limit->per;
}
