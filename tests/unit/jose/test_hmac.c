#include "tests/unit/forge.h"

#include "common/jose/keyset.h"
#include "common/token/policy.h"
#include "common/token/verify.h"
#include "tests/unit/wiped.h"

#include <openssl/evp.h>

#define SECRET_MAX 300
#define INPUT_MAX 300

/* Pseudo-random bytes, so that swapped bytes are noticed. */
static void fill(char *p, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        p[i] = (char)(seed >> 24);
    }
}

static struct key *key_of(const char *alg, struct slice secret)
{
    char letters[BASE64URL_LEN(SECRET_MAX) + 1] = "", jwk[600];

    base64url_encode(secret, letters);
    (void)snprintf(jwk, sizeof(jwk), "{\"kty\":\"oct\",\"alg\":\"%s\",\"k\":\"%s\"}", alg,
                   letters);
    return forge_key(jwk, KEY_PRIVATE);
}

struct hash {
    const char *alg, *digest;
    size_t n, block;
};

static const struct hash hashes[] = {
    {"HS256", "SHA256", 32, 64}, {"HS384", "SHA384", 48, 128}, {"HS512", "SHA512", 64, 128}};

/* Compares with libcrypto's one-shot MAC and verifies; twice, as a key is used again. The input
 * is in a block of its size, so that a sanitizer finds a read past it. */
static void check_mac(const struct hash *h, const struct key *key, struct slice secret,
                      struct slice bytes)
{
    CLEANUP(secret_clear) struct secret input = {0};
    unsigned char want[64];
    size_t want_n;
    char mac[64];

    ck_assert_ok(secret_copy(bytes, &input));
    ck_assert_ptr_nonnull(EVP_Q_mac(NULL, "HMAC", NULL, h->digest, NULL, secret.p, secret.n,
                                    (const unsigned char *)bytes.p, bytes.n, want, sizeof(want),
                                    &want_n));
    ck_assert_uint_eq(want_n, h->n);
    for (int twice = 0; twice < 2; twice++) {
        ck_assert_ok(key_sign(key, secret_slice(&input), mac));
        ck_assert_mem_eq(mac, want, want_n);
        ck_assert_ok(key_verify(key, secret_slice(&input), (struct slice){mac, want_n}));
        mac[want_n - 1] ^= 1;
        ck_assert_err(key_verify(key, secret_slice(&input), (struct slice){mac, want_n}),
                      TOK_SIGNATURE);
    }
}

START_TEST(a_mac_is_libcryptos_for_every_length_of_secret)
{
    const struct hash *h = &hashes[_i];
    char secret[SECRET_MAX], input[INPUT_MAX];

    fill(secret, sizeof(secret), 1);
    fill(input, sizeof(input), 2);
    for (size_t n = h->n; n <= SECRET_MAX; n++) {
        CLEANUP(cleanup_key) struct key *key = key_of(h->alg, (struct slice){secret, n});

        check_mac(h, key, (struct slice){secret, n}, (struct slice){input, n * 7 % INPUT_MAX});
    }
}
END_TEST

START_TEST(a_mac_is_libcryptos_for_every_length_of_input)
{
    const struct hash *h = &hashes[_i];
    const size_t secrets[] = {h->n, h->block - 1, h->block, h->block + 1, 2 * h->block + 1};
    char secret[SECRET_MAX], input[INPUT_MAX];

    fill(secret, sizeof(secret), 3);
    fill(input, sizeof(input), 4);
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        struct slice octets = {secret, secrets[i]};
        CLEANUP(cleanup_key) struct key *key = key_of(h->alg, octets);

        for (size_t n = 0; n <= INPUT_MAX; n++)
            check_mac(h, key, octets, (struct slice){input, n});
    }
}
END_TEST

START_TEST(a_mac_that_a_signature_was_compared_with_is_wiped)
{
    const struct hash *h = &hashes[_i];
    char secret[SECRET_MAX], input[INPUT_MAX], mac[64], wrong[64] = "";
    const struct slice octets = {secret, h->n}, bytes = {input, sizeof(input)};

    fill(secret, sizeof(secret), 5);
    fill(input, sizeof(input), 6);

    CLEANUP(cleanup_key) struct key *key = key_of(h->alg, octets);

    ck_assert_ok(key_sign(key, bytes, mac));
    wiped.wanted = (struct slice){mac, h->n};
    wiped.found = 0;
    ck_assert_err(key_verify(key, bytes, (struct slice){wrong, h->n}), TOK_SIGNATURE);
    ck_assert_uint_eq(wiped.found, 1);
}
END_TEST

#define OWN "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"rfc8037\"}"
#define READ "{\"kid\":\"rfc8037\",\"typ\":\"JWT\",\"alg\":\"EdDSA\"}"

static enum tok_err verify(const char *header, const char *word, const char *value)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);
    CLEANUP(cleanup_keyset) struct keyset *keys = NULL;
    CLEANUP(policy_clear) struct policy policy;
    CLEANUP(cleanup_free)
    char *input = forge_input(text_slice(header), SLICE("{\"exp\":2,\"sub\":\"alice\"}"));
    char signature[64], letters[BASE64URL_LEN(64) + 1] = "", token[400];
    CLEANUP(parsed_token_clear) struct parsed_token parsed = {0};
    struct verify_params ask = {.token = &parsed, .policy = &policy, .check.now = 1};
    struct verify_result result;

    ck_assert_ok(policy_init(&policy));
    ck_assert_ok(policy_set(&policy, text_slice(word), text_slice(value), NULL));
    ck_assert_ok(keyset_parse(NULL, SLICE(RFC8037_PUBLIC), alg_set_default(), &keys, NULL));
    ck_assert_ok(key_sign(key, text_slice(input), signature));
    base64url_encode((struct slice){signature, sizeof(signature)}, letters);
    (void)snprintf(token, sizeof(token), "%s.%s", input, letters);
    ck_assert_ok(token_parse(text_slice(token), &parsed));
    ask.keys = keys;
    return verify_token(&ask, &result, NULL);
}

START_TEST(a_header_is_checked_the_same_however_it_is_spelled)
{
    static const struct {
        const char *word, *value;
        enum tok_err want;
    } rows[] = {
        {"typ", "at+jwt", TOK_TYP},
        {"algorithms", "RS256", TOK_ALG},
        {"max_length", "50", TOK_TOO_LONG},
        {"require", "iat", TOK_MISSING},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_err(verify(OWN, rows[i].word, rows[i].value), rows[i].want);
        ck_assert_err(verify(READ, rows[i].word, rows[i].value), rows[i].want);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_header_is_checked_the_same_however_it_is_spelled};
    const struct unit_loop loops[] = {
        {a_mac_is_libcryptos_for_every_length_of_secret, 3},
        {a_mac_is_libcryptos_for_every_length_of_input, 3},
        {a_mac_that_a_signature_was_compared_with_is_wiped, 3},
    };

    return unit_run_all("hmac", tests, 1, loops, 3, NULL, NULL);
}
