#include "verify.h"

#include "forge.h"
#include "issue.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <sys/stat.h>

#define NOW 1700000100
#define KID "rfc8037"
#define HEADER "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}"
#define TIMES "\"exp\":1700000900,\"iat\":1700000000"
#define REST                                                                                   \
    "\"token_type\":\"access\",\"sub\":\"alice\",\"iss\":\"https://host\",\"aud\":\"host\","   \
    "\"jti\":\"AY8BAgMEcAWAAAAAAAAAAA\""
#define PAYLOAD "{" TIMES "," REST ",\"sid\":\"SSSSSSSSSSSSSSSSSSSSSS\"}"

/* All that a check needs: one key that signs, its public half in a set, our policy. */
struct bench {
    struct key *key;
    struct keyset *keys;
    struct policy policy;
    char scratch[65536];
    struct verify_result result;
};

static struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct why why = {0};

    ck_assert_ptr_nonnull(b);
    b->key = forge_key(RFC8037_PRIVATE, KEY_PRIVATE);
    ck_assert_ok(
        keyset_parse(NULL, text_slice(RFC8037_PUBLIC), alg_set_default(), &b->keys, &why));
    ck_assert_ok(policy_init(&b->policy));
    ck_assert_ok(
        policy_set(&b->policy, POLICY_WORDS, SLICE("issuer"), SLICE("https://host"), &why));
    ck_assert_ok(policy_set(&b->policy, POLICY_WORDS, SLICE("audience"), SLICE("host"), &why));
    return b;
}

static void bench_free(struct bench **b)
{
    key_free((*b)->key);
    keyset_free((*b)->keys);
    policy_clear(&(*b)->policy);
    free(*b);
}

static void bench_keys(struct bench *b, const char *json)
{
    struct why why = {0};

    keyset_free(b->keys);
    b->keys = NULL;
    ck_assert_msg(keyset_parse(NULL, text_slice(json), alg_set_default(), &b->keys, &why) ==
                      TOK_OK,
                  "%s", why.text);
}

static struct verify_ask ask_of(struct bench *b, struct slice token)
{
    return (struct verify_ask){
        .token = token,
        .policy = &b->policy,
        .keys = b->keys,
        .now = NOW,
        .user = SLICE("alice"),
        .service = SLICE("sshd"),
        .scratch = b->scratch,
        .scratch_size = sizeof(b->scratch),
    };
}

static enum tok_err judge(struct bench *b, struct slice token)
{
    struct verify_ask ask = ask_of(b, token);

    return verify_token(&ask, &b->result);
}

/* A token with this header and payload, well signed, judged. */
static enum tok_err judge_forged(struct bench *b, const char *header, const char *payload)
{
    CLEANUP(cleanup_free)
    char *token = forge(b->key, text_slice(header), text_slice(payload));

    return judge(b, text_slice(token));
}

static char *good_token(const struct bench *b)
{
    return forge(b->key, SLICE(HEADER), SLICE(PAYLOAD));
}

START_TEST(a_good_token_is_taken_and_told_whole)
{
    CLEANUP(bench_free) struct bench *b = bench_new();

    ck_assert_ok(judge_forged(b, HEADER, PAYLOAD));
    ck_assert(b->result.authentic);
    ck_assert_str_eq(b->result.kid, KID);
    ck_assert_str_eq(b->result.user, "alice");
    ck_assert_str_eq(b->result.jti, "AY8BAgMEcAWAAAAAAAAAAA");
    ck_assert_str_eq(b->result.sid, "SSSSSSSSSSSSSSSSSSSSSS");
    ck_assert_int_eq(b->result.exp, 1700000900);
    ck_assert_int_eq(b->result.iat, 1700000000);
    ck_assert(slice_is(b->result.payload, PAYLOAD));
    ck_assert(scan_string_is(*b->result.claims.iss, SLICE("https://host")));
}
END_TEST

