#include "jwtd/http/throttle.h"

#include <string.h>

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

/* The set of a source. Multiply and shift with random factors (Dietzfelbinger): whoever does
 * not know them can't choose addresses that share a set. */
static size_t set_of(const struct throttle *t, const struct source *source)
{
    uint32_t part[2] = {0, 0};
    uint64_t hash;

    switch (source->kind) {
    case SOURCE_UNKNOWN:
        break;
    case SOURCE_UID:
        part[0] = source->uid;
        break;
    case SOURCE_IPV4:
        part[0] = source->ipv4.s_addr;
        break;
    case SOURCE_IPV6:
        memcpy(part, source->ipv6, sizeof(part));
        break;
    }
    hash = t->key[0] * part[0] + t->key[1] * part[1] + t->key[2] * (uint64_t)source->kind +
           t->key[3];
    return (size_t)(hash >> 32) % THROTTLE_SETS;
}

static size_t find(const struct throttle_bucket set[THROTTLE_WAYS], const struct source *source)
{
    for (size_t i = 0; i < THROTTLE_WAYS; i++)
        if (set[i].at != 0 && source_equal(&set[i].source, source))
            return i;
    return THROTTLE_WAYS;
}

/* A free place, or that of the source with the most tokens: who has none left is not forgotten
 * for somebody who failed once. */
static size_t make_room(const struct throttle_bucket set[THROTTLE_WAYS],
                        struct settings_rate rate, uint64_t now)
{
    size_t found = 0;

    for (size_t i = 0; i < THROTTLE_WAYS; i++) {
        if (set[i].at == 0)
            return i;
        if (tokens_at(&set[i], rate, now) > tokens_at(&set[found], rate, now))
            found = i;
    }
    return found;
}

uint64_t throttle_wait(const struct throttle *t, struct settings_rate rate,
                       const struct source *source, uint64_t now)
{
    const struct throttle_bucket *set = t->sets[set_of(t, source)];
    size_t way = rate.count > 0 ? find(set, source) : THROTTLE_WAYS;
    int64_t tokens;

    if (way == THROTTLE_WAYS)
        return 0;
    tokens = tokens_at(&set[way], rate, now);
    return tokens >= one_token(rate) ? 0 : (uint64_t)(one_token(rate) - tokens);
}

void throttle_failed(struct throttle *t, struct settings_rate rate, const struct source *source,
                     uint64_t now)
{
    struct throttle_bucket *set = t->sets[set_of(t, source)];
    size_t way = find(set, source);
    int64_t tokens;

    if (rate.count == 0)
        return;
    tokens = way < THROTTLE_WAYS ? tokens_at(&set[way], rate, now) : full(rate);
    if (way == THROTTLE_WAYS)
        way = make_room(set, rate, now);
    tokens -= one_token(rate);
    if (tokens < -full(rate))
        tokens = -full(rate);
    set[way] = (struct throttle_bucket){.source = *source, .tokens = tokens, .at = now};
}
