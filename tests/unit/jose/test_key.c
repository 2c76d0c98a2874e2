#include "tests/unit/forge.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>

static const char rfc8037_input[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
static const char rfc8037_signature[] =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

static void decode(const char *letters, uint8_t *ret, size_t len)
{
    size_t n;

    ck_assert_ok(base64url_decode(text_slice(letters), ret, len, &n));
    ck_assert_uint_eq(n, len);
}

static struct slice bytes(const uint8_t *p, size_t n)
{
    return (struct slice){(const char *)p, n};
}

START_TEST(rfc8037_a4_is_signed_to_the_byte)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);
    uint8_t got[KEY_SIGNATURE_MAX], want[64];

    decode(rfc8037_signature, want, sizeof(want));
    ck_assert_ok(key_sign(key, text_slice(rfc8037_input), got));
    ck_assert_mem_eq(got, want, sizeof(want));
}
END_TEST

START_TEST(rfc8037_a5_is_verified_and_no_variation_of_it)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PUBLIC, KEY_PUBLIC);
    struct slice input = text_slice(rfc8037_input);
    uint8_t signature[64];

    decode(rfc8037_signature, signature, sizeof(signature));
    ck_assert_ok(key_verify(key, input, bytes(signature, 64)));
    for (size_t bit = 0; bit < 512; bit++) {
        signature[bit / 8] ^= (uint8_t)(1U << bit % 8);
        ck_assert_err(key_verify(key, input, bytes(signature, 64)), TOK_SIGNATURE);
        signature[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    input.n--;
    ck_assert_err(key_verify(key, input, bytes(signature, 64)), TOK_SIGNATURE);
    ck_assert_err(key_verify(key, (struct slice){"", 0}, bytes(signature, 64)), TOK_SIGNATURE);
}
END_TEST

START_TEST(rfc8037_a3_is_the_thumbprint)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PUBLIC, KEY_PUBLIC);
    char thumbprint[KEY_THUMBPRINT_LEN];

    ck_assert_ok(key_thumbprint(key, thumbprint));
    ck_assert_mem_eq(thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                     KEY_THUMBPRINT_LEN);
}
END_TEST

START_TEST(a_signature_has_one_length)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PUBLIC, KEY_PUBLIC);
    uint8_t signature[130] = {0};

    decode(rfc8037_signature, signature, 64);
    for (size_t n = 0; n <= sizeof(signature); n++)
        ck_assert_err(key_verify(key, text_slice(rfc8037_input), bytes(signature, n)),
                      n == 64 ? TOK_OK : TOK_SIGNATURE);
}
END_TEST

/* Without the check 0 <= S < L (RFC 8032 5.1.7), S + L would be a second signature. */
START_TEST(a_signature_has_one_encoding)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                      0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                      0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PUBLIC, KEY_PUBLIC);
    uint8_t signature[64];
    unsigned carry = 0;

    decode(rfc8037_signature, signature, sizeof(signature));
    for (size_t i = 0; i < 32; i++) {
        carry += signature[32 + i] + order[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    ck_assert_uint_eq(carry, 0);
    ck_assert_err(key_verify(key, text_slice(rfc8037_input), bytes(signature, 64)),
                  TOK_SIGNATURE);
}
END_TEST

static uint8_t *unhex(const char *hex, size_t *ret_n)
{
    size_t n = strlen(hex) / 2;
    uint8_t *out = calloc(1, n + 1);

    ck_assert_ptr_nonnull(out);
    for (size_t i = 0; i < n; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    *ret_n = n;
    return out;
}

/* Reads a JWK of this x. */
static enum tok_err read_point(const uint8_t x[32], struct key **ret)
{
    char letters[BASE64URL_LEN(32) + 1] = {0}, jwk[128];

    base64url_encode(bytes(x, 32), letters);
    (void)snprintf(jwk, sizeof(jwk), "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}",
                   letters);
    return key_from_jwk(NULL, text_slice(jwk), KEY_PUBLIC, ret, NULL);
}

/* The eight points of small order: y in hex, the low byte first. */
START_TEST(a_point_of_small_order_is_refused)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        /* x = 0 with a sign: not a valid encoding, but accepted by some readers */
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };

    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        struct key *key = NULL;
        size_t n;
        CLEANUP(cleanup_free) uint8_t *x = unhex(points[i], &n);

        ck_assert_err(read_point(x, &key), TOK_KEYS);
        ck_assert_ptr_null(key);
    }
}
END_TEST

