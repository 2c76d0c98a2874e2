#include "jwtd/issuer/attempts.h"

#define WHOLE 2 /* rows count halves */

/* By one limit. row NULL: nothing is counted. */
static enum attempts_result look_at(const struct rate_row *row, unsigned limit)
{
    if (limit == 0 || !row)
        return ATTEMPTS_GO;
    if (row->count >= limit * WHOLE)
        return ATTEMPTS_LIMIT;
    return row->count + row->under_way * WHOLE < limit * WHOLE ? ATTEMPTS_GO : ATTEMPTS_WAIT;
}

enum attempts_result attempts_look(struct attempts *a, const struct settings *set,
                                   struct slice user, uint64_t now, struct attempts_limit *ret)
{
    const struct rate_row *failures = rate_table_find(&a->failures, user, now);
    const struct rate_row *logins = rate_table_find(&a->logins, user, now);
    enum attempts_result by_failures = look_at(failures, set->session.failures_per_user.count);
    enum attempts_result by_logins = look_at(logins, set->session.logins_per_user.count);

    if (by_failures == ATTEMPTS_LIMIT) {
        *ret = (struct attempts_limit){"FailuresPerUser", failures->until - now};
        return ATTEMPTS_LIMIT;
    }
    if (by_logins == ATTEMPTS_LIMIT) {
        *ret = (struct attempts_limit){"LoginsPerUser", logins->until - now};
        return ATTEMPTS_LIMIT;
    }
    return by_failures == ATTEMPTS_GO ? by_logins : by_failures;
}

enum attempts_result attempts_take(struct attempts *a, const struct settings *set,
                                   struct slice user, uint64_t now, struct attempts_limit *ret)
{
    enum attempts_result result = attempts_look(a, set, user, now, ret);
    struct rate_row *failures, *logins;

    if (result != ATTEMPTS_GO)
        return result;
    failures = rate_table_add(&a->failures, user, now);
    logins = rate_table_add(&a->logins, user, now);
    if (!failures || !logins)
        return ATTEMPTS_WAIT;
    failures->under_way++;
    logins->under_way++;
    return ATTEMPTS_GO;
}

enum attempts_result attempts_count(struct attempts *a, const struct settings *set,
                                    struct slice user, uint64_t now, struct attempts_limit *ret)
{
    struct rate_row *row = rate_table_add(&a->logins, user, now);
    enum attempts_result result =
        row ? look_at(row, set->session.logins_per_user.count) : ATTEMPTS_WAIT;

    if (result == ATTEMPTS_LIMIT)
        *ret = (struct attempts_limit){"LoginsPerUser", row->until - now};
    if (result == ATTEMPTS_GO && row->count == 0)
        row->until = now + set->session.logins_per_user.per;
    if (result == ATTEMPTS_GO)
        row->count += WHOLE;
    return result;
}

static void settle(struct rate_row *row, struct settings_rate limit, uint64_t now,
                   unsigned halves)
{
    if (!row)
        return;
    if (row->under_way > 0)
        row->under_way--;
    if (halves > 0 && row->count == 0)
        row->until = now + limit.per;
    row->count += halves;
}

void attempts_settle(struct attempts *a, const struct settings *set, struct slice user,
                     uint64_t now, enum attempts_outcome outcome)
{
    settle(rate_table_find(&a->failures, user, now), set->session.failures_per_user, now,
           outcome == ATTEMPTS_FAILED ? WHOLE : outcome == ATTEMPTS_HALF_FAILED);
    settle(rate_table_find(&a->logins, user, now), set->session.logins_per_user, now,
           outcome == ATTEMPTS_SUCCEEDED ? WHOLE : 0);
}
