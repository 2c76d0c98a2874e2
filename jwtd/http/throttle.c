#include "jwtd/http/throttle.h"

#include "common/base/timespan.h"

/* Microseconds in which an empty bucket gets its first token. */
static uint64_t one_token(struct settings_rate rate)
{
    return rate.per / rate.count;
}

static struct settings_rate rate_of(struct settings_rate per_source,
                                    const struct source *source)
{
    static const struct settings_rate loopback = {60, MINUTE};

    return per_source.count > 0 && source_is_loopback(source) ? loopback : per_source;
}

uint64_t throttle_wait(struct rate_table *t, struct settings_rate per_source,
                       const struct source *source, uint64_t now)
{
    struct settings_rate rate = rate_of(per_source, source);
    char name[SOURCE_TEXT];
    const struct rate_row *row;
    uint64_t missing, allowed;

    if (rate.count == 0)
        return 0;
    source_text(source, name);
    row = rate_table_find(t, slice_of(name), now);
    missing = row ? row->until - now : 0;
    allowed = one_token(rate) * (rate.count - 1);
    return missing > allowed ? missing - allowed : 0;
}

void throttle_failed(struct rate_table *t, struct settings_rate per_source,
                     const struct source *source, uint64_t now)
{
    struct settings_rate rate = rate_of(per_source, source);
    char name[SOURCE_TEXT];
    struct rate_row *row;
    uint64_t latest;

    if (rate.count == 0)
        return;
    source_text(source, name);
    row = rate_table_add(t, slice_of(name), now);
    if (!row)
        return;
    latest = now + 2 * one_token(rate) * rate.count;
    row->until = (row->until > now ? row->until : now) + one_token(rate);
    if (row->until > latest)
        row->until = latest;
}