START_TEST(a_y_of_p_or_more_is_refused)
{
    for (unsigned low = 0xec; low <= 0xff; low++)
        for (unsigned sign = 0; sign <= 0x80; sign += 0x80) {
            struct key *key = NULL;
            uint8_t x[32];

            memset(x, 0xff, sizeof(x));
            x[0] = (uint8_t)low;
            x[31] = (uint8_t)(0x7f | sign);
            ck_assert_err(read_point(x, &key), TOK_KEYS);
        }
}
END_TEST

/* Why the two tests above are needed: libcrypto accepts an empty signature of any message under
 * such a key. */
START_TEST(libcrypto_alone_would_accept_a_point_of_small_order)
{
    static const uint8_t identity[32] = {1};
    uint8_t signature[64] = {1};
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, identity, sizeof(identity));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    ck_assert_int_eq(EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL), 1);
    ck_assert_int_eq(EVP_DigestVerify(ctx, signature, 64, (const uint8_t *)"any", 3), 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(a_point_just_below_p_is_still_a_key)
{
    struct key *key = NULL;
    uint8_t x[32];

    memset(x, 0xff, sizeof(x));
    x[0] = 0xeb;
    x[31] = 0x7f;
    ck_assert_ok(read_point(x, &key));
    key_free(key);
}
END_TEST

START_TEST(a_public_key_gives_no_signature_and_no_private_part)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PUBLIC, KEY_PUBLIC);
    CLEANUP(secret_clear) struct secret text = {0};
    uint8_t signature[64] = {0}, untouched[64] = {0};

    ck_assert_err(key_sign(key, SLICE("x"), signature), TOK_KEYS);
    ck_assert_mem_eq(signature, untouched, sizeof(signature));
    ck_assert_err(key_private_jwk(key, &text), TOK_KEYS);
    ck_assert_ptr_null(text.p);
}
END_TEST

START_TEST(a_generated_key_is_new_and_named_after_its_thumbprint)
{
    CLEANUP(cleanup_key) struct key *a = NULL;
    CLEANUP(cleanup_key) struct key *b = NULL;
    char thumbprint[KEY_THUMBPRINT_LEN], signature[64];

    ck_assert_ok(key_generate(NULL, alg_find(SLICE("EdDSA")), &a));
    ck_assert_ok(key_generate(NULL, alg_find(SLICE("EdDSA")), &b));
    ck_assert(!slice_eq(key_kid(a), key_kid(b)));
    ck_assert_ok(key_thumbprint(a, thumbprint));
    ck_assert(slice_eq(key_kid(a), (struct slice){thumbprint, KEY_KID_LEN}));
    ck_assert_ok(key_sign(a, SLICE("x"), signature));
    ck_assert_ok(key_verify(a, SLICE("x"), (struct slice){signature, 64}));
    ck_assert_err(key_verify(b, SLICE("x"), (struct slice){signature, 64}), TOK_SIGNATURE);
}
END_TEST

START_TEST(a_private_libcrypto_context_is_enough_and_is_freed)
{
    OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
    CLEANUP(secret_clear) struct secret text = {0};
    struct key *key = NULL, *again = NULL;
    char signature[64], thumbprint[KEY_THUMBPRINT_LEN];

    ck_assert_ptr_nonnull(ctx);
    ck_assert_ok(key_generate(ctx, alg_find(SLICE("EdDSA")), &key));
    ck_assert_ok(key_private_jwk(key, &text));
    ck_assert_ok(key_from_jwk(ctx, secret_slice(&text), KEY_PRIVATE, &again, NULL));
    ck_assert_ok(key_sign(again, SLICE("x"), signature));
    ck_assert_ok(key_verify(key, SLICE("x"), (struct slice){signature, 64}));
    ck_assert_ok(key_thumbprint(key, thumbprint));
    key_free(key);
    key_free(again);
    OSSL_LIB_CTX_free(ctx);
}
END_TEST

START_TEST(errors_of_the_caller_stay_in_the_queue_and_ours_do_not)
{
    /* Not on the curve: libcrypto reports it. */
    static const char jwk[] =
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC8037_X "\",\"y\":\"" RFC8037_X "\"}";
    struct key *key = NULL;
    unsigned long before;

    ck_assert_err(key_from_jwk(NULL, text_slice(jwk), KEY_PUBLIC, &key, NULL), TOK_KEYS);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    ERR_raise(ERR_LIB_USER, 42);
    before = ERR_peek_error();
    ck_assert_err(key_from_jwk(NULL, text_slice(jwk), KEY_PUBLIC, &key, NULL), TOK_KEYS);
    ck_assert_uint_eq(ERR_get_error(), before);
    ck_assert_uint_eq(ERR_get_error(), 0);
    ck_assert_ptr_null(key);
}
END_TEST

