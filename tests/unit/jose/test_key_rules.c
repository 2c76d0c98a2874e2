/* What numbers a key may have, each rule at its edge. */
#include "tests/unit/forge.h"

#include <json-c/json.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>

DEFINE_CLEANUP(BIGNUM *, cleanup_bn, BN_free)

static char *letters_of(const BIGNUM *number, int len)
{
    CLEANUP(cleanup_free) unsigned char *bytes = malloc((size_t)len + 1);
    char *letters = calloc(1, BASE64URL_LEN((size_t)len) + 1);

    ck_assert_ptr_nonnull(bytes);
    ck_assert_ptr_nonnull(letters);
    ck_assert_int_eq(BN_bn2binpad(number, bytes, len), len);
    base64url_encode((struct slice){(const char *)bytes, (size_t)len}, letters);
    return letters;
}

static enum tok_err read_text(const char *text, enum key_part part, const char *says,
                              struct key **ret)
{
    struct errmsg errmsg = {""};
    enum tok_err err = key_from_jwk(NULL, text_slice(text), part, ret, &errmsg);

    ck_assert_msg(!says || strstr(errmsg.text, says) == errmsg.text, "not '%s' but '%s'", says,
                  errmsg.text);
    return err;
}

/* RSA, public */

static enum tok_err read_rsa(const BIGNUM *n, const char *e, const char *says, struct key **ret)
{
    CLEANUP(cleanup_free) char *letters = letters_of(n, BN_num_bytes(n));
    CLEANUP(cleanup_free) char *jwk = NULL;

    ck_assert_int_gt(asprintf(&jwk,
                              "{\"kty\":\"RSA\",\"alg\":\"RS256\",\"n\":\"%s\",\"e\":\"%s\"}",
                              letters, e),
                     0);
    return read_text(jwk, KEY_PUBLIC, says, ret);
}

static bool has_small_factor(const BIGNUM *n)
{
    for (BN_ULONG divisor = 3; divisor < 1000; divisor += 2)
        if (BN_mod_word(n, divisor) == 0)
            return true;
    return false;
}

/* A number of exactly these bits that is step * k + 1, without small factors. */
static BIGNUM *modulus(int bits, const BIGNUM *step)
{
    BIGNUM *n = BN_new();
    BN_CTX *pool = BN_CTX_new();

    do {
        ck_assert_int_eq(
            BN_rand(n, bits - BN_num_bits(step) + 1, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY), 1);
        ck_assert_int_eq(BN_mul(n, n, step, pool), 1);
        ck_assert_int_eq(BN_add_word(n, 1), 1);
    } while (BN_num_bits(n) != bits || has_small_factor(n));
    BN_CTX_free(pool);
    return n;
}

static BIGNUM *plain_modulus(int bits)
{
    CLEANUP(cleanup_bn) BIGNUM *two = BN_new();

    ck_assert_int_eq(BN_set_word(two, 2), 1);
    return modulus(bits, two);
}

START_TEST(rsa_has_2048_to_8192_bits)
{
    static const struct {
        int bits;
        bool ok;
    } sizes[] = {{1024, false}, {2047, false}, {2048, true},  {2049, true},
                 {8191, true},  {8192, true},  {8193, false}, {16384, false}};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CLEANUP(cleanup_bn) BIGNUM *n = plain_modulus(sizes[i].bits);
        CLEANUP(cleanup_key) struct key *key = NULL;
        char zeros[KEY_SIGNATURE_MAX] = {0};

        ck_assert_err(read_rsa(n, "AQAB", sizes[i].ok ? NULL : "n: has ", &key),
                      sizes[i].ok ? TOK_OK : TOK_KEYS);
        if (!sizes[i].ok)
            continue;
        ck_assert_uint_eq(key_sig_len(key), (size_t)BN_num_bytes(n));
        ck_assert_err(key_verify(key, SLICE("x"), (struct slice){zeros, key_sig_len(key)}),
                      TOK_SIGNATURE);
    }
}
END_TEST

static bool has_odd_factor(const BIGNUM *n)
{
    for (BN_ULONG divisor = 3; divisor < 1000; divisor += 2)
        if (BN_mod_word(n, divisor) == 0)
            return true;
    return false;
}

