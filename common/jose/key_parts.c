#include "common/jose/key_parts.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <string.h>

DEFINE_CLEANUP(OSSL_PARAM_BLD *, cleanup_bld, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(OSSL_PARAM *, cleanup_params, OSSL_PARAM_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, cleanup_pkey_ctx, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(BIGNUM *, cleanup_bn, BN_clear_free)

#define POINT_MAX (1 + 2 * 66) /* an uncompressed point of P-521 */

const struct key_member *key_members(enum alg_kind kind)
{
    static const struct key_member members[][KEY_MEMBERS + 1] = {
        [ALG_OCT] = {[OCT_K] = {"k", NULL, true}},
        [ALG_RSA] = {[RSA_N] = {"n", OSSL_PKEY_PARAM_RSA_N, false},
                     [RSA_E] = {"e", OSSL_PKEY_PARAM_RSA_E, false},
                     [RSA_D] = {"d", OSSL_PKEY_PARAM_RSA_D, true},
                     [RSA_P] = {"p", OSSL_PKEY_PARAM_RSA_FACTOR1, true},
                     [RSA_Q] = {"q", OSSL_PKEY_PARAM_RSA_FACTOR2, true},
                     [RSA_DP] = {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1, true},
                     [RSA_DQ] = {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2, true},
                     [RSA_QI] = {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1, true}},
        [ALG_EC] = {[EC_X] = {"x", OSSL_PKEY_PARAM_EC_PUB_X, false},
                    [EC_Y] = {"y", OSSL_PKEY_PARAM_EC_PUB_Y, false},
                    [EC_D] = {"d", OSSL_PKEY_PARAM_PRIV_KEY, true}},
        [ALG_OKP] = {[OKP_X] = {"x", OSSL_PKEY_PARAM_PUB_KEY, false},
                     [OKP_D] = {"d", OSSL_PKEY_PARAM_PRIV_KEY, true}},
    };

    return members[kind];
}

void key_parts_clear(struct key_parts *parts)
{
    secret_clear(&parts->room);
    *parts = (struct key_parts){0};
}

/* Reads one number into the room of parts: in part_len bytes if the algorithm has one. */
static enum tok_err get_part(const EVP_PKEY *pkey, const struct alg *alg, const char *name,
                             struct key_parts *parts, struct slice *ret)
{
    CLEANUP(cleanup_bn) BIGNUM *bn = NULL;
    uint8_t *room = (uint8_t *)parts->room.p + parts->used;
    size_t left = parts->room.n - parts->used, n = alg->part_len;

    if (alg->kind == ALG_OKP) {
        if (EVP_PKEY_get_octet_string_param(pkey, name, room, left, &n) != 1)
            return TOK_CRYPTO;
    } else {
        if (EVP_PKEY_get_bn_param(pkey, name, &bn) != 1)
            return TOK_CRYPTO;
        if (n == 0)
            n = (size_t)BN_num_bytes(bn);
        if (n > left || BN_bn2binpad(bn, room, (int)n) < 0)
            return TOK_CRYPTO;
    }
    *ret = (struct slice){(const char *)room, n};
    parts->used += n;
    return TOK_OK;
}

enum tok_err key_parts_of_pkey(const EVP_PKEY *pkey, const struct alg *alg, enum key_part part,
                               struct key_parts *ret)
{
    CLEANUP(key_parts_clear) struct key_parts parts = {0};
    int size = EVP_PKEY_get_size(pkey);
    const struct key_member *members = key_members(alg->kind);
    enum tok_err err;

    if (size <= 0)
        return TOK_CRYPTO;
    /* No number is longer than a signature. */
    err = secret_alloc(KEY_MEMBERS * (size_t)size, &parts.room);
    if (err)
        return err;
    for (size_t i = 0; members[i].name; i++) {
        if (members[i].secret && part == KEY_PUBLIC)
            continue;
        err = get_part(pkey, alg, members[i].ossl, &parts, &parts.at[i]);
        if (err)
            return err;
    }
    *ret = parts;
    parts = (struct key_parts){0};
    return TOK_OK;
}

/* OSSL_PARAM_BLD refers to these until the parameters are made. */
struct pushed {
    BIGNUM *numbers[KEY_MEMBERS];
    uint8_t point[POINT_MAX];
};

static void pushed_free(struct pushed *pushed)
{
    for (size_t i = 0; i < KEY_MEMBERS; i++)
        BN_clear_free(pushed->numbers[i]);
}

/* The curve, and the point encoded as in SEC 1 2.3.3: libcrypto has no parameters for x and y.
 */
static bool push_point(OSSL_PARAM_BLD *bld, const struct alg *alg,
                       const struct key_parts *parts, uint8_t *bytes)
{
    size_t n = parts->at[EC_X].n;

    bytes[0] = POINT_CONVERSION_UNCOMPRESSED;
    memcpy(bytes + 1, parts->at[EC_X].p, n);
    memcpy(bytes + 1 + n, parts->at[EC_Y].p, n);
    return OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, alg->crv, 0) == 1 &&
           OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, bytes, 1 + 2 * n) ==
               1;
}

static bool push_member(OSSL_PARAM_BLD *bld, const struct alg *alg, const char *name,
                        struct slice bytes, BIGNUM **number)
{
    if (alg->kind == ALG_OKP)
        return OSSL_PARAM_BLD_push_octet_string(bld, name, bytes.p, bytes.n) == 1;
    *number = BN_bin2bn((const uint8_t *)bytes.p, (int)bytes.n, NULL);
    return *number && OSSL_PARAM_BLD_push_BN(bld, name, *number) == 1;
}

static bool push(OSSL_PARAM_BLD *bld, const struct alg *alg, const struct key_parts *parts,
                 struct pushed *pushed)
{
    const struct key_member *members = key_members(alg->kind);
    bool ok = alg->kind != ALG_EC || push_point(bld, alg, parts, pushed->point);

    for (size_t i = alg->kind == ALG_EC ? EC_D : 0; ok && members[i].name; i++)
        ok = !parts->at[i].n ||
             push_member(bld, alg, members[i].ossl, parts->at[i], &pushed->numbers[i]);
    return ok;
}

enum tok_err key_parts_to_pkey(OSSL_LIB_CTX *ctx, const struct alg *alg,
                               const struct key_parts *parts, EVP_PKEY **ret)
{
    CLEANUP(cleanup_bld) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    CLEANUP(cleanup_pkey_ctx)
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(ctx, alg->ossl, NULL);
    CLEANUP(cleanup_params) OSSL_PARAM *params = NULL;
    CLEANUP(pushed_free) struct pushed pushed = {0};
    EVP_PKEY *pkey = NULL;

    if (!bld || !maker || !push(bld, alg, parts, &pushed))
        return TOK_CRYPTO;
    params = OSSL_PARAM_BLD_to_param(bld);
    if (!params || EVP_PKEY_fromdata_init(maker) != 1)
        return TOK_CRYPTO;
    if (EVP_PKEY_fromdata(maker, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
        return TOK_KEYS;
    *ret = pkey;
    return TOK_OK;
}