static void *use_key(void *arg)
{
    const struct key *key = arg;
    uint8_t good[64], bad[64] = {0}, got[64];

    decode(rfc8037_signature, good, sizeof(good));
    for (int i = 0; i < 300; i++) {
        if (key_verify(key, text_slice(rfc8037_input), bytes(good, 64)) != TOK_OK ||
            key_verify(key, text_slice(rfc8037_input), bytes(bad, 64)) != TOK_SIGNATURE ||
            key_sign(key, text_slice(rfc8037_input), got) != TOK_OK ||
            memcmp(got, good, sizeof(good)) != 0)
            return arg;
    }
    return NULL;
}

START_TEST(two_threads_may_share_a_key)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);
    pthread_t thread;
    void *failed;

    ck_assert_int_eq(pthread_create(&thread, NULL, use_key, key), 0);
    ck_assert_ptr_null(use_key(key));
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
}
END_TEST

/* For each algorithm: its signature is accepted, and no other bytes, length or input. */
START_TEST(each_algorithm_accepts_its_own_signature_only)
{
    const struct alg *alg = alg_at((size_t)_i);
    CLEANUP(cleanup_key) struct key *key = NULL;
    uint8_t good[KEY_SIGNATURE_MAX + 1] = {0}, bad[KEY_SIGNATURE_MAX] = {0};
    size_t n;

    ck_assert_ok(key_generate(NULL, alg, &key));
    ck_assert(key_is_private(key));
    n = key_sig_len(key);
    ck_assert_uint_le(n, KEY_SIGNATURE_MAX);
    ck_assert_uint_eq(n, alg->sig_len ? alg->sig_len : KEY_RSA_BITS / 8);
    ck_assert_ok(key_sign(key, SLICE("x"), good));
    ck_assert_ok(key_verify(key, SLICE("x"), bytes(good, n)));
    ck_assert_err(key_verify(key, SLICE("y"), bytes(good, n)), TOK_SIGNATURE);
    ck_assert_err(key_verify(key, SLICE(""), bytes(good, n)), TOK_SIGNATURE);
    ck_assert_err(key_verify(key, SLICE("x"), bytes(good, n - 1)), TOK_SIGNATURE);
    ck_assert_err(key_verify(key, SLICE("x"), bytes(good, n + 1)), TOK_SIGNATURE);
    ck_assert_err(key_verify(key, SLICE("x"), bytes(good, 0)), TOK_SIGNATURE);
    ck_assert_err(key_verify(key, SLICE("x"), bytes(bad, n)), TOK_SIGNATURE);
    memset(bad, 0xff, n);
    ck_assert_err(key_verify(key, SLICE("x"), bytes(bad, n)), TOK_SIGNATURE);
    for (size_t i = 0; i < n; i++) {
        good[i] ^= (uint8_t)(1U << i % 8);
        ck_assert_err(key_verify(key, SLICE("x"), bytes(good, n)), TOK_SIGNATURE);
        good[i] ^= (uint8_t)(1U << i % 8);
    }
    ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

/* CVE-2022-21449: r or s of zero. r or s at or over the order would be a second encoding. */
START_TEST(ecdsa_refuses_numbers_out_of_range)
{
    static const char order[] =
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    CLEANUP(cleanup_key) struct key *key = NULL;
    size_t n;
    CLEANUP(cleanup_free) uint8_t *edge = unhex(order, &n);
    uint8_t signature[64], other[64];

    ck_assert_ok(key_generate(NULL, alg_find(SLICE("ES256")), &key));
    ck_assert_ok(key_sign(key, SLICE("x"), signature));
    for (size_t half = 0; half < 64; half += 32) {
        memcpy(other, signature, 64);
        memset(other + half, 0, 32);
        ck_assert_err(key_verify(key, SLICE("x"), bytes(other, 64)), TOK_SIGNATURE);
        memcpy(other + half, edge, 32);
        ck_assert_err(key_verify(key, SLICE("x"), bytes(other, 64)), TOK_SIGNATURE);
        memset(other + half, 0xff, 32);
        ck_assert_err(key_verify(key, SLICE("x"), bytes(other, 64)), TOK_SIGNATURE);
    }
}
END_TEST

/* Six keys of one modulus: a signature of one is refused by the others. */
START_TEST(rsa_keys_of_one_modulus_verify_their_own_algorithm_only)
{
    static const char *const names[] = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"};
    size_t n;
    CLEANUP(cleanup_free) char *jwk = forge_data("rfc/rfc7515_A.2.jwk", &n);
    struct key *keys[6] = {NULL};

    for (size_t i = 0; i < 6; i++)
        ck_assert_ok(key_read(
            &(struct key_reading){NULL, KEY_PRIVATE, alg_bit(alg_find(text_slice(names[i])))},
            (struct slice){jwk, n}, &keys[i], NULL));
    for (size_t i = 0; i < 36; i++) {
        uint8_t signature[KEY_SIGNATURE_MAX];

        ck_assert_ok(key_sign(keys[i / 6], SLICE("x"), signature));
        ck_assert_err(key_verify(keys[i % 6], SLICE("x"), bytes(signature, 256)),
                      i / 6 == i % 6 ? TOK_OK : TOK_SIGNATURE);
    }
    for (size_t i = 0; i < 6; i++)
        key_free(keys[i]);
}
END_TEST

struct pair_of_threads {
    const struct key *key;
    const uint8_t *good;
};

static void *use_any_key(void *arg)
{
    const struct pair_of_threads *p = arg;
    const struct key *key = p->key;
    uint8_t bad[KEY_SIGNATURE_MAX] = {1}, own[KEY_SIGNATURE_MAX];
    size_t n = key_sig_len(key);

    for (int i = 0; i < 40; i++)
        if (key_verify(key, SLICE("x"), bytes(p->good, n)) != TOK_OK ||
            key_verify(key, SLICE("x"), bytes(bad, n)) != TOK_SIGNATURE ||
            key_sign(key, SLICE("y"), own) != TOK_OK ||
            key_verify(key, SLICE("y"), bytes(own, n)) != TOK_OK)
            return arg;
    return NULL;
}

START_TEST(two_threads_may_share_a_key_of_any_pair)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    uint8_t good[KEY_SIGNATURE_MAX];
    struct pair_of_threads p;
    pthread_t thread;
    void *failed;

    if (alg_at((size_t)_i)->kind == ALG_OCT)
        return;
    ck_assert_ok(key_generate(NULL, alg_at((size_t)_i), &key));
    ck_assert_ok(key_sign(key, SLICE("x"), good));
    p = (struct pair_of_threads){key, good};
    ck_assert_int_eq(pthread_create(&thread, NULL, use_any_key, &p), 0);
    ck_assert_ptr_null(use_any_key(&p));
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
}
END_TEST

