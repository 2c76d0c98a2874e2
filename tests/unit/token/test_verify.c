#include "common/token/issue.h"
#include "tests/unit/attacks/trial.h"

#include <pthread.h>
#include <sys/stat.h>

START_TEST(a_valid_token_is_accepted_and_all_of_its_result_is_set)
{
    CLEANUP(trial_free) struct trial *b = trial_new();

    ck_assert_ok(verify_forged(b, HEADER, PAYLOAD));
    ck_assert(b->result.authentic);
    ck_assert_str_eq(b->result.kid, KID);
    ck_assert_str_eq(b->result.user, "alice");
    ck_assert_id(b->result.claims.jti, "AY8BAgMEcAWAAAAAAAAAAA");
    ck_assert_id(b->result.claims.sid, "SSSSSSSSSSSSSSSSSSSSSS");
    ck_assert_int_eq(b->result.exp, 1700000900);
    ck_assert_int_eq(b->result.iat, 1700000000);
    ck_assert(slice_is(b->result.payload, PAYLOAD));
    ck_assert(scan_string_is(*b->result.claims.iss, SLICE("https://host")));
}
END_TEST

START_TEST(an_issued_token_is_accepted)
{
    static const uint8_t id[ISSUE_ID_BYTES] = {1, 2, 3};
    static const char *const users[] = {"alice", "a", "x.y-z_0$"};
    char *one[] = {(char[]){"host"}, NULL};
    char *two[] = {(char[]){"other"}, (char[]){"host"}, NULL};
    CLEANUP(trial_free) struct trial *b = trial_new();

    for (size_t i = 0; i < 12; i++) {
        CLEANUP(secret_clear) struct secret token = {0};
        const struct issue_claims claims = {
            .names = {"sub", "token_type", "jti", NULL},
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
        struct verify_params ask;

        ck_assert_ok(issue_token(b->key, &claims, 0, &token));
        ask = ask_of(b, secret_slice(&token));
        ask.check.user = text_slice(claims.user);
        ck_assert_ok(verify_token(&ask, &b->result, NULL));
        ck_assert_str_eq(b->result.user, claims.user);
        ck_assert_id(b->result.claims.jti, "AQIDAAAAAAAAAAAAAAAAAA");
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
    CLEANUP(trial_free) struct trial *b = trial_new();

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        enum tok_err err = verify_forged(b, HEADER, wrong[i].payload);

        ck_assert_msg(err == wrong[i].err, "%s: %s", wrong[i].payload, tok_err_word(err));
        ck_assert(b->result.authentic);
        ck_assert_str_eq(b->result.user, "");
    }
}
END_TEST

START_TEST(a_token_of_another_key_is_refused_under_this_kid)
{
    CLEANUP(cleanup_key) struct key *other = NULL;
    CLEANUP(cleanup_free) char *jwk = NULL;
    char set[1024];
    CLEANUP(trial_free) struct trial *b = trial_new();

    ck_assert_ok(key_generate(NULL, alg_find(SLICE("EdDSA")), &other));
    ck_assert_ok(key_public_jwk(other, &jwk));
    (void)snprintf(set, sizeof(set), "{\"keys\":[" RFC8037_PUBLIC ",%s]}", jwk);
    trial_keys(b, set);
    CLEANUP(cleanup_free) char *crossed = forge(other, SLICE(HEADER), SLICE(PAYLOAD));

    ck_assert_err(verify(b, text_slice(crossed)), TOK_SIGNATURE);
    ck_assert_str_eq(b->result.kid, KID);
    ck_assert_ok(verify_forged(b, HEADER, PAYLOAD));
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
    CLEANUP(trial_free) struct trial *b = trial_new();

    for (size_t at = 0; at < 10; at++) {
        CLEANUP(cleanup_free) char *set = set_of(10, at);

        trial_keys(b, set);
        ck_assert_err(verify_forged(b, header, PAYLOAD), at < 8 ? TOK_OK : TOK_SIGNATURE);
        ck_assert_str_eq(b->result.kid, at < 8 ? KID : "");
    }
}
END_TEST

/* The signature holds, and the header says it is another algorithm's: ES256 of the same length
 * among them. */
START_TEST(a_header_that_names_another_algorithm_than_its_keys_is_refused)
{
    static const char *const names[] = {"ES256", "ES384", "RS256", "PS512", "HS256", "HS512"};
    CLEANUP(trial_free) struct trial *b = trial_new();

    b->policy.algorithms = ~(alg_set)0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char header[64];

        (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"" KID "\"}",
                       names[i]);
        ck_assert_err(verify_forged(b, header, PAYLOAD), TOK_ALG);
        ck_assert(!b->result.authentic);
    }
}
END_TEST

