#include "common/jose/alg.h"

/* clang-format off */
static const struct alg table[] = {
    /* name    alias      kind    pss    kty    crv        ossl       digest   sig_len part_len */
    {"EdDSA", "Ed25519", ALG_OKP, false, "OKP", "Ed25519", "ED25519", NULL,      64, 32},
    {"ES256", NULL,      ALG_EC,  false, "EC",  "P-256",   "EC",      "SHA256",  64, 32},
    {"ES384", NULL,      ALG_EC,  false, "EC",  "P-384",   "EC",      "SHA384",  96, 48},
    {"ES512", NULL,      ALG_EC,  false, "EC",  "P-521",   "EC",      "SHA512", 132, 66},
    {"RS256", NULL,      ALG_RSA, false, "RSA", NULL,      "RSA",     "SHA256",   0,  0},
    {"RS384", NULL,      ALG_RSA, false, "RSA", NULL,      "RSA",     "SHA384",   0,  0},
    {"RS512", NULL,      ALG_RSA, false, "RSA", NULL,      "RSA",     "SHA512",   0,  0},
    {"PS256", NULL,      ALG_RSA, true,  "RSA", NULL,      "RSA",     "SHA256",   0,  0},
    {"PS384", NULL,      ALG_RSA, true,  "RSA", NULL,      "RSA",     "SHA384",   0,  0},
    {"PS512", NULL,      ALG_RSA, true,  "RSA", NULL,      "RSA",     "SHA512",   0,  0},
    {"HS256", NULL,      ALG_OCT, false, "oct", NULL,      NULL,      "SHA256",  32, 32},
    {"HS384", NULL,      ALG_OCT, false, "oct", NULL,      NULL,      "SHA384",  48, 48},
    {"HS512", NULL,      ALG_OCT, false, "oct", NULL,      NULL,      "SHA512",  64, 64},
};
/* clang-format on */

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

const struct alg *alg_first(alg_set set)
{
    return set ? alg_at((size_t)__builtin_ctz(set)) : NULL;
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