START_TEST(every_row_of_alg_fits_the_buffers)
{
    const struct alg *a;

    for (size_t i = 0; (a = alg_at(i)); i++) {
        ck_assert_uint_le(a->sig_len, KEY_SIGNATURE_MAX);
    }
}
END_TEST

#define N_ALGS 13

int main(void)
{
    const TTest *const tests[] = {rfc8037_a4_is_signed_to_the_byte,
                                  rfc8037_a5_is_verified_and_no_variation_of_it,
                                  rfc8037_a3_is_the_thumbprint,
                                  a_signature_has_one_length,
                                  a_signature_has_one_encoding,
                                  a_point_of_small_order_is_refused,
                                  a_y_of_p_or_more_is_refused,
                                  libcrypto_alone_would_accept_a_point_of_small_order,
                                  a_point_just_below_p_is_still_a_key,
                                  a_public_key_gives_no_signature_and_no_private_part,
                                  a_generated_key_is_new_and_named_after_its_thumbprint,
                                  a_private_libcrypto_context_is_enough_and_is_freed,
                                  errors_of_the_caller_stay_in_the_queue_and_ours_do_not,
                                  two_threads_may_share_a_key,
                                  ecdsa_refuses_numbers_out_of_range,
                                  rsa_keys_of_one_modulus_verify_their_own_algorithm_only,
                                  every_row_of_alg_fits_the_buffers};
    const struct unit_loop loops[] = {{each_algorithm_accepts_its_own_signature_only, N_ALGS},
                                      {two_threads_may_share_a_key_of_any_pair, N_ALGS}};

    return unit_run_all("key", tests, sizeof(tests) / sizeof(tests[0]), loops, 2, NULL, NULL);
}