/* A key without kid may be meant by any; one that has another kid is not. */
/* RFC 9864 names Ed25519 what RFC 8037 calls EdDSA; it is the same signature. */
START_TEST(either_name_of_ed25519_is_accepted_in_tokens_and_keys)
{
    static const char *const names[] = {"EdDSA", "Ed25519", "Ed448", "ed25519"};

    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 2; k++) {
            CLEANUP(trial_free) struct trial *b = trial_new();
            char header[64], jwk[160];

            (void)snprintf(jwk, sizeof(jwk),
                           "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"%s\",\"kid\":\"k\","
                           "\"x\":\"" RFC8037_X "\"}",
                           names[k]);
            (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"k\"}", names[i]);
            trial_keys(b, jwk);
            ck_assert_err(verify_forged(b, header, PAYLOAD), i < 2 ? TOK_OK : TOK_ALG);
        }
}
END_TEST

START_TEST(an_unknown_kid_is_tried_on_nameless_keys_alone)
{
    CLEANUP(trial_free) struct trial *b = trial_new();
    static const char payload[] = PAYLOAD, header[] = "{\"alg\":\"EdDSA\",\"kid\":\"new\"}";
    static const char nameless[] =
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC8037_X "\"}";
    static const char other[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"PUAXw-"
                                "hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw\"}";
    char set[1024];

    ck_assert_err(verify_forged(b, header, payload), TOK_UNKNOWN_KEY);
    (void)snprintf(set, sizeof(set), "{\"keys\":[%s,%s]}", RFC8037_PUBLIC, other);
    trial_keys(b, set);
    ck_assert_err(verify_forged(b, header, payload), TOK_SIGNATURE);
    (void)snprintf(set, sizeof(set), "{\"keys\":[%s,%s]}", other, nameless);
    trial_keys(b, set);
    ck_assert_ok(verify_forged(b, header, payload));
    ck_assert_str_eq(b->result.kid, "");
}
END_TEST

START_TEST(an_algorithm_the_policy_does_not_name_is_refused)
{
    CLEANUP(trial_free) struct trial *b = trial_new();

    b->policy.algorithms = 0;
    ck_assert_err(verify_forged(b, HEADER, PAYLOAD), TOK_ALG);
    ck_assert(!b->result.authentic);
}
END_TEST

START_TEST(an_id_that_is_no_plain_word_stays_out_of_the_log)
{
    static const char *const ids[] = {"", "a b", "a\\nb", "a\\u0000", "\\u00e9", "x=y", "a.b"};
    char payload[512];
    CLEANUP(trial_free) struct trial *b = trial_new();

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        (void)snprintf(payload, sizeof(payload),
                       "{" TIMES ",\"token_type\":\"access\",\"sub\":\"alice\","
                       "\"iss\":\"https://host\",\"aud\":\"host\",\"jti\":\"%s\","
                       "\"sid\":\"%s\"}",
                       ids[i], ids[i]);
        ck_assert_ok(verify_forged(b, HEADER, payload));
        ck_assert_id(b->result.claims.jti, "");
        ck_assert_id(b->result.claims.sid, "");
    }
    for (size_t n = 64; n <= 65; n++) {
        char id[66] = {0};

        memset(id, 'i', n);
        (void)snprintf(payload, sizeof(payload),
                       "{" TIMES ",\"token_type\":\"access\",\"sub\":\"alice\","
                       "\"iss\":\"https://host\",\"aud\":\"host\",\"jti\":\"%s\"}",
                       id);
        ck_assert_ok(verify_forged(b, HEADER, payload));
        ck_assert_id(b->result.claims.jti, n == 64 ? id : "");
    }
}
END_TEST

/* A list of these sids, opened. */
static struct revoked open_list(const char *path, const char *sid)
{
    char line[REVOKED_LINE_LEN];
    struct revoked list;
    struct errmsg errmsg = {0};

    revoked_line(sid, 1700009999, line);
    ck_assert_ok(file_write(path, (struct slice){line, sizeof(line)}, 0644, &errmsg));
    ck_assert_msg(revoked_open(path, FILE_OWN, &list, &errmsg) == TOK_OK, "%s", errmsg.text);
    return list;
}

