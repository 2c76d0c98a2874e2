/* Tokens as an attacker sends them, each with the one error it gets. */
#include "tests/unit/attacks/trial.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

START_TEST(a_wrong_header_is_refused_though_well_signed)
{
    static const struct {
        const char *header;
        enum tok_err err;
    } wrong[] = {
        {"{}", TOK_HEADER},
        {"{\"alg\":\"EdDSA\",\"alg\":\"EdDSA\"}", TOK_JSON},
        {"{\"alg\":\"none\",\"kid\":\"" KID "\"}", TOK_ALG},
        {"{\"alg\":\"NonE\",\"kid\":\"" KID "\"}", TOK_ALG},
        {"{\"alg\":\"HS256\",\"kid\":\"" KID "\"}", TOK_ALG},
        {"{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"crit\":[\"x\"],\"x\":1}", TOK_CRIT},
        {"{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"b64\":false}", TOK_UNSUPPORTED},
        {"{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"zip\":\"DEF\"}", TOK_UNSUPPORTED},
        {"{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"dpop+jwt\"}", TOK_TYP},
        {"{\"alg\":\"EdDSA\",\"kid\":\"" KID "x\"}", TOK_UNKNOWN_KEY},
        {"{\"alg\":\"EdDSA\",\"kid\":\"" KID "\\u0000\"}", TOK_UNKNOWN_KEY},
        {"{\"alg\":\"EdDSA\",\"kid\":\"\"}", TOK_UNKNOWN_KEY},
        {"{\"alg\":\"EdDSA\",\"kid\":7}", TOK_HEADER},
    };
    CLEANUP(trial_free) struct trial *b = trial_new();

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        enum tok_err err = verify_forged(b, wrong[i].header, PAYLOAD);

        ck_assert_msg(err == wrong[i].err, "%s: %s", wrong[i].header, tok_err_word(err));
        ck_assert(!b->result.authentic);
        ck_assert_id(b->result.claims.jti, "");
    }
    ck_assert_ok(verify_forged(b, "{\"alg\":\"Ed25519\",\"kid\":\"" KID "\"}", PAYLOAD));
    ck_assert_ok(verify_forged(b, "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"" KID "\"}",
                               PAYLOAD));
}
END_TEST

START_TEST(alg_none_without_signature_is_refused)
{
    static const char *const headers[] = {
        "{\"alg\":\"none\"}", "{\"alg\":\"None\",\"typ\":\"JWT\"}", "{\"alg\":\"\"}",
        "{\"alg\":\"nONE\",\"kid\":\"" KID "\"}"};
    CLEANUP(trial_free) struct trial *b = trial_new();

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        CLEANUP(cleanup_free)
        char *token = forge_with(text_slice(headers[i]), SLICE(PAYLOAD), (struct slice){"", 0});

        ck_assert_err(verify(b, text_slice(token)), TOK_ALG);
    }
}
END_TEST

/* CVE-2022-29217: the public key, which all know, as an HMAC secret. */
START_TEST(hs256_made_with_the_public_key_is_refused)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}";
    CLEANUP(trial_free) struct trial *b = trial_new();
    uint8_t bytes[32];
    size_t x_len;
    const struct slice x = {(const char *)bytes, sizeof(bytes)};
    const struct slice secrets[] = {x, SLICE(RFC8037_X), SLICE(RFC8037_PUBLIC)};

    ck_assert_ok(base64url_decode(SLICE(RFC8037_X), bytes, sizeof(bytes), &x_len));

    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        CLEANUP(cleanup_free) char *input = forge_input(text_slice(header), SLICE(PAYLOAD));
        unsigned char mac[32];
        unsigned n = sizeof(mac);

        ck_assert_ptr_nonnull(HMAC(EVP_sha256(), secrets[i].p, (int)secrets[i].n,
                                   (const unsigned char *)input, strlen(input), mac, &n));

        CLEANUP(cleanup_free)
        char *token = forge_with(text_slice(header), SLICE(PAYLOAD),
                                 (struct slice){(const char *)mac, n});

        ck_assert_err(verify(b, text_slice(token)), TOK_ALG);
    }
}
END_TEST