START_TEST(an_even_modulus_or_one_with_a_small_factor_is_refused)
{
    CLEANUP(cleanup_bn) BIGNUM *n = plain_modulus(2048);
    CLEANUP(cleanup_bn) BIGNUM *odd = BN_dup(n);
    struct key *key = NULL;

    ck_assert_int_eq(BN_sub_word(n, 1), 1);
    while (has_odd_factor(n))
        ck_assert_int_eq(BN_sub_word(n, 2), 1);
    ck_assert_err(read_rsa(n, "AQAB", "n: has a small factor", &key), TOK_KEYS);
    ck_assert_int_eq(BN_sub_word(odd, 2 * BN_mod_word(odd, 7) * 4), 1); /* -r*8 = -r (mod 7) */
    ck_assert_uint_eq(BN_mod_word(odd, 7), 0);
    ck_assert_err(read_rsa(odd, "AQAB", "n: has a small factor", &key), TOK_KEYS);
    ck_assert_ptr_null(key);
}
END_TEST

/* n = 1 modulo each of the test's primes is a power of 65537 in each: the mark. */
START_TEST(the_mark_of_roca_is_refused)
{
    static const BN_ULONG primes[] = {11, 13, 17,  19,  37,  53,  61,  71, 73,
                                      79, 97, 103, 107, 109, 127, 151, 157};
    CLEANUP(cleanup_bn) BIGNUM *step = BN_new();
    struct key *key = NULL;

    ck_assert_int_eq(BN_set_word(step, 2), 1);
    for (size_t i = 0; i < sizeof(primes) / sizeof(primes[0]); i++)
        ck_assert_int_eq(BN_mul_word(step, primes[i]), 1);

    CLEANUP(cleanup_bn) BIGNUM *n = modulus(2048, step);

    ck_assert_err(read_rsa(n, "AQAB", "n: was made by a chip", &key), TOK_KEYS);
    /* The neighbour that is 3 modulo 11: {1, 10} are the powers there. */
    do
        ck_assert_int_eq(BN_add_word(n, 2), 1);
    while (has_small_factor(n) || BN_mod_word(n, 11) == 1 || BN_mod_word(n, 11) == 10);
    ck_assert_ok(read_rsa(n, "AQAB", NULL, &key));
    key_free(key);
}
END_TEST

START_TEST(the_exponent_is_odd_from_3_to_2_to_the_32)
{
    static const struct {
        const char *e;
        bool ok;
    } exponents[] = {
        {"", false},
        {"AA", false},
        {"AQ", false},
        {"Ag", false},
        {"Aw", true},
        {"BA", false},
        {"EQ", true},
        {"AQAB", true},
        {"AQAA", false},
        {"_____w", true},
        {"_____g", false},
        {"AQAAAAE", false},
        {"AAEAAQ", false} /* 65537 with a leading zero */,
        {"AQAB=", false},
    };
    CLEANUP(cleanup_bn) BIGNUM *n = plain_modulus(2048);

    for (size_t i = 0; i < sizeof(exponents) / sizeof(exponents[0]); i++) {
        CLEANUP(cleanup_key) struct key *key = NULL;

        ck_assert_err(read_rsa(n, exponents[i].e, exponents[i].ok ? NULL : "e: ", &key),
                      exponents[i].ok ? TOK_OK : TOK_KEYS);
    }
}
END_TEST

/* Private keys: each member but n and e changed in its last byte, or left out. */

static struct json_object *read_json(const char *name)
{
    size_t n;
    CLEANUP(cleanup_free) char *text = forge_data(name, &n);
    struct json_object *jwk = json_tokener_parse(text);

    ck_assert_ptr_nonnull(jwk);
    return jwk;
}

static void set(struct json_object *jwk, const char *name, const char *value)
{
    json_object_object_add(jwk, name, json_object_new_string(value));
}

static enum tok_err read_object(struct json_object *jwk, enum key_part part, const char *says)
{
    CLEANUP(cleanup_key) struct key *key = NULL;

    return read_text(json_object_to_json_string(jwk), part, says, &key);
}

/* Adds 2 to the number, or takes 2 away: never a letter that is not canonical. */
static void shift(struct json_object *jwk, const char *name)
{
    const char *old = json_object_get_string(json_object_object_get(jwk, name));
    unsigned char bytes[1024];
    char letters[BASE64URL_LEN(1024) + 1] = {0};
    size_t n;

    ck_assert_ok(base64url_decode(text_slice(old), bytes, sizeof(bytes), &n));
    bytes[n - 1] ^= 2;
    base64url_encode((struct slice){(const char *)bytes, n}, letters);
    set(jwk, name, letters);
}