START_TEST(what_is_minted_is_taken)
{
    static const uint8_t id[ISSUE_ID_BYTES] = {1, 2, 3};
    static const char *const users[] = {"alice", "a", "x.y-z_0$"};
    char *one[] = {(char[]){"host"}, NULL};
    char *two[] = {(char[]){"other"}, (char[]){"host"}, NULL};
    CLEANUP(bench_free) struct bench *b = bench_new();

    for (size_t i = 0; i < 12; i++) {
        CLEANUP(secret_clear) struct secret token = {0};
        const struct issue_claims claims = {
            .names = {"sub", "token_type", "jti"},
            .token_type = "access",
            .exp = NOW + 1 + (int64_t)i,
            .iat = NOW - (int64_t)i,
            .jti = id,
            .sid = id,
            .user = users[i % 3],
            .issuer = "https://host",
            .audience = i % 2 ? one : two,
            .gen = i % 4 ? -1 : 5,
            .scope = i % 5 ? NULL : "pam:sshd pam:sudo",
        };
        struct verify_ask ask;

        ck_assert_ok(issue_token(b->key, &claims, 0, &token, NULL));
        ask = ask_of(b, secret_slice(&token));
        ask.user = text_slice(claims.user);
        ck_assert_ok(verify_token(&ask, &b->result));
        ck_assert_str_eq(b->result.user, claims.user);
        ck_assert_str_eq(b->result.jti, "AQIDAAAAAAAAAAAAAAAAAA");
        ck_assert_int_eq(b->result.exp, claims.exp);
        ck_assert_int_eq(b->result.iat, claims.iat);
        ck_assert(b->result.claims.has_gen == (claims.gen >= 0));
    }
}
END_TEST