/* CVE-2018-0114: a key that comes with the token is never asked. */
START_TEST(a_key_in_the_header_is_never_used)
{
    CLEANUP(cleanup_key) struct key *attacker = NULL;
    CLEANUP(cleanup_free) char *jwk = NULL;
    char header[512];
    CLEANUP(trial_free) struct trial *b = trial_new();

    ck_assert_ok(key_generate(NULL, alg_find(SLICE("EdDSA")), &attacker));
    ck_assert_ok(key_public_jwk(attacker, &jwk));
    static const char *const forms[] = {
        "{\"alg\":\"EdDSA\",\"jwk\":%s}",
        "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"jwk\":%s,\"jku\":\"file:///tmp/x\"}",
        "{\"alg\":\"EdDSA\",\"x5u\":\"http://127.0.0.1/\",\"x5c\":[%s]}",
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(header, sizeof(header), forms[i], jwk);
#pragma GCC diagnostic pop
        CLEANUP(cleanup_free)
        char *token = forge(attacker, text_slice(header), SLICE(PAYLOAD));

        ck_assert_err(verify(b, text_slice(token)), TOK_SIGNATURE);
        ck_assert(!b->result.authentic);
    }
}
END_TEST

START_TEST(every_flipped_bit_is_refused)
{
    CLEANUP(trial_free) struct trial *b = trial_new();
    CLEANUP(cleanup_free) char *token = good_token(b);
    struct slice text = text_slice(token);

    ck_assert_ok(verify(b, text));
    for (size_t i = 0; i < text.n; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            token[i] = (char)(token[i] ^ (1 << bit));
            ck_assert_msg(verify(b, text) != TOK_OK, "byte %zu bit %u", i, bit);
            ck_assert(!b->result.authentic);
            token[i] = (char)(token[i] ^ (1 << bit));
        }
    ck_assert_ok(verify(b, text));
}
END_TEST

/* Another letter in each place, so that header, payload and signature each reach their check.
 */
START_TEST(each_part_tampered_with_has_its_error)
{
    CLEANUP(trial_free) struct trial *b = trial_new();
    CLEANUP(cleanup_free) char *token = good_token(b);
    struct slice text = text_slice(token);
    struct jws jws;

    ck_assert_ok(jws_split(text, &jws));
    for (size_t i = 0; i < jws.payload.n; i++) {
        char *at = token + (jws.payload.p - token) + i;
        char was = *at;

        *at = was == 'A' ? 'B' : 'A';
        ck_assert_err(verify(b, text), TOK_SIGNATURE);
        *at = was;
    }
    for (size_t i = 0; i + 1 < jws.signature.n; i++) {
        char *at = token + (jws.signature.p - token) + i;
        char was = *at;

        *at = was == 'A' ? 'B' : 'A';
        ck_assert_err(verify(b, text), TOK_SIGNATURE);
        *at = was;
    }
    token[text.n - 1] = (char)(token[text.n - 1] + 1); /* stray bits in the last letter */
    ck_assert_err(verify(b, text), TOK_BASE64);
}
END_TEST

START_TEST(a_cut_token_is_refused_at_every_length)
{
    CLEANUP(trial_free) struct trial *b = trial_new();
    CLEANUP(cleanup_free) char *token = good_token(b);
    struct slice whole = text_slice(token);
    struct jws jws;

    ck_assert_ok(jws_split(whole, &jws));
    for (size_t n = 0; n < whole.n; n++) {
        enum tok_err want = n > jws.input.n ? TOK_SIGNATURE : TOK_MALFORMED;

        ck_assert_err(verify(b, (struct slice){token, n}), want);
    }
}
END_TEST

