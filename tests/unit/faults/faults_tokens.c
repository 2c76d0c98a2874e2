/* Tokens. */
#include "tests/unit/faults/faults_given.h"

#include "common/token/issue.h"
#include "tests/unit/attacks/trial.h"

#define SID "SSSSSSSSSSSSSSSSSSSSSS"

struct check {
    struct trial *trial;
    char *token;
    struct revoked list; /* .fd below 0: none */
    const char *user;
    int64_t now;
};

static enum tok_err check_token(const void *given, char *text)
{
    const struct check *c = given;
    CLEANUP(parsed_token_clear) struct parsed_token parsed = {0};
    const struct verify_params params = {
        .token = &parsed,
        .policy = &c->trial->policy,
        .keys = c->trial->keys,
        .list = c->list.fd < 0 ? NULL : &c->list,
        .check = {.now = c->now, .user = text_slice(c->user), .service = SLICE("sshd")},
    };
    struct verify_result *r = &c->trial->result;
    char sid[VERIFY_ID_MAX + 1];
    enum tok_err err = token_parse(text_slice(c->token), &parsed);

    if (err) {
        (void)faults_end();
        return err;
    }
    err = verify_token(&params, r, NULL);
    (void)faults_end();
    verify_id(r->claims.sid, sid);
    (void)snprintf(text, FAULTS_TEXT, "%d %s %s %s", r->authentic, r->kid, r->user, sid);
    return err;
}

/* A set of this one key, as a trial has it. */
static void use_key(struct trial *trial, const struct given *g)
{
    const char *jwk = g->public_jwk ? g->public_jwk : g->private_jwk.p;

    keyset_free(trial->keys);
    trial->keys = NULL;
    trial->policy.algorithms = EVERY_ALG;
    ck_assert_ok(keyset_parse(NULL, text_slice(jwk), EVERY_ALG, &trial->keys, NULL));
}

static char *make_token(const struct given *g, bool with_kid)
{
    struct slice kid = key_kid(g->key);
    char header[256];

    (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"%s%.*s%s}", g->alg->name,
                   with_kid ? ",\"kid\":\"" : "", with_kid ? (int)kid.n : 0, kid.p,
                   with_kid ? "\"" : "");
    return forge(g->key, text_slice(header), SLICE(PAYLOAD));
}

static void spoil(char *token)
{
    char *letter = strrchr(token, '.') + 10;

    *letter = *letter == 'A' ? 'B' : 'A';
}

typedef void try_fn(const char *what, faults_operation *operation, const void *given,
                    enum tok_err verdict);

static void check_both(struct given *g, try_fn *try)
{
    CLEANUP(trial_free) struct trial *trial = trial_new();
    struct check c = {.trial = trial, .list.fd = -1, .user = "alice", .now = NOW};
    char name[64];

    use_key(trial, g);
    for (int with_kid = 0; with_kid <= 1; with_kid++) {
        CLEANUP(cleanup_free) char *token = make_token(g, with_kid);

        c.token = token;
        (void)snprintf(name, sizeof(name), "a good token of %s", g->alg->name);
        try(name, check_token, &c, TOK_OK);
        spoil(token);
        (void)snprintf(name, sizeof(name), "a spoilt token of %s", g->alg->name);
        try(name, check_token, &c, TOK_SIGNATURE);
    }
}

static void check_tokens(struct given *g)
{
    check_both(g, faults_try);
}

START_TEST(a_fault_accepts_no_token_and_blames_none)
{
    given_of_each_alg(check_tokens);
}
END_TEST

static void check_tokens_inside(struct given *g)
{
    check_both(g, faults_try_inside);
}

START_TEST(memory_short_within_libcrypto_accepts_no_token)
{
    given_of_each_kind(check_tokens_inside);
}
END_TEST