START_TEST(an_ended_session_is_refused_and_another_is_not)
{
    char dir[] = "/tmp/verify-XXXXXX", path[64];
    CLEANUP(trial_free) struct trial *b = trial_new();
    CLEANUP(cleanup_free) char *token = good_token(b);
    CLEANUP(cleanup_free)
    char *escaped =
        forge(b->key, SLICE(HEADER),
              SLICE("{" TIMES "," REST ",\"sid\":\"\\u0053SSSSSSSSSSSSSSSSSSSSS\"}"));
    CLEANUP(cleanup_free)
    char *no_sid = forge(b->key, SLICE(HEADER), SLICE("{" TIMES "," REST "}"));
    struct verify_params ask = ask_of(b, text_slice(token));
    struct revoked list;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/revoked", dir);
    list = open_list(path, "SSSSSSSSSSSSSSSSSSSSSS");
    ask.list = &list;
    ck_assert_err(verify_token(&ask, &b->result, NULL), TOK_REVOKED);
    ck_assert_id(b->result.claims.sid, "SSSSSSSSSSSSSSSSSSSSSS");
    ask.token = parsed_of(b, text_slice(escaped));
    ck_assert_err(verify_token(&ask, &b->result, NULL), TOK_REVOKED);
    ask.token = parsed_of(b, text_slice(no_sid));
    ck_assert_ok(verify_token(&ask, &b->result, NULL));
    revoked_close(&list);
    list = open_list(path, "TTTTTTTTTTTTTTTTTTTTTT");
    ask.token = parsed_of(b, text_slice(token));
    ck_assert_ok(verify_token(&ask, &b->result, NULL));
    revoked_close(&list);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(a_sid_of_another_length_is_not_revoked)
{
    CLEANUP(trial_free) struct trial *b = trial_new();
    static const char *const sids[] = {"", "short", "SSSSSSSSSSSSSSSSSSSSSSSS"};
    const struct revoked list = {.fd = -1, .size = REVOKED_LINE_LEN};

    for (size_t i = 0; i < sizeof(sids) / sizeof(sids[0]); i++) {
        char payload[512];
        CLEANUP(cleanup_free) char *token = NULL;
        struct verify_params ask;

        (void)snprintf(payload, sizeof(payload), "{" TIMES "," REST ",\"sid\":\"%s\"}",
                       sids[i]);
        token = forge(b->key, SLICE(HEADER), text_slice(payload));
        ask = ask_of(b, text_slice(token));
        ask.list = &list;
        ck_assert_ok(verify_token(&ask, &b->result, NULL));
    }
}
END_TEST

START_TEST(a_list_that_cannot_be_read_is_an_error)
{
    CLEANUP(trial_free) struct trial *b = trial_new();
    CLEANUP(cleanup_free) char *token = good_token(b);
    struct verify_params ask = ask_of(b, text_slice(token));
    const struct revoked closed = {.fd = -1, .size = REVOKED_LINE_LEN};

    ask.list = &closed;
    ck_assert_err(verify_token(&ask, &b->result, NULL), TOK_LIST);
}
END_TEST

START_TEST(no_user_and_no_service_mean_any)
{
    CLEANUP(trial_free) struct trial *b = trial_new();
    CLEANUP(cleanup_free) char *token = good_token(b);
    struct verify_params ask = ask_of(b, text_slice(token));

    ask.check.user = (struct slice){NULL, 0};
    ask.check.service = (struct slice){NULL, 0};
    ck_assert_ok(verify_token(&ask, &b->result, NULL));
    ask.check.user = SLICE("");
    ck_assert_err(verify_token(&ask, &b->result, NULL), TOK_USER);
}
END_TEST

struct worker {
    const struct trial *shared;
    const struct parsed_token *good, *bad;
    bool failed;
};

static void *verify_often(void *arg)
{
    struct worker *w = arg;
    struct verify_result *result = malloc(sizeof(*result));
    struct verify_params ask = {
        .policy = &w->shared->policy, .keys = w->shared->keys, .check.now = NOW};

    w->failed = !result;
    for (int i = 0; i < 200 && !w->failed; i++) {
        ask.token = i % 2 ? w->bad : w->good;
        w->failed = verify_token(&ask, result, NULL) != (i % 2 ? TOK_SIGNATURE : TOK_OK);
    }
    free(result);
    return NULL;
}

START_TEST(two_threads_may_share_keys_and_policy)
{
    CLEANUP(trial_free) struct trial *b = trial_new();
    CLEANUP(cleanup_free) char *good = good_token(b);
    char bad_signature[64] = {0};
    CLEANUP(cleanup_free)
    char *bad = forge_with(SLICE(HEADER), SLICE(PAYLOAD), (struct slice){bad_signature, 64});
    CLEANUP(parsed_token_clear) struct parsed_token parsed_bad = {0};
    CLEANUP(parsed_token_clear) struct parsed_token parsed_good = {0};
    struct worker w[2];
    pthread_t threads[2];

    ck_assert_ok(token_parse(text_slice(good), &parsed_good));
    ck_assert_ok(token_parse(text_slice(bad), &parsed_bad));
    for (size_t i = 0; i < 2; i++) {
        w[i] = (struct worker){b, &parsed_good, &parsed_bad, false};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, verify_often, &w[i]), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert(!w[i].failed);
    }
}
END_TEST

UNIT_MAIN("verify", a_valid_token_is_accepted_and_all_of_its_result_is_set,
          an_issued_token_is_accepted, each_wrong_claim_has_its_own_error,
          a_token_of_another_key_is_refused_under_this_kid,
          without_kid_each_of_eight_keys_is_tried,
          a_header_that_names_another_algorithm_than_its_keys_is_refused,
          either_name_of_ed25519_is_accepted_in_tokens_and_keys,
          an_unknown_kid_is_tried_on_nameless_keys_alone,
          an_algorithm_the_policy_does_not_name_is_refused,
          an_id_that_is_no_plain_word_stays_out_of_the_log,
          an_ended_session_is_refused_and_another_is_not,
          a_sid_of_another_length_is_not_revoked, a_list_that_cannot_be_read_is_an_error,
          no_user_and_no_service_mean_any, two_threads_may_share_keys_and_policy)