START_TEST(each_wrong_claim_has_its_own_error)
{
    static const struct {
        const char *payload;
        enum tok_err err;
    } wrong[] = {
        {"[]", TOK_JSON},
        {"{" TIMES "," REST "} x", TOK_JSON},
        {"{" TIMES "," REST ",\"sub\":\"root\"}", TOK_JSON},
        {"{" TIMES "," REST ",\"\\u0073ub\":\"root\"}", TOK_JSON},
        {"{\"iat\":1700000000," REST "}", TOK_MISSING},
        {"{\"exp\":\"1700000900\",\"iat\":1700000000," REST "}", TOK_CLAIM_TYPE},
        {"{\"exp\":1e18,\"iat\":1700000000," REST "}", TOK_CLAIM_TYPE},
        {"{\"exp\":1.7e9,\"iat\":1700000000," REST "}", TOK_CLAIM_TYPE},
        {"{\"exp\":99999999999999999999,\"iat\":1700000000," REST "}", TOK_CLAIM_TYPE},
        {"{\"exp\":null,\"iat\":1700000000," REST "}", TOK_CLAIM_TYPE},
        {"{\"exp\":true,\"iat\":1700000000," REST "}", TOK_CLAIM_TYPE},
        {"{\"exp\":-1,\"iat\":-2," REST "}", TOK_EXPIRED},
        {"{\"exp\":1700000095,\"iat\":1700000000," REST "}", TOK_EXPIRED},
        {"{\"exp\":1700000095.99,\"iat\":1700000000," REST "}", TOK_EXPIRED},
        {"{" TIMES ",\"nbf\":1700000106," REST "}", TOK_NOT_YET},
        {"{" TIMES ",\"nbf\":1700000105.01," REST "}", TOK_NOT_YET},
        {"{" TIMES ",\"nbf\":\"1\"," REST "}", TOK_CLAIM_TYPE},
        {"{\"exp\":1700000900,\"iat\":1700000106," REST "}", TOK_NOT_YET},
        {"{\"exp\":1731536000,\"iat\":1700000000," REST "}", TOK_LIFETIME},
        {"{" TIMES ",\"token_type\":\"access\",\"sub\":\"alice\",\"iss\":\"https://other\","
         "\"aud\":\"host\"}",
         TOK_ISSUER},
        {"{" TIMES ",\"token_type\":\"access\",\"sub\":\"alice\",\"iss\":[\"https://host\"],"
         "\"aud\":\"host\"}",
         TOK_CLAIM_TYPE},
        {"{" TIMES ",\"token_type\":\"access\",\"sub\":\"alice\",\"aud\":\"host\"}",
         TOK_MISSING},
        {"{" TIMES ",\"token_type\":\"access\",\"iss\":\"https://host\",\"aud\":\"host\"}",
         TOK_MISSING},
        {"{" TIMES ",\"token_type\":\"access\",\"sub\":\"alice\",\"iss\":\"https://host\"}",
         TOK_MISSING},
        {"{" TIMES ",\"token_type\":\"access\",\"sub\":\"alice\",\"iss\":\"https://host\","
         "\"aud\":[\"other\"]}",
         TOK_AUDIENCE},
        {"{" TIMES ",\"token_type\":\"access\",\"sub\":\"alice\",\"iss\":\"https://host\","
         "\"aud\":[]}",
         TOK_AUDIENCE},
        {"{" TIMES ",\"token_type\":\"refresh\",\"sub\":\"alice\",\"iss\":\"https://host\","
         "\"aud\":\"host\"}",
         TOK_TYPE},
        {"{" TIMES ",\"sub\":\"alice\",\"iss\":\"https://host\",\"aud\":\"host\"}", TOK_TYPE},
        {"{" TIMES "," REST ",\"cnf\":{\"jkt\":\"x\"}}", TOK_BOUND},
        {"{" TIMES "," REST ",\"scope\":\"pam:sudo\"}", TOK_SCOPE},
        {"{" TIMES "," REST ",\"one_time\":true}", TOK_ONE_TIME},
        {"{" TIMES ",\"token_type\":\"access\",\"sub\":\"carol\",\"iss\":\"https://host\","
         "\"aud\":\"host\"}",
         TOK_USER},
        {"{" TIMES ",\"token_type\":\"access\",\"sub\":\"alice\\u0000\","
         "\"iss\":\"https://host\",\"aud\":\"host\"}",
         TOK_USER_NAME},
        {"{" TIMES "," REST ",\"sid\":1}", TOK_CLAIM_TYPE},
    };
    CLEANUP(bench_free) struct bench *b = bench_new();

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        enum tok_err err = judge_forged(b, HEADER, wrong[i].payload);

        ck_assert_msg(err == wrong[i].err, "%s: %s", wrong[i].payload, tok_err_word(err));
        ck_assert(b->result.authentic);
        ck_assert_str_eq(b->result.user, "");
    }
}
END_TEST

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
    CLEANUP(bench_free) struct bench *b = bench_new();

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        enum tok_err err = judge_forged(b, wrong[i].header, PAYLOAD);

        ck_assert_msg(err == wrong[i].err, "%s: %s", wrong[i].header, tok_err_word(err));
        ck_assert(!b->result.authentic);
        ck_assert_str_eq(b->result.jti, "");
    }
    ck_assert_ok(judge_forged(b, "{\"alg\":\"Ed25519\",\"kid\":\"" KID "\"}", PAYLOAD));
    ck_assert_ok(
        judge_forged(b, "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"" KID "\"}", PAYLOAD));
}
END_TEST

START_TEST(alg_none_without_signature_is_refused)
{
    static const char *const headers[] = {
        "{\"alg\":\"none\"}", "{\"alg\":\"None\",\"typ\":\"JWT\"}", "{\"alg\":\"\"}",
        "{\"alg\":\"nONE\",\"kid\":\"" KID "\"}"};
    CLEANUP(bench_free) struct bench *b = bench_new();

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        CLEANUP(cleanup_free)
        char *token = forge_with(text_slice(headers[i]), SLICE(PAYLOAD), (struct slice){"", 0});

        ck_assert_err(judge(b, text_slice(token)), TOK_ALG);
    }
}
END_TEST

