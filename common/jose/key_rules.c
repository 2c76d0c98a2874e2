#include "common/jose/key_rules.h"

#include <openssl/bn.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

DEFINE_CLEANUP(BN_CTX *, cleanup_bn_ctx, BN_CTX_free)
DEFINE_CLEANUP(BIGNUM *, cleanup_bn, BN_free)

/* Is rest a power of 65537 modulo this prime? */
static bool is_power(unsigned rest, unsigned prime)
{
    const unsigned generator = 65537 % prime;
    unsigned power = 1;

    do {
        if (power == rest)
            return true;
        power = power * generator % prime;
    } while (power != 1);
    return false;
}

/*
 * Primes of one maker's chips were k * M + 65537^a mod M, M a product of small primes, and can
 * be found from the modulus (Nemec and others, "The Return of Coppersmith's Attack", 2017).
 * Such a modulus is a power of 65537 modulo each of these primes; any other is that by a chance
 * of about 2^-27.
 */
static bool has_roca_mark(const BIGNUM *n)
{
    static const uint8_t primes[] = {11, 13, 17,  19,  37,  53,  61,  71, 73,
                                     79, 97, 103, 107, 109, 127, 151, 157};

    for (size_t i = 0; i < sizeof(primes); i++)
        if (!is_power((unsigned)BN_mod_word(n, primes[i]), primes[i]))
            return false;
    return true;
}

static bool has_small_factor(const BIGNUM *n)
{
    for (unsigned divisor = 3; divisor < 1000; divisor += 2)
        if (BN_mod_word(n, divisor) == 0)
            return true;
    return !BN_is_odd(n);
}

static enum tok_err modulus_rules(const BIGNUM *n, struct errmsg *errmsg)
{
    int bits = BN_num_bits(n);

    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return errmsg_set(errmsg, TOK_KEYS, "n: has %d bits; allowed are %d to %d", bits,
                          RSA_BITS_MIN, RSA_BITS_MAX);
    if (has_small_factor(n))
        return errmsg_set(errmsg, TOK_KEYS, "n: has a small factor: no RSA modulus");
    if (has_roca_mark(n))
        return errmsg_set(errmsg, TOK_KEYS,
                          "n: was made by a chip whose keys can be broken "
                          "(CVE-2017-15361); make a new key");
    return TOK_OK;
}

static enum tok_err rsa_rules(const struct key_parts *parts, struct errmsg *errmsg)
{
    struct slice e = parts->at[RSA_E];
    CLEANUP(cleanup_bn)
    BIGNUM *n = BN_bin2bn((const uint8_t *)parts->at[RSA_N].p, (int)parts->at[RSA_N].n, NULL);
    enum tok_err err = n ? modulus_rules(n, errmsg) : TOK_NO_MEMORY;

    if (err)
        return err;
    if (e.n > 4 || e.n == 0 || !(e.p[e.n - 1] & 1) || (e.n == 1 && e.p[0] == 1))
        return errmsg_set(errmsg, TOK_KEYS,
                          "e: allowed are odd exponents from 3 to 4294967295");
    return TOK_OK;
}

static enum tok_err oct_rules(const struct alg *alg, const struct key_parts *parts,
                              struct errmsg *errmsg)
{
    size_t n = parts->at[OCT_K].n;

    if (n < alg->part_len || n > KEY_SECRET_MAX)
        return errmsg_set(errmsg, TOK_KEYS, "k: has %zu bytes; allowed are %zu to %d for %s", n,
                          alg->part_len, KEY_SECRET_MAX, alg->name);
    return TOK_OK;
}

/* y < 2^255 - 19 */
static bool is_reduced(const uint8_t y[32])
{
    bool big = y[31] == 0x7f && y[0] >= 0xed;

    for (size_t i = 1; big && i < 31; i++)
        big = y[i] == 0xff;
    return !big;
}

/*
 * Points by which a signature says nothing. Those of order 1, 2, 4 and 8 hold for (nearly) any
 * message once R and S fit (Cremers, Jackson, "Prime, Order Please!", 2019, table 2): they are
 * the five y below, with either sign of x. A y of p = 2^255 - 19 or more is no encoding at all
 * (RFC 8032 5.1.3), yet libcrypto reduces it. A y off the curve needs no check here: under it
 * no signature holds.
 */
