#include "throttle.h"

/* A bucket holds time: one token is the time after which a rate gives one, a full bucket is
 * rate.per. No fraction of a token is ever lost. */
static int64_t one_token(struct settings_rate rate)
{
    return (int64_t)(rate.per / rate.count);
}

static int64_t full(struct settings_rate rate)
{
    return one_token(rate) * (int64_t)rate.count;
}

static int64_t tokens_at(const struct throttle_bucket *b, struct settings_rate rate,
                         uint64_t now)
{
    uint64_t passed = now - b->at;
    int64_t missing = full(rate) - b->tokens;

    return missing <= 0 || passed >= (uint64_t)missing ? full(rate)
                                                       : b->tokens + (int64_t)passed;
}

static const struct throttle_bucket *find(const struct throttle *t, const struct source *source)
{
    for (size_t i = 0; i < THROTTLE_SOURCES; i++)
        if (t->buckets[i].at != 0 && source_equal(&t->buckets[i].source, source))
            return &t->buckets[i];
    return NULL;
}

/* A free row, or the one whose source failed longest ago. */
static struct throttle_bucket *oldest(struct throttle *t)
{
    struct throttle_bucket *found = &t->buckets[0];

    for (size_t i = 1; i < THROTTLE_SOURCES; i++)
        if (t->buckets[i].at < found->at)
            found = &t->buckets[i];
    return found;
}

uint64_t throttle_wait(const struct throttle *t, struct settings_rate rate,
                       const struct source *source, uint64_t now)
{
    const struct throttle_bucket *b = rate.count > 0 ? find(t, source) : NULL;
    int64_t tokens;

    if (!b)
        return 0;
    tokens = tokens_at(b, rate, now);
    return tokens >= one_token(rate) ? 0 : (uint64_t)(one_token(rate) - tokens);
}

void throttle_failed(struct throttle *t, struct settings_rate rate, const struct source *source,
                     uint64_t now)
{
    const struct throttle_bucket *known;
    struct throttle_bucket *b;
    int64_t tokens;

    if (rate.count == 0)
        return;
    known = find(t, source);
    b = known ? &t->buckets[known - t->buckets] : oldest(t);
    tokens = known ? tokens_at(known, rate, now) : full(rate);
    tokens -= one_token(rate);
    if (tokens < -full(rate))
        tokens = -full(rate);
    *b = (struct throttle_bucket){.source = *source, .tokens = tokens, .at = now};
}