/* CVE-2022-29217: the public key, which all know, as an HMAC secret. */
START_TEST(hs256_made_with_the_public_key_is_refused)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}";
    CLEANUP(bench_free) struct bench *b = bench_new();
    struct slice x = key_raw_public(b->key);
    const struct slice secrets[] = {x, SLICE(RFC8037_X), SLICE(RFC8037_PUBLIC)};

    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        CLEANUP(cleanup_free) char *input = forge_input(text_slice(header), SLICE(PAYLOAD));
        unsigned char mac[32];
        unsigned n = sizeof(mac);

        ck_assert_ptr_nonnull(HMAC(EVP_sha256(), secrets[i].p, (int)secrets[i].n,
                                   (const unsigned char *)input, strlen(input), mac, &n));

        CLEANUP(cleanup_free)
        char *token = forge_with(text_slice(header), SLICE(PAYLOAD),
                                 (struct slice){(const char *)mac, n});

        ck_assert_err(judge(b, text_slice(token)), TOK_ALG);
    }
}
END_TEST

/* CVE-2018-0114: a key that comes with the token is never asked. */
START_TEST(a_key_in_the_header_is_never_used)
{
    CLEANUP(cleanup_key) struct key *attacker = NULL;
    CLEANUP(cleanup_free) char *jwk = NULL;
    char header[512];
    CLEANUP(bench_free) struct bench *b = bench_new();

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

        ck_assert_err(judge(b, text_slice(token)), TOK_SIGNATURE);
        ck_assert(!b->result.authentic);
    }
}
END_TEST

START_TEST(every_flipped_bit_is_refused)
{
    CLEANUP(bench_free) struct bench *b = bench_new();
    CLEANUP(cleanup_free) char *token = good_token(b);
    struct slice text = text_slice(token);

    ck_assert_ok(judge(b, text));
    for (size_t i = 0; i < text.n; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            token[i] = (char)(token[i] ^ (1 << bit));
            ck_assert_msg(judge(b, text) != TOK_OK, "byte %zu bit %u", i, bit);
            ck_assert(!b->result.authentic);
            token[i] = (char)(token[i] ^ (1 << bit));
        }
    ck_assert_ok(judge(b, text));
}
END_TEST

/* Another letter in each place, so that header, payload and signature each reach their check.
 */
START_TEST(each_part_tampered_with_has_its_error)
{
    CLEANUP(bench_free) struct bench *b = bench_new();
    CLEANUP(cleanup_free) char *token = good_token(b);
    struct slice text = text_slice(token);
    struct jws jws;

    ck_assert_ok(jws_split(text, &jws));
    for (size_t i = 0; i < jws.payload.n; i++) {
        char *at = token + (jws.payload.p - token) + i;
        char was = *at;

        *at = was == 'A' ? 'B' : 'A';
        ck_assert_err(judge(b, text), TOK_SIGNATURE);
        *at = was;
    }
    for (size_t i = 0; i + 1 < jws.signature.n; i++) {
        char *at = token + (jws.signature.p - token) + i;
        char was = *at;

        *at = was == 'A' ? 'B' : 'A';
        ck_assert_err(judge(b, text), TOK_SIGNATURE);
        *at = was;
    }
    token[text.n - 1] = (char)(token[text.n - 1] + 1); /* stray bits in the last letter */
    ck_assert_err(judge(b, text), TOK_BASE64);
}
END_TEST