START_TEST(the_numbers_of_a_private_key_belong_together)
{
    static const struct {
        const char *file, *alg, *member, *says;
    } cases[] = {
        {"rfc/rfc7515_A.2.jwk", "RS256", "d", "dp: does not fit"},
        {"rfc/rfc7515_A.2.jwk", "RS256", "p", "p: does not fit"},
        {"rfc/rfc7515_A.2.jwk", "PS512", "q", "p: does not fit"},
        {"rfc/rfc7515_A.2.jwk", "RS256", "dp", "dp: does not fit"},
        {"rfc/rfc7515_A.2.jwk", "RS256", "dq", "dq: does not fit"},
        {"rfc/rfc7515_A.2.jwk", "RS256", "qi", "qi: does not fit"},
        {"rfc/rfc7515_A.3.jwk", "ES256", "d", "d: does not belong"},
        {"rfc/rfc7515_A.3.jwk", "ES256", "x", "x, y: no point"},
        {"rfc/rfc7515_A.3.jwk", "ES256", "y", "x, y: no point"},
        {"rfc/rfc7515_A.4.jwk", "ES512", "d", "d: does not belong"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json_object *jwk = read_json(cases[i].file);
        char missing[32];

        set(jwk, "alg", cases[i].alg);
        ck_assert_ok(read_object(jwk, KEY_PRIVATE, NULL));
        ck_assert_err(read_object(jwk, KEY_PUBLIC, "d: a private key"), TOK_KEYS);
        shift(jwk, cases[i].member);
        ck_assert_err(read_object(jwk, KEY_PRIVATE, cases[i].says), TOK_KEYS);
        json_object_object_del(jwk, cases[i].member);
        (void)snprintf(missing, sizeof(missing), "%s: missing", cases[i].member);
        ck_assert_err(read_object(jwk, KEY_PRIVATE, missing), TOK_KEYS);
        json_object_put(jwk);
    }
}
END_TEST

/* A part of a private key is refused where a public one is asked, d or not. */
START_TEST(every_private_member_is_out_of_place_in_a_public_key)
{
    static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi"};
    struct json_object *jwk = read_json("rfc/rfc7638_3.1.jwk");

    set(jwk, "alg", "RS256");
    ck_assert_ok(read_object(jwk, KEY_PUBLIC, NULL));
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        set(jwk, members[i], "AQ");
        ck_assert_err(read_object(jwk, KEY_PUBLIC, members[i]), TOK_KEYS);
        json_object_object_del(jwk, members[i]);
    }
    set(jwk, "oth", "unknown members say nothing");
    ck_assert_ok(read_object(jwk, KEY_PUBLIC, NULL));
    json_object_put(jwk);
}
END_TEST

/* EC */

#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define P256(x, y) "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" x "\",\"y\":\"" y "\"}"
#define ZERO "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

START_TEST(a_point_is_on_its_curve_and_of_its_width)
{
    static const struct {
        const char *jwk, *says;
    } wrong[] = {
        {P256(EC_Y, EC_X), "x, y: no point"},
        {P256(EC_X, EC_X), "x, y: no point"},
        {P256(ZERO, ZERO), "x, y: no point"},
        {P256("", ""), "x: must be"},
        {P256(EC_X "AA", EC_Y), "x: must be"},
        {P256("zc4ncPbEXUGDy-5v20t7WAczNXvp7xO6z248e9FURQ", EC_Y), "x: must be"},
        {P256(EC_X, "AA" EC_Y), "y: must be"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\"}", "y: missing"},
        {"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
         "x: must be 64"},
    };
    CLEANUP(cleanup_key) struct key *key = NULL;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_err(read_text(wrong[i].jwk, KEY_PUBLIC, wrong[i].says, &key), TOK_KEYS);
    ck_assert_ptr_null(key);
    ck_assert_ok(read_text(P256(EC_X, EC_Y), KEY_PUBLIC, NULL, &key));
}
END_TEST

