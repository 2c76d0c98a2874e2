#include "jwtd/issuer/attempts.h"

#include <openssl/evp.h>
#include <string.h>

#define SETS 512
#define WAYS 8

struct entry {
    uint64_t name; /* keyed digest; meaningless when nothing is counted */
    uint64_t since;
    uint32_t failures, under_way;
};

struct attempts {
    uint8_t key[ATTEMPTS_KEY_LEN];
    EVP_MAC_CTX *mac;
    struct entry entries[SETS][WAYS];
};

struct attempts *attempts_new(const uint8_t key[ATTEMPTS_KEY_LEN])
{
    struct attempts *a = calloc(1, sizeof(*a));
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);

    if (a) {
        memcpy(a->key, key, ATTEMPTS_KEY_LEN);
        a->mac = mac ? EVP_MAC_CTX_new(mac) : NULL;
    }
    EVP_MAC_free(mac);
    if (a && a->mac)
        return a;
    attempts_free(a);
    return NULL;
}

void attempts_free(struct attempts *a)
{
    if (a)
        EVP_MAC_CTX_free(a->mac);
    free(a);
}

/* Keyed, so that nobody outside can choose names that share a set. */
static uint64_t digest(const struct attempts *a, struct slice user)
{
    unsigned char out[16] = {0};
    size_t n = 0;
    uint64_t name;

    /* Names that can't be told apart share one count. */
    if (!EVP_MAC_init(a->mac, a->key, sizeof(a->key), NULL) ||
        !EVP_MAC_update(a->mac, (const unsigned char *)user.p, user.n) ||
        !EVP_MAC_final(a->mac, out, &n, sizeof(out)))
        memset(out, 0, sizeof(out));
    memcpy(&name, out, sizeof(name));
    return name;
}

static bool unused(const struct entry *e)
{
    return e->failures == 0 && e->under_way == 0;
}

static void age(struct entry *e, const struct settings_rate *limit, uint64_t now)
{
    if (e->failures > 0 && now - e->since >= limit->per)
        e->failures = 0;
}

static struct entry *find(struct attempts *a, uint64_t name, const struct settings_rate *limit,
                          uint64_t now)
{
    struct entry *set = a->entries[name % SETS];

    for (size_t i = 0; i < WAYS; i++) {
        age(&set[i], limit, now);
        if (!unused(&set[i]) && set[i].name == name)
            return &set[i];
    }
    return NULL;
}

/* The entry to give up: an unused one, else the one with the fewest failures, the oldest of
 * those. Never one with a check under way: NULL when all have. */
static struct entry *make_room(struct attempts *a, uint64_t name)
{
    struct entry *set = a->entries[name % SETS], *least = NULL;

    for (size_t i = 0; i < WAYS; i++) {
        struct entry *e = &set[i];

        if (e->under_way > 0)
            continue;
        if (!least || e->failures < least->failures ||
            (e->failures == least->failures && e->since < least->since))
            least = e;
    }
    if (least)
        *least = (struct entry){.name = name};
    return least;
}

enum attempts_said attempts_take(struct attempts *a, struct slice user,
                                 const struct settings_rate *limit, uint64_t now,
                                 uint64_t *ret_wait)
{
    struct entry *e;
    uint64_t name;

    if (limit->count == 0)
        return ATTEMPTS_GO;
    name = digest(a, user);
    e = find(a, name, limit, now);
    if (!e)
        e = make_room(a, name);
    if (!e)
        return ATTEMPTS_WAIT;
    if (e->failures >= limit->count) {
        *ret_wait = e->since + limit->per - now;
        return ATTEMPTS_LIMIT;
    }
    if (e->failures + e->under_way >= limit->count)
        return ATTEMPTS_WAIT;
    e->under_way++;
    return ATTEMPTS_GO;
}

void attempts_settle(struct attempts *a, struct slice user, const struct settings_rate *limit,
                     uint64_t now, bool failed)
{
    struct entry *e;

    if (limit->count == 0)
        return;
    e = find(a, digest(a, user), limit, now);
    if (!e)
        return;
    if (e->under_way > 0)
        e->under_way--;
    if (!failed)
        return;
    if (e->failures++ == 0)
        e->since = now;
}