START_TEST(a_cut_token_is_refused_at_every_length)
{
    CLEANUP(bench_free) struct bench *b = bench_new();
    CLEANUP(cleanup_free) char *token = good_token(b);
    struct slice whole = text_slice(token);
    struct jws jws;

    ck_assert_ok(jws_split(whole, &jws));
    for (size_t n = 0; n < whole.n; n++) {
        enum tok_err want = n > jws.input.n ? TOK_SIGNATURE : TOK_MALFORMED;

        ck_assert_err(judge(b, (struct slice){token, n}), want);
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
        {{" ", 1}, {"", 0}, TOK_MALFORMED},  {{"Bearer ", 7}, {"", 0}, TOK_MALFORMED},
        {{"AAAA", 4}, {"", 0}, TOK_JSON},    {{"e30.", 4}, {"", 0}, TOK_MALFORMED},
        {{"A", 1}, {"", 0}, TOK_JSON},
    };
    CLEANUP(bench_free) struct bench *b = bench_new();
    CLEANUP(cleanup_free) char *token = good_token(b);

    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        char longer[2048];
        struct emit out = {.p = longer, .size = sizeof(longer)};
        enum tok_err err;

        emit_bytes(&out, more[i].before);
        emit_text(&out, token);
        emit_bytes(&out, more[i].after);
        err = judge(b, (struct slice){longer, out.n});
        ck_assert_msg(err == more[i].err, "%zu: %s", i, tok_err_word(err));
    }
}
END_TEST

START_TEST(junk_is_malformed)
{
    CLEANUP(bench_free) struct bench *b = bench_new();

    ck_assert_err(judge(b, (struct slice){NULL, 0}), TOK_MALFORMED);
    ck_assert_err(judge(b, SLICE("")), TOK_MALFORMED);
    ck_assert_err(judge(b, SLICE("correct horse battery staple")), TOK_MALFORMED);
    ck_assert_err(judge(b, SLICE("\b\n\r\177INCORRECT\b\n\r\177INC")), TOK_MALFORMED);
    ck_assert_err(judge(b, SLICE("..")), TOK_MALFORMED);
}
END_TEST

START_TEST(a_huge_token_is_refused_by_its_length_alone)
{
    CLEANUP(bench_free) struct bench *b = bench_new();
    size_t n = (size_t)16 * 1024 * 1024;
    CLEANUP(cleanup_free) char *huge = malloc(n);

    ck_assert_ptr_nonnull(huge);
    memset(huge, 'A', n);
    ck_assert_err(judge(b, (struct slice){huge, n}), TOK_TOO_LONG);
    ck_assert_err(judge(b, (struct slice){huge, b->policy.max_length + 1}), TOK_TOO_LONG);
    ck_assert_err(judge(b, (struct slice){huge, b->policy.max_length}), TOK_MALFORMED);
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
    char payload[4096] = "{" TIMES "," REST ",\"x\":";
    size_t at = strlen(payload);
    CLEANUP(bench_free) struct bench *b = bench_new();

    for (int i = 0; i < 31; i++)
        payload[at++] = '[';
    for (int i = 0; i < 31; i++)
        payload[at++] = ']';
    payload[at] = '}';
    ck_assert_ok(judge_forged(b, HEADER, payload));
    at = strlen("{" TIMES "," REST ",\"x\":");
    for (int i = 0; i < 32; i++)
        payload[at++] = '[';
    for (int i = 0; i < 32; i++)
        payload[at++] = ']';
    payload[at] = '}';
    ck_assert_err(judge_forged(b, HEADER, payload), TOK_JSON);
}
END_TEST

START_TEST(a_token_of_another_key_is_refused_under_this_kid)
{
    CLEANUP(cleanup_key) struct key *other = NULL;
    CLEANUP(cleanup_free) char *jwk = NULL;
    char set[1024];
    CLEANUP(bench_free) struct bench *b = bench_new();

    ck_assert_ok(key_generate(NULL, alg_find(SLICE("EdDSA")), &other));
    ck_assert_ok(key_public_jwk(other, &jwk));
    (void)snprintf(set, sizeof(set), "{\"keys\":[" RFC8037_PUBLIC ",%s]}", jwk);
    bench_keys(b, set);
    CLEANUP(cleanup_free) char *crossed = forge(other, SLICE(HEADER), SLICE(PAYLOAD));

    ck_assert_err(judge(b, text_slice(crossed)), TOK_SIGNATURE);
    ck_assert_str_eq(b->result.kid, KID);
    ck_assert_ok(judge_forged(b, HEADER, PAYLOAD));
}
END_TEST

