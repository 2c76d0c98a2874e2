/* Signatures that are not the one that the key makes. */
#include "tests/unit/attacks/attack.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

DEFINE_CLEANUP(BIGNUM *, cleanup_bn, BN_free)
DEFINE_CLEANUP(ECDSA_SIG *, cleanup_sig, ECDSA_SIG_free)

#define SIGNATURE_ROOM (KEY_SIGNATURE_MAX + 16)

/* A token of one algorithm and the bytes of its signature, to be bent. */
struct bent {
    const struct alg *alg;
    const struct keyset *keys;
    char header[HEADER_MAX];
    char *payload;
    char signature[SIGNATURE_ROOM];
    size_t n;
};

static void bent_sign(struct bent *b, const struct range *r)
{
    CLEANUP(cleanup_free)
    char *input = forge_input(text_slice(b->header), text_slice(b->payload));
    const struct key *key = range_key(r, b->alg->name);

    ck_assert_ok(key_sign(key, text_slice(input), b->signature));
    b->n = key_sig_len(key);
}

static struct bent bent_new(const struct range *r, const char *alg, const char *more)
{
    struct bent b = {.alg = alg_find(text_slice(alg)), .payload = range_payload(NULL, more)};

    b.keys = b.alg->kind == ALG_OCT ? r->secrets : r->publics;
    (void)range_header(alg, b.header);
    bent_sign(&b, r);
    return b;
}

static void bent_free(struct bent *b)
{
    free(b->payload);
}

static void verify(struct range *r, const struct bent *b, const char *name, struct slice bytes,
                   enum tok_err want)
{
    CLEANUP(cleanup_free)
    char *token = forge_with(text_slice(b->header), text_slice(b->payload), bytes);

    attack(r, b->keys, b->alg->name, name, text_slice(token), want);
}

/* What stays of the signature, and how many bytes are laid before and behind it. */
enum keep { KEEP_ALL, KEEP_BUT_ONE, KEEP_HALF, KEEP_ONE, KEEP_NONE };

static const struct {
    const char *name;
    size_t before, after;
    int fill;
    enum keep keep;
} lengths[] = {
    {"a byte short", 0, 0, 0, KEEP_BUT_ONE},
    {"half of it", 0, 0, 0, KEEP_HALF},
    {"one byte of it", 0, 0, 0, KEEP_ONE},
    {"none of it", 0, 0, 0, KEEP_NONE},
    {"a zero byte more behind", 0, 1, 0, KEEP_ALL},
    {"a zero byte more in front", 1, 0, 0, KEEP_ALL},
    {"three bytes more", 0, 3, 0xff, KEEP_ALL},
    {"a zero byte in front for its last", 1, 0, 0, KEEP_BUT_ONE},
};

static size_t kept(enum keep keep, size_t n)
{
    switch (keep) {
    case KEEP_ALL:
        return n;
    case KEEP_BUT_ONE:
        return n - 1;
    case KEEP_HALF:
        return n / 2;
    case KEEP_ONE:
        return 1;
    case KEEP_NONE:
        return 0;
    }
    return 0;
}

static void check_length(struct range *r, const struct bent *b, size_t i)
{
    char bytes[SIGNATURE_ROOM];
    size_t n = kept(lengths[i].keep, b->n);

    memset(bytes, lengths[i].fill, sizeof(bytes));
    memcpy(bytes + lengths[i].before, b->signature, n);
    verify(r, b, lengths[i].name,
           (struct slice){bytes, lengths[i].before + n + lengths[i].after}, TOK_SIGNATURE);
}

static void verify_flipped(struct range *r, struct bent *b, const char *name, size_t at)
{
    b->signature[at] = (char)(b->signature[at] ^ 1);
    verify(r, b, name, (struct slice){b->signature, b->n}, TOK_SIGNATURE);
    b->signature[at] = (char)(b->signature[at] ^ 1);
}

void attack_lengths(struct range *r)
{
    char bytes[SIGNATURE_ROOM];

    for (size_t a = 0; a < ALGS; a++) {
        CLEANUP(bent_free) struct bent b = bent_new(r, alg_at(a)->name, NULL);

        verify(r, &b, "as it is", (struct slice){b.signature, b.n}, TOK_OK);
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
            check_length(r, &b, i);
        memset(bytes, 0, sizeof(bytes));
        verify(r, &b, "all zeros", (struct slice){bytes, b.n}, TOK_SIGNATURE);
        memset(bytes, 0xff, sizeof(bytes));
        verify(r, &b, "all ones", (struct slice){bytes, b.n}, TOK_SIGNATURE);
        verify_flipped(r, &b, "a bit of the first byte", 0);
        verify_flipped(r, &b, "a bit of the last byte", b.n - 1);
    }
}

