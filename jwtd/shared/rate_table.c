#include "jwtd/shared/rate_table.h"

#include <endian.h>

#define PRIME ((UINT64_C(1) << 61) - 1)
#define LOW_31 ((UINT64_C(1) << 31) - 1)
#define LOW_30 ((UINT64_C(1) << 30) - 1)

/* a * b modulo PRIME, for a and b below it, without a product of more than 64 bits: of the
 * three partial products, 2^62 is 2 and 2^61 is 1 modulo PRIME. */
static uint64_t multiply(uint64_t a, uint64_t b)
{
    uint64_t a_high = a >> 31, a_low = a & LOW_31, b_high = b >> 31, b_low = b & LOW_31;
    uint64_t middle = a_low * b_high + a_high * b_low; /* below 2^62, to be shifted by 31 */

    return (2 * a_high * b_high + (middle >> 30) + ((middle & LOW_30) << 31) + a_low * b_low) %
           PRIME;
}

/* A polynomial modulo a prime, evaluated at a secret point: two names of at most 255 bytes have
 * the same hash with a probability of at most 37 / PRIME (Carter and Wegman, 1981). */
static uint64_t hash_of(const struct rate_table *t, struct slice name)
{
    uint64_t point = t->key[0] % PRIME, hash = name.n;

    while (name.n > 0) {
        size_t n = name.n < 7 ? name.n : 7;
        uint64_t part = 0;

        memcpy(&part, name.p, n);
        hash = multiply((hash + le64toh(part)) % PRIME, point);
        name = slice_skip(name, n);
    }
    return hash;
}

/* Multiply and shift by a secret odd number (Dietzfelbinger et al., 1997). */
static struct rate_row *set_of(struct rate_table *t, uint64_t hash)
{
    return t->rows[hash * (t->key[1] | 1) >> (64 - RATE_SETS_LOG2)];
}

static struct rate_row *find(struct rate_row *set, uint64_t hash, uint64_t now)
{
    for (size_t i = 0; i < RATE_WAYS; i++) {
        if (set[i].until <= now)
            set[i].count = 0;
        if (set[i].name == hash && (set[i].until > now || set[i].under_way > 0))
            return &set[i];
    }
    return NULL;
}

struct rate_row *rate_table_find(struct rate_table *t, struct slice name, uint64_t now)
{
    uint64_t hash = hash_of(t, name);

    return find(set_of(t, hash), hash, now);
}

struct rate_row *rate_table_add(struct rate_table *t, struct slice name, uint64_t now)
{
    uint64_t hash = hash_of(t, name);
    struct rate_row *set = set_of(t, hash), *found = find(set, hash, now);

    if (found)
        return found;
    for (size_t i = 0; i < RATE_WAYS; i++) {
        struct rate_row *row = &set[i];

        if (row->under_way == 0 && (!found || row->count < found->count ||
                                    (row->count == found->count && row->until < found->until)))
            found = row;
    }
    if (found)
        *found = (struct rate_row){.name = hash};
    return found;
}