/* n fresh keys without kid, and ours at place `at`; free it. */
static char *set_of(size_t n, size_t at)
{
    struct emit out = {.p = calloc(1, n * 256 + 256), .size = n * 256 + 255};

    ck_assert_ptr_nonnull(out.p);
    emit_text(&out, "{\"keys\":[");
    for (size_t i = 0; i < n; i++) {
        CLEANUP(cleanup_key) struct key *key = NULL;
        CLEANUP(cleanup_free) char *jwk = NULL;

        ck_assert_ok(key_generate(NULL, alg_find(SLICE("EdDSA")), &key));
        ck_assert_ok(key_public_jwk(key, &jwk));
        emit_text(&out, i ? "," : "");
        emit_text(&out, i == at ? RFC8037_PUBLIC : jwk);
    }
    emit_text(&out, "]}");
    return out.p;
}

START_TEST(without_kid_each_of_eight_keys_is_tried)
{
    static const char header[] = "{\"alg\":\"EdDSA\"}";
    CLEANUP(bench_free) struct bench *b = bench_new();

    for (size_t at = 0; at < 10; at++) {
        CLEANUP(cleanup_free) char *set = set_of(10, at);

        bench_keys(b, set);
        ck_assert_err(judge_forged(b, header, PAYLOAD), at < 8 ? TOK_OK : TOK_SIGNATURE);
        ck_assert_str_eq(b->result.kid, at < 8 ? KID : "");
    }
}
END_TEST

START_TEST(an_algorithm_the_policy_does_not_name_is_refused)
{
    CLEANUP(bench_free) struct bench *b = bench_new();

    b->policy.algorithms = 0;
    ck_assert_err(judge_forged(b, HEADER, PAYLOAD), TOK_ALG);
    ck_assert(!b->result.authentic);
}
END_TEST

START_TEST(a_payload_is_not_decoded_beyond_the_scratch)
{
    CLEANUP(bench_free) struct bench *b = bench_new();
    CLEANUP(cleanup_free) char *token = good_token(b);
    struct verify_ask ask = ask_of(b, text_slice(token));

    memset(b->scratch, '#', sizeof(b->scratch));
    ask.scratch_size = strlen(PAYLOAD) - 1;
    ck_assert_err(verify_token(&ask, &b->result), TOK_TOO_LONG);
    ck_assert_int_eq(b->scratch[strlen(PAYLOAD) - 1], '#');
    ask.scratch_size = strlen(PAYLOAD);
    ck_assert_ok(verify_token(&ask, &b->result));
    ck_assert_int_eq(b->scratch[strlen(PAYLOAD)], '#');
}
END_TEST

START_TEST(an_id_that_is_no_plain_word_stays_out_of_the_log)
{
    static const char *const ids[] = {"", "a b", "a\\nb", "a\\u0000", "\\u00e9", "x=y", "a.b"};
    char payload[512];
    CLEANUP(bench_free) struct bench *b = bench_new();

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        (void)snprintf(payload, sizeof(payload),
                       "{" TIMES ",\"token_type\":\"access\",\"sub\":\"alice\","
                       "\"iss\":\"https://host\",\"aud\":\"host\",\"jti\":\"%s\","
                       "\"sid\":\"%s\"}",
                       ids[i], ids[i]);
        ck_assert_ok(judge_forged(b, HEADER, payload));
        ck_assert_str_eq(b->result.jti, "");
        ck_assert_str_eq(b->result.sid, "");
    }
    for (size_t n = 64; n <= 65; n++) {
        char id[66] = {0};

        memset(id, 'i', n);
        (void)snprintf(payload, sizeof(payload),
                       "{" TIMES ",\"token_type\":\"access\",\"sub\":\"alice\","
                       "\"iss\":\"https://host\",\"aud\":\"host\",\"jti\":\"%s\"}",
                       id);
        ck_assert_ok(judge_forged(b, HEADER, payload));
        ck_assert_str_eq(b->result.jti, n == 64 ? id : "");
    }
}
END_TEST