static bool ed25519_point_ok(struct slice x)
{
    static const uint8_t small_order_y[][32] = {
        {0},
        {1},
        {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
         0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
         0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
         0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
         0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    };
    uint8_t y[32];

    memcpy(y, x.p, sizeof(y));
    y[31] &= 0x7f;
    if (!is_reduced(y))
        return false;
    for (size_t i = 0; i < sizeof(small_order_y) / sizeof(small_order_y[0]); i++)
        if (memcmp(y, small_order_y[i], sizeof(y)) == 0)
            return false;
    return true;
}

enum tok_err key_rules(const struct alg *alg, const struct key_parts *parts,
                       struct errmsg *errmsg)
{
    switch (alg->kind) {
    case ALG_OCT:
        return oct_rules(alg, parts, errmsg);
    case ALG_RSA:
        return rsa_rules(parts, errmsg);
    case ALG_EC:
        return TOK_OK; /* libcrypto takes no point that is off the curve */
    case ALG_OKP:
        if (!ed25519_point_ok(parts->at[OKP_X]))
            return errmsg_set(errmsg, TOK_KEYS,
                              "x: a point of small order, or no point at all");
        return TOK_OK;
    }
    return TOK_CRYPTO;
}

/* The numbers of a private RSA key, all of one pool. */
struct rsa {
    BIGNUM *at[KEY_MEMBERS], *less, *product;
};

static bool read_rsa(BN_CTX *pool, const struct key_parts *parts, struct rsa *ret)
{
    for (size_t i = 0; i < KEY_MEMBERS; i++) {
        ret->at[i] = BN_CTX_get(pool);
        if (!ret->at[i] ||
            !BN_bin2bn((const uint8_t *)parts->at[i].p, (int)parts->at[i].n, ret->at[i]))
            return false;
    }
    ret->less = BN_CTX_get(pool);
    ret->product = BN_CTX_get(pool);
    return ret->less && ret->product;
}

/* a * b = 1 (mod m)? */
static bool is_inverse(const struct rsa *r, const BIGNUM *a, const BIGNUM *b, const BIGNUM *m,
                       BN_CTX *pool)
{
    return BN_mod_mul(r->product, a, b, m, pool) == 1 && BN_is_one(r->product);
}

/* d and its remainder, modulo prime - 1, undo e. */
static bool exponents_fit(const struct rsa *r, int prime, int remainder, BN_CTX *pool)
{
    return BN_sub(r->less, r->at[prime], BN_value_one()) == 1 &&
           BN_cmp(r->at[remainder], r->less) < 0 &&
           is_inverse(r, r->at[RSA_E], r->at[remainder], r->less, pool) &&
           is_inverse(r, r->at[RSA_E], r->at[RSA_D], r->less, pool);
}

static const char *wrong_member(const struct rsa *r, BN_CTX *pool)
{
    if (BN_is_one(r->at[RSA_P]) || BN_is_one(r->at[RSA_Q]) ||
        BN_mul(r->product, r->at[RSA_P], r->at[RSA_Q], pool) != 1 ||
        BN_cmp(r->product, r->at[RSA_N]) != 0)
        return "p";
    if (BN_cmp(r->at[RSA_D], r->at[RSA_N]) >= 0)
        return "d";
    if (!exponents_fit(r, RSA_P, RSA_DP, pool))
        return "dp";
    if (!exponents_fit(r, RSA_Q, RSA_DQ, pool))
        return "dq";
    if (BN_cmp(r->at[RSA_QI], r->at[RSA_P]) >= 0 ||
        !is_inverse(r, r->at[RSA_Q], r->at[RSA_QI], r->at[RSA_P], pool))
        return "qi";
    return NULL;
}

enum tok_err key_rules_pair(const struct alg *alg, const struct key_parts *parts,
                            struct errmsg *errmsg)
{
    CLEANUP(cleanup_bn_ctx) BN_CTX *pool = NULL;
    const char *wrong;
    struct rsa rsa;

    if (alg->kind != ALG_RSA)
        return TOK_OK;
    pool = BN_CTX_secure_new();
    if (!pool)
        return TOK_NO_MEMORY;
    BN_CTX_start(pool);
    if (!read_rsa(pool, parts, &rsa)) {
        BN_CTX_end(pool);
        return TOK_CRYPTO;
    }
    wrong = wrong_member(&rsa, pool);
    BN_CTX_end(pool);
    if (wrong)
        return errmsg_set(errmsg, TOK_KEYS, "%s: does not fit the other numbers of the key",
                          wrong);
    return TOK_OK;
}
