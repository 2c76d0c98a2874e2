#include "alg.h"

static const struct alg table[] = {
    {
        .name = "EdDSA",
        .alias = "Ed25519",
        .kty = "OKP",
        .crv = "Ed25519",
        .ossl = "ED25519",
        .digest = NULL,
        .sig_len = 64,
        .public_len = 32,
        .private_len = 32,
    },
};

#define N_ROWS (sizeof(table) / sizeof(table[0]))

_Static_assert(N_ROWS <= 32, "alg_set has a bit a row");

const struct alg *alg_find(struct slice name)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        const struct alg *a = &table[i];

        if (slice_is(name, a->name) || (a->alias && slice_is(name, a->alias)))
            return a;
    }
    return NULL;
}

const struct alg *alg_of_curve(struct slice kty, struct slice crv)
{
    const struct alg *found = NULL;

    for (size_t i = 0; i < N_ROWS; i++) {
        const struct alg *a = &table[i];

        if (!slice_is(kty, a->kty) || !a->crv || !slice_is(crv, a->crv))
            continue;
        if (found)
            return NULL;
        found = a;
    }
    return found;
}

const struct alg *alg_at(size_t i)
{
    return i < N_ROWS ? &table[i] : NULL;
}

alg_set alg_bit(const struct alg *a)
{
    return (alg_set)1 << (a - table);
}

alg_set alg_set_default(void)
{
    alg_set set = 0;

    for (size_t i = 0; i < N_ROWS; i++)
        if (!slice_is(SLICE("oct"), table[i].kty))
            set |= alg_bit(&table[i]);
    return set;
}