/* A list of these sids, opened. */
static struct revoked open_list(const char *path, const char *sid)
{
    char line[REVOKED_LINE_LEN];
    struct revoked list;
    struct why why = {0};

    revoked_line(sid, 1700009999, line);
    ck_assert_ok(file_write(path, (struct slice){line, sizeof(line)}, 0644, &why));
    ck_assert_msg(revoked_open(path, FILE_OWN, &list, &why) == TOK_OK, "%s", why.text);
    return list;
}

START_TEST(an_ended_session_is_refused_and_another_is_not)
{
    char dir[] = "/tmp/verify-XXXXXX", path[64];
    CLEANUP(bench_free) struct bench *b = bench_new();
    CLEANUP(cleanup_free) char *token = good_token(b);
    CLEANUP(cleanup_free)
    char *escaped =
        forge(b->key, SLICE(HEADER),
              SLICE("{" TIMES "," REST ",\"sid\":\"\\u0053SSSSSSSSSSSSSSSSSSSSS\"}"));
    CLEANUP(cleanup_free)
    char *no_sid = forge(b->key, SLICE(HEADER), SLICE("{" TIMES "," REST "}"));
    struct verify_ask ask = ask_of(b, text_slice(token));
    struct revoked list;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/revoked", dir);
    list = open_list(path, "SSSSSSSSSSSSSSSSSSSSSS");
    ask.list = &list;
    ck_assert_err(verify_token(&ask, &b->result), TOK_REVOKED);
    ck_assert_str_eq(b->result.sid, "SSSSSSSSSSSSSSSSSSSSSS");
    ask.token = text_slice(escaped);
    ck_assert_err(verify_token(&ask, &b->result), TOK_REVOKED);
    ask.token = text_slice(no_sid);
    ck_assert_ok(verify_token(&ask, &b->result));
    revoked_close(&list);
    list = open_list(path, "TTTTTTTTTTTTTTTTTTTTTT");
    ask.token = text_slice(token);
    ck_assert_ok(verify_token(&ask, &b->result));
    revoked_close(&list);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(a_list_that_cannot_be_read_is_never_not_revoked)
{
    CLEANUP(bench_free) struct bench *b = bench_new();
    CLEANUP(cleanup_free) char *token = good_token(b);
    struct verify_ask ask = ask_of(b, text_slice(token));
    const struct revoked closed = {.fd = -1, .size = REVOKED_LINE_LEN};

    ask.list = &closed;
    ck_assert_err(verify_token(&ask, &b->result), TOK_LIST);
}
END_TEST

START_TEST(no_user_and_no_service_mean_any)
{
    CLEANUP(bench_free) struct bench *b = bench_new();
    CLEANUP(cleanup_free) char *token = good_token(b);
    struct verify_ask ask = ask_of(b, text_slice(token));

    ask.user = (struct slice){NULL, 0};
    ask.service = (struct slice){NULL, 0};
    ck_assert_ok(verify_token(&ask, &b->result));
    ask.user = SLICE("");
    ck_assert_err(verify_token(&ask, &b->result), TOK_USER);
}
END_TEST

START_TEST(the_issuer_is_peeked_at_without_a_key)
{
    CLEANUP(bench_free) struct bench *b = bench_new();
    CLEANUP(cleanup_free)
    char *token = forge_with(SLICE("{}"), SLICE("{\"iss\":\"https:\\/\\/x\"}"), SLICE("s"));
    char iss[16];

    ck_assert_ok(verify_peek_issuer(text_slice(token), b->scratch, sizeof(b->scratch), iss,
                                    sizeof(iss)));
    ck_assert_str_eq(iss, "https://x");
    ck_assert_ok(
        verify_peek_issuer(text_slice(token), b->scratch, sizeof(b->scratch), iss, 10));
    memcpy(iss, "same", 5);
    ck_assert_err(verify_peek_issuer(text_slice(token), b->scratch, sizeof(b->scratch), iss, 9),
                  TOK_MALFORMED);
    ck_assert_err(verify_peek_issuer(text_slice(token), b->scratch, 4, iss, sizeof(iss)),
                  TOK_MALFORMED);
    ck_assert_str_eq(iss, "same");
}
END_TEST

START_TEST(no_issuer_is_peeked_out_of_a_faulty_token)
{
    const struct slice payloads[] = {
        SLICE(""),
        SLICE("{}"),
        SLICE("[]"),
        SLICE("{"),
        SLICE("{\"iss\":1}"),
        SLICE("{\"iss\":[\"x\"]}"),
        SLICE("\xff\xff"),
        SLICE("{\"iss\":\"x\\u0000y\"}"),
        SLICE("{\"iss\":\"x\",\"iss\":\"y\"}"),
    };
    CLEANUP(bench_free) struct bench *b = bench_new();
    char iss[64] = "same";

    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        CLEANUP(cleanup_free) char *token = forge_with(SLICE(HEADER), payloads[i], SLICE("s"));

        ck_assert_msg(verify_peek_issuer(text_slice(token), b->scratch, sizeof(b->scratch), iss,
                                         sizeof(iss)) == TOK_MALFORMED,
                      "%zu", i);
        ck_assert_str_eq(iss, "same");
    }
}
END_TEST

