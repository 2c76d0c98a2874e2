#include "common/jose/alg.h"

#define HMAC_ROW(bits)                                                                         \
    {                                                                                          \
        .name = "HS" #bits, .kind = ALG_OCT, .kty = "oct", .digest = "SHA" #bits,              \
        .sig_len = (bits) / 8, .part_len = (bits) / 8                                          \
    }

#define RSA_ROW(bits)                                                                          \
    {                                                                                          \
        .name = "RS" #bits, .kind = ALG_RSA, .kty = "RSA", .ossl = "RSA",                      \
        .digest = "SHA" #bits                                                                  \
    }

#define PSS_ROW(bits)                                                                          \
    {                                                                                          \
        .name = "PS" #bits, .kind = ALG_RSA, .pss = true, .kty = "RSA", .ossl = "RSA",         \
        .digest = "SHA" #bits                                                                  \
    }

#define EC_ROW(bits, curve, bytes)                                                             \
    {                                                                                          \
        .name = "ES" #bits, .kind = ALG_EC, .kty = "EC", .crv = (curve), .ossl = "EC",         \
        .digest = "SHA" #bits, .sig_len = 2 * (size_t)(bytes), .part_len = (bytes)             \
    }

static const struct alg table[] = {
    {
        .name = "EdDSA",
        .alias = "Ed25519",
        .kind = ALG_OKP,
        .kty = "OKP",
        .crv = "Ed25519",
        .ossl = "ED25519",
        .sig_len = 64,
        .part_len = 32,
    },
    EC_ROW(256, "P-256", 32),
    EC_ROW(384, "P-384", 48),
    EC_ROW(512, "P-521", 66),
    RSA_ROW(256),
    RSA_ROW(384),
    RSA_ROW(512),
    PSS_ROW(256),
    PSS_ROW(384),
    PSS_ROW(512),
    HMAC_ROW(256),
    HMAC_ROW(384),
    HMAC_ROW(512),
};

#define N_ROWS (sizeof(table) / sizeof(table[0]))

_Static_assert(N_ROWS <= 32, "alg_set has a bit for each row");

const struct alg *alg_find(struct slice name)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        const struct alg *a = &table[i];

        if (slice_is(name, a->name) || (a->alias && slice_is(name, a->alias)))
            return a;
    }
    return NULL;
}

static bool has_curve(const struct alg *a, struct slice crv)
{
    return a->crv ? crv.p && slice_is(crv, a->crv) : !crv.p;
}

const struct alg *alg_fitting(alg_set among, struct slice kty, struct slice crv, size_t *ret_n)
{
    const struct alg *found = NULL;
    size_t n = 0;

    for (size_t i = 0; i < N_ROWS; i++) {
        const struct alg *a = &table[i];

        if (!(among & alg_bit(a)) || !slice_is(kty, a->kty) || !has_curve(a, crv))
            continue;
        if (n++ == 0)
            found = a;
    }
    *ret_n = n;
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
        if (table[i].kind != ALG_OCT)
            set |= alg_bit(&table[i]);
    return set;
}