static BIGNUM *number_of(const char *bytes, size_t n)
{
    BIGNUM *number = BN_bin2bn((const unsigned char *)bytes, (int)n, NULL);

    ck_assert_ptr_nonnull(number);
    return number;
}

/* The modulus of a key of the range. */
static BIGNUM *modulus_of(const struct range *r, const char *alg)
{
    CLEANUP(cleanup_free) char *jwk = range_jwk(range_key(r, alg), alg);
    const char *at = strstr(jwk, "\"n\":\"");
    char bytes[1024];
    size_t n;

    ck_assert_ptr_nonnull(at);
    at += strlen("\"n\":\"");
    ck_assert_ok(
        base64url_decode((struct slice){at, strcspn(at, "\"")}, bytes, sizeof(bytes), &n));
    return number_of(bytes, n);
}

static void check_number(struct range *r, const struct bent *b, const char *name,
                         const BIGNUM *number)
{
    char bytes[SIGNATURE_ROOM];

    ck_assert_int_eq(BN_bn2binpad(number, (unsigned char *)bytes, (int)b->n), (int)b->n);
    verify(r, b, name, (struct slice){bytes, b->n}, TOK_SIGNATURE);
}

/* A signature that stays as long as it is when the modulus is added. */
static struct bent small_signature(const struct range *r, const char *alg,
                                   const BIGNUM *modulus)
{
    for (int i = 0; i < 1000; i++) {
        char more[32];

        (void)snprintf(more, sizeof(more), "\"x\":%d", i);

        struct bent b = bent_new(r, alg, more);
        CLEANUP(cleanup_bn) BIGNUM *s = number_of(b.signature, b.n);

        ck_assert_int_eq(BN_add(s, s, modulus), 1);
        if ((size_t)BN_num_bytes(s) == b.n)
            return b;
        bent_free(&b);
    }
    ck_abort_msg("%s: no signature is small enough", alg);
    return (struct bent){0};
}

void attack_rsa(struct range *r)
{
    static const char *const algs[] = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"};

    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        CLEANUP(cleanup_bn) BIGNUM *n = modulus_of(r, algs[i]);
        CLEANUP(bent_free) struct bent b = small_signature(r, algs[i], n);
        CLEANUP(cleanup_bn) BIGNUM *s = number_of(b.signature, b.n);

        verify(r, &b, "as it is", (struct slice){b.signature, b.n}, TOK_OK);
        ck_assert_int_eq(BN_add(s, s, n), 1);
        check_number(r, &b, "the modulus added", s);
        check_number(r, &b, "the modulus itself", n);
        ck_assert_int_eq(BN_sub_word(n, 1), 1);
        check_number(r, &b, "one less than the modulus", n);
        check_number(r, &b, "one", BN_value_one());
        ck_assert_int_eq(BN_sub(s, n, s), 1);
        BN_set_negative(s, 0);
        check_number(r, &b, "the modulus less it", s);
    }
}

/* Values for r and s: 0, 1, the order, one less, one more, all ones, or what they were. */
enum value { ZERO, ONE, ORDER, ORDER_LESS_1, ORDER_AND_1, ONES, WAS, OTHER };

static const struct {
    const char *name;
    enum value r, s;
} ecdsa[] = {
    {"r 0", ZERO, WAS},
    {"s 0", WAS, ZERO},
    {"r 0, s 0", ZERO, ZERO},
    {"r 0, s 1", ZERO, ONE},
    {"r 1, s 0", ONE, ZERO},
    {"r 1, s 1", ONE, ONE},
    {"r the order", ORDER, WAS},
    {"s the order", WAS, ORDER},
    {"both the order", ORDER, ORDER},
    {"r 0, s the order", ZERO, ORDER},
    {"r the order, s 0", ORDER, ZERO},
    {"r 1, s the order", ONE, ORDER},
    {"r one less than the order", ORDER_LESS_1, WAS},
    {"s one less than the order", WAS, ORDER_LESS_1},
    {"r one more than the order", ORDER_AND_1, WAS},
    {"s one more than the order", WAS, ORDER_AND_1},
    {"r 1", ONE, WAS},
    {"s 1", WAS, ONE},
    {"r all ones", ONES, WAS},
    {"s all ones", WAS, ONES},
    {"r and s swapped", OTHER, OTHER},
    {"r twice", WAS, OTHER},
    {"s twice", OTHER, WAS},
};