START_TEST(a_fault_accepts_no_token_that_is_refused)
{
    CLEANUP(trial_free) struct trial *trial = trial_new();
    CLEANUP(cleanup_free) char *token = good_token(trial);
    char path[] = "/tmp/faults-XXXXXX";
    int fd = mkstemp(path);
    struct check c = {
        .trial = trial, .token = token, .list.fd = -1, .user = "alice", .now = NOW};

    ck_assert_int_ge(fd, 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(dprintf(fd, "%022d 1700000900\n", i), REVOKED_LINE_LEN);
    c.list = (struct revoked){.fd = fd, .size = 1000L * REVOKED_LINE_LEN};
    faults_try("not on the list", check_token, &c, TOK_OK);
    ck_assert_int_eq(dprintf(fd, SID " 1700000900\n"), REVOKED_LINE_LEN);
    c.list.size += REVOKED_LINE_LEN;
    faults_try("on the list", check_token, &c, TOK_REVOKED);
    c.list.fd = -1;
    c.user = "bob";
    faults_try("another's", check_token, &c, TOK_USER);
    c.user = "alice";
    c.now = NOW + 86400;
    faults_try("expired", check_token, &c, TOK_EXPIRED);
    (void)close(fd);
    (void)unlink(path);
}
END_TEST

/* Whatever secret_equal says is the verdict, on all bytes at once: nothing else looks. */
static void compare_macs(struct given *g)
{
    const struct slice text = SLICE("who compares?");
    char good[KEY_SIGNATURE_MAX], bad[KEY_SIGNATURE_MAX];
    size_t n = key_sig_len(g->key);
    struct fault_comparing done;

    if (g->alg->kind != ALG_OCT)
        return;
    ck_assert_ok(key_sign(g->key, text, good));
    for (size_t i = 0; i < n; i++)
        bad[i] = (char)~good[i];
    (void)faults_comparing(-1);
    ck_assert_ok(key_verify(g->key, text, (struct slice){good, n}));
    done = faults_comparing(0);
    ck_assert_uint_eq(done.calls, 1);
    ck_assert_uint_eq(done.n, n);
    ck_assert_err(key_verify(g->key, text, (struct slice){good, n}), TOK_SIGNATURE);
    (void)faults_comparing(1);
    ck_assert_ok(key_verify(g->key, text, (struct slice){bad, n}));
    (void)faults_comparing(-1);
    ck_assert_err(key_verify(g->key, text, (struct slice){bad, n}), TOK_SIGNATURE);
}

START_TEST(a_mac_is_compared_in_constant_time_alone)
{
    given_of_each_alg(compare_macs);
}
END_TEST

/* Claims that issue.c has no room for but what it asks for. */
static char *long_scope(void)
{
    char *scope = calloc(1, 2001);

    ck_assert_ptr_nonnull(scope);
    memset(scope, 'x', 2000);
    return scope;
}

static enum tok_err issue(const void *given, char *text)
{
    static const uint8_t id[ISSUE_ID_BYTES] = {1};
    static char host[] = "host";
    static char *audience[] = {host, NULL};
    const struct given *g = given;
    const struct issue_claims claims = {
        .names = {"sub", "token_type", "jti", NULL},
        .token_type = "access",
        .exp = 1700000900,
        .iat = 1700000000,
        .jti = id,
        .sid = id,
        .user = "alice",
        .issuer = "https://host",
        .audience = audience,
        .gen = 1,
        .scope = g->scope,
    };
    CLEANUP(secret_clear) struct secret token = {0};
    CLEANUP(secret_clear) struct secret signature = {0};
    struct jws jws;
    enum tok_err err = issue_token(g->key, &claims, 0, &token);
    size_t n;

    (void)faults_end();
    if (err) {
        ck_assert_ptr_null(token.p);
        return err;
    }
    ck_assert_ok(jws_split(secret_slice(&token), &jws));
    ck_assert_ok(secret_alloc(key_sig_len(g->key), &signature));
    ck_assert_ok(base64url_decode(jws.signature, signature.p, signature.n, &n));
    ck_assert_ok(key_verify(g->key, jws.input, secret_slice(&signature)));
    (void)snprintf(text, FAULTS_TEXT, "%.*s", (int)jws.input.n, jws.input.p);
    return err;
}

static void issue_one(struct given *g)
{
    faults_try("issue_token", issue, g, TOK_OK);
    g->scope = long_scope();
    faults_try("issue_token of long claims", issue, g, TOK_OK);
    free(g->scope);
    g->scope = NULL;
}

START_TEST(a_token_is_minted_whole_or_not)
{
    given_of_each_alg(issue_one);
}
END_TEST

size_t faults_token_tests(const TTest *ret[FAULTS_TESTS])
{
    const TTest *const tests[] = {
        a_fault_accepts_no_token_and_blames_none,
        memory_short_within_libcrypto_accepts_no_token,
        a_fault_accepts_no_token_that_is_refused,
        a_token_is_minted_whole_or_not,
        a_mac_is_compared_in_constant_time_alone,
    };

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        ret[i] = tests[i];
    return sizeof(tests) / sizeof(tests[0]);
}