START_TEST(a_lengthened_token_is_refused)
{
    static const struct {
        struct slice before, after;
        enum tok_err err;
    } more[] = {
        {{"", 0}, {"A", 1}, TOK_SIGNATURE},  {{"", 0}, {"AAAA", 4}, TOK_SIGNATURE},
        {{"", 0}, {"=", 1}, TOK_MALFORMED},  {{"", 0}, {"==", 2}, TOK_MALFORMED},
        {{"", 0}, {"\n", 1}, TOK_MALFORMED}, {{"", 0}, {"", 1}, TOK_MALFORMED},
        {{"", 0}, {".", 1}, TOK_MALFORMED},  {{"", 0}, {".e30", 4}, TOK_MALFORMED},
        {{" ", 1}, {"", 0}, TOK_PASTED},     {{"Bearer ", 7}, {"", 0}, TOK_PASTED},
        {{"AAAA", 4}, {"", 0}, TOK_JSON},    {{"e30.", 4}, {"", 0}, TOK_MALFORMED},
        {{"A", 1}, {"", 0}, TOK_JSON},
    };
    CLEANUP(trial_free) struct trial *b = trial_new();
    CLEANUP(cleanup_free) char *token = good_token(b);

    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        char longer[2048];
        struct emit out = {.p = longer, .size = sizeof(longer)};
        enum tok_err err;

        emit_bytes(&out, more[i].before);
        emit_text(&out, token);
        emit_bytes(&out, more[i].after);
        err = verify(b, (struct slice){longer, out.n});
        ck_assert_msg(err == more[i].err, "%zu: %s", i, tok_err_word(err));
    }
}
END_TEST

START_TEST(junk_is_malformed)
{
    CLEANUP(trial_free) struct trial *b = trial_new();

    ck_assert_err(verify(b, (struct slice){NULL, 0}), TOK_MALFORMED);
    ck_assert_err(verify(b, SLICE("")), TOK_MALFORMED);
    ck_assert_err(verify(b, SLICE("correct horse battery staple")), TOK_MALFORMED);
    ck_assert_err(verify(b, SLICE("\b\n\r\177INCORRECT\b\n\r\177INC")), TOK_MALFORMED);
    ck_assert_err(verify(b, SLICE("..")), TOK_MALFORMED);
}
END_TEST

START_TEST(a_huge_token_is_refused_by_its_length_alone)
{
    CLEANUP(trial_free) struct trial *b = trial_new();
    size_t n = (size_t)16 * 1024 * 1024;
    CLEANUP(cleanup_free) char *huge = malloc(n);

    ck_assert_ptr_nonnull(huge);
    memset(huge, 'A', n);
    ck_assert_err(verify(b, (struct slice){huge, n}), TOK_TOO_LONG);
    ck_assert_err(verify(b, (struct slice){huge, (size_t)b->policy.max_length + 1}),
                  TOK_TOO_LONG);
    ck_assert_err(verify(b, (struct slice){huge, (size_t)b->policy.max_length}), TOK_MALFORMED);
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
    char payload[4096] = "{" TIMES "," REST ",\"x\":";
    size_t at = strlen(payload);
    CLEANUP(trial_free) struct trial *b = trial_new();

    for (int i = 0; i < 31; i++)
        payload[at++] = '[';
    for (int i = 0; i < 31; i++)
        payload[at++] = ']';
    payload[at] = '}';
    ck_assert_ok(verify_forged(b, HEADER, payload));
    at = strlen("{" TIMES "," REST ",\"x\":");
    for (int i = 0; i < 32; i++)
        payload[at++] = '[';
    for (int i = 0; i < 32; i++)
        payload[at++] = ']';
    payload[at] = '}';
    ck_assert_err(verify_forged(b, HEADER, payload), TOK_JSON);
}
END_TEST

UNIT_MAIN("attack", a_wrong_header_is_refused_though_well_signed,
          alg_none_without_signature_is_refused, hs256_made_with_the_public_key_is_refused,
          a_key_in_the_header_is_never_used, every_flipped_bit_is_refused,
          each_part_tampered_with_has_its_error, a_cut_token_is_refused_at_every_length,
          a_lengthened_token_is_refused, junk_is_malformed,
          a_huge_token_is_refused_by_its_length_alone, deep_nesting_is_refused)