/* The orders (FIPS 186-4 D.1.2), in hexadecimal. */
static const struct {
    const char *alg, *order;
} curves[] = {
    {"ES256", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"},
    {"ES384", "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf"
              "581a0db248b0a77aecec196accc52973"},
    {"ES512", "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
              "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"},
};

static void put_value(char *ret, size_t n, enum value value, const char *order, const char *was,
                      const char *other)
{
    BIGNUM *number = NULL;

    ck_assert_int_gt(BN_hex2bn(&number, order), 0);
    switch (value) {
    case ZERO:
        BN_zero(number);
        break;
    case ONE:
        ck_assert_int_eq(BN_one(number), 1);
        break;
    case ORDER:
        break;
    case ORDER_LESS_1:
        ck_assert_int_eq(BN_sub_word(number, 1), 1);
        break;
    case ORDER_AND_1:
        ck_assert_int_eq(BN_add_word(number, 1), 1);
        break;
    case ONES:
        memset(ret, 0xff, n);
        break;
    case WAS:
        memcpy(ret, was, n);
        break;
    case OTHER:
        memcpy(ret, other, n);
        break;
    }
    if (value < ONES)
        ck_assert_int_eq(BN_bn2binpad(number, (unsigned char *)ret, (int)n), (int)n);
    BN_free(number);
}

/* The signature as libcrypto and X.509 write it. */
static void check_der(struct range *r, const struct bent *b)
{
    CLEANUP(cleanup_sig) ECDSA_SIG *sig = ECDSA_SIG_new();
    unsigned char bytes[256] = {0};
    unsigned char *at = bytes;
    size_t half = b->n / 2;
    int n;

    ck_assert_ptr_nonnull(sig);
    ck_assert_int_eq(ECDSA_SIG_set0(sig, number_of(b->signature, half),
                                    number_of(b->signature + half, half)),
                     1);
    n = i2d_ECDSA_SIG(sig, &at);
    ck_assert_int_gt(n, 0);
    verify(r, b, "DER", (struct slice){(const char *)bytes, (size_t)n}, TOK_SIGNATURE);
    verify(r, b, "DER, cut to the length", (struct slice){(const char *)bytes, b->n},
           TOK_SIGNATURE);
}

void attack_ecdsa(struct range *r)
{
    for (size_t c = 0; c < sizeof(curves) / sizeof(curves[0]); c++) {
        CLEANUP(bent_free) struct bent b = bent_new(r, curves[c].alg, NULL);
        size_t half = b.n / 2;

        check_der(r, &b);
        for (size_t i = 0; i < sizeof(ecdsa) / sizeof(ecdsa[0]); i++) {
            char bytes[SIGNATURE_ROOM];

            put_value(bytes, half, ecdsa[i].r, curves[c].order, b.signature,
                      b.signature + half);
            put_value(bytes + half, half, ecdsa[i].s, curves[c].order, b.signature + half,
                      b.signature);
            verify(r, &b, ecdsa[i].name, (struct slice){bytes, b.n}, TOK_SIGNATURE);
        }
    }
}

/* Little-endian: the order L of the base point (RFC 8032 5.1). */
static const unsigned char order25519[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                             0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                             0xde, 0xf9, 0xde, 0x14, [31] = 0x10};

static void add_order(unsigned char s[32], unsigned times)
{
    for (; times > 0; times--) {
        unsigned carry = 0;

        for (size_t i = 0; i < 32; i++) {
            carry += (unsigned)s[i] + order25519[i];
            s[i] = (unsigned char)carry;
            carry >>= 8;
        }
    }
}

/* What R and S become: 32 bytes each, S plus so many orders. */
static const struct {
    const char *name;
    int first; /* R's first byte, the rest zero; -1: R as it was */
    int s;     /* likewise S; -1: as it was */
    unsigned orders;
} eddsa[] = {
    {"S and the order", -1, -1, 1},
    {"S and twice the order", -1, -1, 2},
    {"S and seven times the order", -1, -1, 7},
    {"S zero", -1, 0, 0},
    {"S the order", -1, 0, 1},
    {"S one", -1, 1, 0},
    {"R zero", 0, -1, 0},
    {"R the neutral point", 1, -1, 0},
    {"R the neutral point, S zero", 1, 0, 0},
    {"R the neutral point, S the order", 1, 0, 1},
    {"R zero, S zero", 0, 0, 0},
};

void attack_eddsa(struct range *r)
{
    CLEANUP(bent_free) struct bent b = bent_new(r, "EdDSA", NULL);

    for (size_t i = 0; i < sizeof(eddsa) / sizeof(eddsa[0]); i++) {
        unsigned char bytes[64] = {0};

        if (eddsa[i].first < 0)
            memcpy(bytes, b.signature, 32);
        else
            bytes[0] = (unsigned char)eddsa[i].first;
        if (eddsa[i].s < 0)
            memcpy(bytes + 32, b.signature + 32, 32);
        else
            bytes[32] = (unsigned char)eddsa[i].s;
        add_order(bytes + 32, eddsa[i].orders);
        verify(r, &b, eddsa[i].name, (struct slice){(const char *)bytes, sizeof(bytes)},
               TOK_SIGNATURE);
    }
    verify(r, &b, "as it is", (struct slice){b.signature, b.n}, TOK_OK);
}