/* P-521 has seven bits to spare: x + p is the same number to a careless reader. */
START_TEST(a_coordinate_is_below_its_prime)
{
    struct json_object *jwk = read_json("rfc/rfc7515_A.4.jwk");
    const char *old = json_object_get_string(json_object_object_get(jwk, "x"));
    CLEANUP(cleanup_bn) BIGNUM *x = NULL;
    CLEANUP(cleanup_bn) BIGNUM *p = BN_new();
    unsigned char bytes[66];
    size_t n;

    json_object_object_del(jwk, "d");
    ck_assert_ok(base64url_decode(text_slice(old), bytes, sizeof(bytes), &n));
    x = BN_bin2bn(bytes, (int)n, NULL);
    ck_assert_int_eq(BN_lshift(p, BN_value_one(), 521), 1);
    ck_assert_int_eq(BN_sub_word(p, 1), 1);
    ck_assert_int_eq(BN_add(x, x, p), 1);

    CLEANUP(cleanup_free) char *letters = letters_of(x, 66);

    ck_assert_ok(read_object(jwk, KEY_PUBLIC, NULL));
    set(jwk, "x", letters);
    ck_assert_err(read_object(jwk, KEY_PUBLIC, "x, y: no point"), TOK_KEYS);
    json_object_put(jwk);
}
END_TEST

/* 0, the group's order, and d + order where it fits. */
START_TEST(a_private_number_is_in_its_groups_range)
{
    static const char *const wrong[] = {
        ZERO,
        "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE", /* n */
        "__________________________________________8",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct json_object *jwk = read_json("rfc/rfc7515_A.3.jwk");

        set(jwk, "d", wrong[i]);
        ck_assert_err(read_object(jwk, KEY_PRIVATE, NULL), TOK_KEYS);
        json_object_put(jwk);
    }
}
END_TEST

/* P-521 has room for d + order, which signs as d does: a second spelling. */
START_TEST(a_private_number_has_one_spelling)
{
    static const char order[] =
        "1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409";
    struct json_object *jwk = read_json("rfc/rfc7515_A.4.jwk");
    const char *old = json_object_get_string(json_object_object_get(jwk, "d"));
    CLEANUP(cleanup_bn) BIGNUM *d = NULL;
    CLEANUP(cleanup_bn) BIGNUM *n = NULL;
    unsigned char bytes[66];
    size_t len;

    ck_assert_ok(base64url_decode(text_slice(old), bytes, sizeof(bytes), &len));
    d = BN_bin2bn(bytes, (int)len, NULL);
    ck_assert_int_gt(BN_hex2bn(&n, order), 0);
    ck_assert_int_eq(BN_add(d, d, n), 1);

    CLEANUP(cleanup_free) char *letters = letters_of(d, 66);

    ck_assert_ok(read_object(jwk, KEY_PRIVATE, NULL));
    set(jwk, "d", letters);
    ck_assert_err(read_object(jwk, KEY_PRIVATE, "d: out of its curve's range"), TOK_KEYS);
    json_object_put(jwk);
}
END_TEST

/* HMAC */

START_TEST(a_secret_is_as_long_as_its_hash)
{
    static const struct {
        const char *alg;
        size_t least;
    } algs[] = {{"HS256", 32}, {"HS384", 48}, {"HS512", 64}};
    char bytes[KEY_SECRET_MAX + 1] = "not so random";

    for (size_t i = 0; i < 3; i++) {
        const size_t sizes[] = {
            0, 1, algs[i].least - 1, algs[i].least, KEY_SECRET_MAX, KEY_SECRET_MAX + 1};

        for (size_t k = 0; k < 6; k++) {
            bool ok = sizes[k] >= algs[i].least && sizes[k] <= KEY_SECRET_MAX;
            char letters[BASE64URL_LEN(KEY_SECRET_MAX + 1) + 1] = {0}, jwk[1600];
            CLEANUP(cleanup_key) struct key *key = NULL;

            base64url_encode((struct slice){bytes, sizes[k]}, letters);
            (void)snprintf(jwk, sizeof(jwk), "{\"kty\":\"oct\",\"alg\":\"%s\",\"k\":\"%s\"}",
                           algs[i].alg, letters);
            ck_assert_err(read_text(jwk, KEY_PUBLIC, ok ? NULL : "k: has ", &key),
                          ok ? TOK_OK : TOK_KEYS);
            ck_assert(!ok || key_sig_len(key) == algs[i].least);
        }
    }
}
END_TEST

UNIT_MAIN("key_rules", rsa_has_2048_to_8192_bits,
          an_even_modulus_or_one_with_a_small_factor_is_refused, the_mark_of_roca_is_refused,
          the_exponent_is_odd_from_3_to_2_to_the_32,
          the_numbers_of_a_private_key_belong_together,
          every_private_member_is_out_of_place_in_a_public_key,
          a_point_is_on_its_curve_and_of_its_width, a_coordinate_is_below_its_prime,
          a_private_number_is_in_its_groups_range, a_private_number_has_one_spelling,
          a_secret_is_as_long_as_its_hash)