struct worker {
    const struct bench *shared;
    struct slice good, bad;
    bool failed;
};

static void *judge_often(void *arg)
{
    struct worker *w = arg;
    struct verify_result *result = malloc(sizeof(*result));
    char scratch[2048];
    struct verify_ask ask = {
        .policy = &w->shared->policy,
        .keys = w->shared->keys,
        .now = NOW,
        .scratch = scratch,
        .scratch_size = sizeof(scratch),
    };

    w->failed = !result;
    for (int i = 0; i < 200 && !w->failed; i++) {
        ask.token = i % 2 ? w->bad : w->good;
        w->failed = verify_token(&ask, result) != (i % 2 ? TOK_SIGNATURE : TOK_OK);
    }
    free(result);
    return NULL;
}

START_TEST(two_threads_may_share_keys_and_policy)
{
    CLEANUP(bench_free) struct bench *b = bench_new();
    CLEANUP(cleanup_free) char *good = good_token(b);
    char bad_signature[64] = {0};
    CLEANUP(cleanup_free)
    char *bad = forge_with(SLICE(HEADER), SLICE(PAYLOAD), (struct slice){bad_signature, 64});
    struct worker w[2];
    pthread_t threads[2];

    for (size_t i = 0; i < 2; i++) {
        w[i] = (struct worker){b, text_slice(good), text_slice(bad), false};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, judge_often, &w[i]), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert(!w[i].failed);
    }
}
END_TEST

UNIT_MAIN("verify", a_good_token_is_taken_and_told_whole, what_is_minted_is_taken,
          each_wrong_claim_has_its_own_error, a_wrong_header_is_refused_though_well_signed,
          alg_none_without_signature_is_refused, hs256_made_with_the_public_key_is_refused,
          a_key_in_the_header_is_never_used, every_flipped_bit_is_refused,
          each_part_tampered_with_has_its_error, a_cut_token_is_refused_at_every_length,
          a_lengthened_token_is_refused, junk_is_malformed,
          a_huge_token_is_refused_by_its_length_alone, deep_nesting_is_refused,
          a_token_of_another_key_is_refused_under_this_kid,
          without_kid_each_of_eight_keys_is_tried,
          an_algorithm_the_policy_does_not_name_is_refused,
          a_payload_is_not_decoded_beyond_the_scratch,
          an_id_that_is_no_plain_word_stays_out_of_the_log,
          an_ended_session_is_refused_and_another_is_not,
          a_list_that_cannot_be_read_is_never_not_revoked, no_user_and_no_service_mean_any,
          the_issuer_is_peeked_at_without_a_key, no_issuer_is_peeked_out_of_a_faulty_token,
          two_threads_may_share_keys_and_policy)
