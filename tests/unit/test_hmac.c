#include "forge.h"

#include "keyset.h"
#include "policy.h"
#include "verify.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define SECRET_MAX 300
#define INPUT_MAX 300

/* Bytes without a pattern that a mix-up of two of them would not show. */
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

/* Secrets shorter than, as long as and longer than a block of the digest; inputs about a block.
 */
START_TEST(a_mac_is_libcryptos_for_every_length_of_secret_and_input)
{
    static const struct {
        const char *alg, *digest;
        size_t n;
    } rows[] = {{"HS256", "SHA256", 32}, {"HS384", "SHA384", 48}, {"HS512", "SHA512", 64}};
    const EVP_MD *digest = EVP_get_digestbyname(rows[_i].digest);
    char secret[SECRET_MAX], input[INPUT_MAX];

    fill(secret, sizeof(secret), 1);
    fill(input, sizeof(input), 2);
    for (size_t n = rows[_i].n; n <= SECRET_MAX; n += 1) {
        struct key *key = key_of(rows[_i].alg, (struct slice){secret, n});
        size_t m = n * 7 % INPUT_MAX;
        unsigned char want[64];
        unsigned want_n;
        char mac[64];

        ck_assert_ptr_nonnull(
            HMAC(digest, secret, (int)n, (const unsigned char *)input, m, want, &want_n));
        ck_assert_uint_eq(want_n, rows[_i].n);
        for (int twice = 0; twice < 2; twice++) {
            ck_assert_ok(key_sign(key, (struct slice){input, m}, mac));
            ck_assert_mem_eq(mac, want, want_n);
            ck_assert_ok(
                key_verify(key, (struct slice){input, m}, (struct slice){mac, want_n}));
        }
        key_free(key);
    }
}
END_TEST

/* A header found by its letters is judged as one that was read. */

#define OWN "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"rfc8037\"}"
#define READ "{\"kid\":\"rfc8037\",\"typ\":\"JWT\",\"alg\":\"EdDSA\"}"

static enum tok_err judge(const char *header, const char *word, const char *value)
{
    CLEANUP(cleanup_key) struct key *key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);
    CLEANUP(cleanup_keyset) struct keyset *keys = NULL;
    CLEANUP(policy_clear) struct policy policy;
    CLEANUP(cleanup_free)
    char *input = forge_input(text_slice(header), SLICE("{\"exp\":2,\"sub\":\"alice\"}"));
    char signature[64], letters[BASE64URL_LEN(64) + 1] = "", token[400], scratch[400];
    struct verify_ask ask = {.policy = &policy, .now = 1, .scratch = scratch};
    struct verify_result result;

    ck_assert_ok(policy_init(&policy));
    ck_assert_ok(policy_set(&policy, POLICY_WORDS, text_slice(word), text_slice(value), NULL));
    ck_assert_ok(keyset_parse(NULL, SLICE(RFC8037_PUBLIC), alg_set_default(), &keys, NULL));
    ck_assert_int_eq(
        keyset_find_header(keys, (struct slice){input, strchr(input, '.') - input}) != NULL,
        strcmp(header, OWN) == 0);
    ck_assert_ok(key_sign(key, text_slice(input), signature));
    base64url_encode((struct slice){signature, sizeof(signature)}, letters);
    (void)snprintf(token, sizeof(token), "%s.%s", input, letters);
    ask.token = text_slice(token);
    ask.keys = keys;
    ask.scratch_size = sizeof(scratch);
    return verify_token(&ask, &result);
}

START_TEST(a_header_is_judged_the_same_however_it_is_spelled)
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
        ck_assert_err(judge(OWN, rows[i].word, rows[i].value), rows[i].want);
        ck_assert_err(judge(READ, rows[i].word, rows[i].value), rows[i].want);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_header_is_judged_the_same_however_it_is_spelled};
    const struct unit_loop loops[] = {
        {a_mac_is_libcryptos_for_every_length_of_secret_and_input, 3}};

    return unit_run_all("hmac", tests, 1, loops, 1, NULL, NULL);
}
