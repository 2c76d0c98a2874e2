/* policy_check: claims whose signature was verified. */
#include "common/token/usermap.h"
#include "tests/unit/token/policy_unit.h"

#include <stdio.h>
#include <string.h>

/* The time is always 1000; the token is valid except for what a test changes. */

#define REST                                                                                   \
    "\"token_type\":\"access\",\"iss\":\"https://h\",\"aud\":[\"x\",\"h\"],\"sub\":\"alice\""
#define SHOWN 64 /* bytes of a value in a message */
#define GOOD "{" REST ",\"exp\":1900,\"iat\":1000}"

struct case_ {
    struct policy policy;
    const char *user, *service;
    const struct usermap *map;
    bool accept_one_time;
    enum tok_err (*host_key)(const char *files, struct slice key, struct errmsg *errmsg);
    int64_t now;
    char got[USER_NAME_MAX + 1];
    struct errmsg errmsg;
};

static struct case_ local(void)
{
    struct case_ c = {.now = 1000};

    ck_assert_ok(policy_init(&c.policy));
    set(&c.policy, "issuer", "https://h");
    set(&c.policy, "audience", "h,other");
    set(&c.policy, "leeway", "0");
    return c;
}

static void case_clear(struct case_ *c)
{
    policy_clear(&c->policy);
}

static enum tok_err check(struct case_ *c, const char *payload)
{
    const struct claims_names names = policy_claims_names(&c->policy);
    struct policy_params ask = {.now = c->now,
                                .map = c->map,
                                .accept_one_time = c->accept_one_time,
                                .host_key = c->host_key};
    struct claims *claims = calloc(1, sizeof(*claims));
    enum tok_err err;

    ck_assert_ptr_nonnull(claims);
    if (c->user)
        ask.user = slice_of(c->user);
    if (c->service)
        ask.service = slice_of(c->service);
    (void)snprintf(c->got, sizeof(c->got), "untouched");
    c->errmsg = (struct errmsg){""};
    err = claims_read(slice_of(payload), &names, claims, &c->errmsg);
    if (!err)
        err = policy_check(&c->policy, claims, &ask, c->got, &c->errmsg);
    free(claims);
    if (err)
        ck_assert_str_eq(c->got, "untouched");
    return err;
}

START_TEST(a_good_token_names_its_user)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_ok(check(&c, GOOD));
    ck_assert_str_eq(c.got, "alice");
    c.user = "alice";
    c.service = "sshd";
    ck_assert_ok(check(&c, GOOD));
}
END_TEST

START_TEST(each_required_claim_is_missed)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(check(&c, "{" REST ",\"iat\":1000}"), TOK_MISSING);
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900}"), TOK_MISSING);
    ck_assert_err(check(&c, "{\"token_type\":\"access\",\"aud\":\"h\",\"sub\":\"alice\","
                            "\"exp\":1900,\"iat\":1000}"),
                  TOK_MISSING);
    ck_assert_err(check(&c, "{\"token_type\":\"access\",\"iss\":\"https://h\","
                            "\"sub\":\"alice\",\"exp\":1900,\"iat\":1000}"),
                  TOK_MISSING);
    ck_assert_err(check(&c, "{\"token_type\":\"access\",\"iss\":\"https://h\",\"aud\":\"h\","
                            "\"exp\":1900,\"iat\":1000}"),
                  TOK_MISSING);
    set(&c.policy, "require", "jti,x");
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"jti\":\"1\"}"), TOK_MISSING);
    ck_assert_ok(check(&c, "{" REST ",\"exp\":1900,\"jti\":\"1\",\"x\":0}"));
}
END_TEST

START_TEST(exp_is_required_even_if_require_omits_it)
{
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "require", "sub");
    ck_assert_err(check(&c, "{" REST ",\"iat\":1000}"), TOK_MISSING);
}
END_TEST

START_TEST(null_is_a_wrong_type_or_an_absence)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(check(&c, "{" REST ",\"exp\":null,\"iat\":1000}"), TOK_CLAIM_TYPE);
    ck_assert_err(check(&c, "{\"token_type\":\"access\",\"iss\":\"https://h\",\"aud\":\"h\","
                            "\"sub\":null,\"exp\":1900,\"iat\":1000}"),
                  TOK_CLAIM_TYPE);
    set(&c.policy, "require", "x");
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"x\":null}"), TOK_MISSING);
}
END_TEST

START_TEST(exp_at_now_is_expired)
{
    CLEANUP(case_clear) struct case_ c = local();

    c.now = 1899;
    ck_assert_ok(check(&c, GOOD));
    c.now = 1900;
    ck_assert_err(check(&c, GOOD), TOK_EXPIRED);
    set(&c.policy, "leeway", "5s");
    ck_assert_ok(check(&c, GOOD));
    c.now = 1904;
    ck_assert_ok(check(&c, GOOD));
    c.now = 1905;
    ck_assert_err(check(&c, GOOD), TOK_EXPIRED);
    c.now = INT64_MAX;
    ck_assert_err(check(&c, GOOD), TOK_EXPIRED);
}
END_TEST

START_TEST(a_fraction_of_exp_is_cut)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(check(&c, "{" REST ",\"exp\":1000.9,\"iat\":900}"), TOK_EXPIRED);
    ck_assert_ok(check(&c, "{" REST ",\"exp\":1001.0,\"iat\":900}"));
}
END_TEST

START_TEST(nbf_and_iat_may_not_be_ahead)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_ok(check(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"nbf\":1000}"));
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"nbf\":1001}"), TOK_NOT_YET);
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"nbf\":1000.1}"),
                  TOK_NOT_YET);
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1001}"), TOK_NOT_YET);
    set(&c.policy, "leeway", "5s");
    ck_assert_ok(check(&c, "{" REST ",\"exp\":1900,\"iat\":1005,\"nbf\":1005}"));
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"nbf\":1006}"), TOK_NOT_YET);
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1006}"), TOK_NOT_YET);
    c.now = INT64_MIN;
    ck_assert_err(check(&c, GOOD), TOK_NOT_YET);
}
END_TEST

START_TEST(a_lifetime_has_its_limit)
{
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "max_lifetime", "900");
    ck_assert_ok(check(&c, GOOD));
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":999}"), TOK_LIFETIME);
    /* Without iat, what is left is all that is known of it. */
    set(&c.policy, "require", "sub");
    ck_assert_ok(check(&c, "{" REST ",\"exp\":1900}"));
    ck_assert_err(check(&c, "{" REST ",\"exp\":1901}"), TOK_LIFETIME);
    c.now = INT64_MIN;
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900}"), TOK_LIFETIME);
    c.now = 1000;
    ck_assert_err(check(&c, "{" REST ",\"exp\":9007199254740991,\"iat\":-9007199254740991}"),
                  TOK_LIFETIME);
}
END_TEST

START_TEST(another_issuer_is_refused)
{
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "issuer", "https://H");
    ck_assert_err(check(&c, GOOD), TOK_ISSUER);
    set(&c.policy, "issuer", "https://h/");
    ck_assert_err(check(&c, GOOD), TOK_ISSUER);
    set(&c.policy, "issuer", "https://");
    ck_assert_err(check(&c, GOOD), TOK_ISSUER);
    set(&c.policy, "issuer", "https://h");
    ck_assert_err(check(&c, "{\"token_type\":\"access\",\"iss\":\"https://h\\u0000\","
                            "\"aud\":\"h\",\"sub\":\"alice\",\"exp\":1900,\"iat\":1000}"),
                  TOK_ISSUER);
    ck_assert_ok(check(&c, "{\"token_type\":\"access\",\"iss\":\"https:\\/\\/h\","
                           "\"aud\":\"h\",\"sub\":\"alice\",\"exp\":1900,\"iat\":1000}"));
    set(&c.policy, "require", "sub");
    ck_assert_err(check(&c, "{\"token_type\":\"access\",\"aud\":\"h\",\"sub\":\"alice\","
                            "\"exp\":1900}"),
                  TOK_ISSUER);
}
END_TEST

START_TEST(an_unknown_issuer_or_audience_of_ours_refuses_everything)
{
    CLEANUP(case_clear) struct case_ c = local();
    char *issuer = c.policy.issuer;
    word_list audience = c.policy.audience;
    char empty[1] = "";
    char *none[] = {NULL}, *blank[] = {empty, NULL};

    c.policy.issuer = NULL;
    ck_assert_err(check(&c, GOOD), TOK_ISSUER);
    c.policy.issuer = empty;
    ck_assert_err(check(&c, "{\"token_type\":\"access\",\"iss\":\"\",\"aud\":\"h\","
                            "\"sub\":\"alice\",\"exp\":1900,\"iat\":1000}"),
                  TOK_ISSUER);
    c.policy.issuer = issuer;
    c.policy.audience = NULL;
    ck_assert_err(check(&c, GOOD), TOK_AUDIENCE);
    c.policy.audience = none;
    ck_assert_err(check(&c, GOOD), TOK_AUDIENCE);
    c.policy.audience = blank;
    ck_assert_err(check(&c, "{\"token_type\":\"access\",\"iss\":\"https://h\",\"aud\":\"\","
                            "\"sub\":\"alice\",\"exp\":1900,\"iat\":1000}"),
                  TOK_AUDIENCE);
    c.policy.audience = audience;
}
END_TEST

START_TEST(any_one_audience_will_do)
{
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "audience", "y,x");
    ck_assert_ok(check(&c, GOOD));
    set(&c.policy, "audience", "y,z");
    ck_assert_err(check(&c, GOOD), TOK_AUDIENCE);
    set(&c.policy, "require", "sub");
    ck_assert_err(check(&c, "{\"token_type\":\"access\",\"iss\":\"https://h\","
                            "\"sub\":\"alice\",\"exp\":1900}"),
                  TOK_AUDIENCE);
}
END_TEST

/* The host's key, in place of host_key_check. */
static unsigned host_key_calls;

static enum tok_err host_key_k(const char *files, struct slice key, struct errmsg *errmsg)
{
    host_key_calls++;
    ck_assert_str_eq(files, "/f*.pub");
    return slice_is(key, "k") ? TOK_OK : errmsg_set(errmsg, TOK_HOST_KEY, "not k");
}

static enum tok_err check_aud(struct case_ *c, const char *aud)
{
    char payload[1024];

    (void)snprintf(payload, sizeof(payload),
                   "{\"token_type\":\"access\",\"iss\":\"https://h\",\"aud\":%s,"
                   "\"sub\":\"alice\",\"exp\":1900,\"iat\":1000}",
                   aud);
    return check(c, payload);
}

START_TEST(an_audience_with_a_host_key_is_accepted_for_that_key_alone)
{
    static const struct {
        const char *aud;
        enum tok_err err;
    } rows[] = {
        {"\"h#k\"", TOK_OK},
        {"[\"other#k\"]", TOK_OK},
        {"\"h\\u0023k\"", TOK_OK},
        {"\"h#K\"", TOK_HOST_KEY},
        {"\"h#\"", TOK_HOST_KEY},
        {"\"h#k#x\"", TOK_AUDIENCE},
        {"\"h#x#k\"", TOK_AUDIENCE},
        {"\"#k\"", TOK_AUDIENCE},
        {"\"x#k\"", TOK_AUDIENCE},
        {"\"H#k\"", TOK_AUDIENCE},
        {"\"h #k\"", TOK_AUDIENCE},
        {"\"h\\u0000#k\"", TOK_AUDIENCE},
        {"\"k#h\"", TOK_AUDIENCE},
        {"[]", TOK_AUDIENCE},
        /* A token that is bound has this audience and no other. */
        {"[\"h#k\",\"h#k\"]", TOK_AUDIENCE},
        {"[\"x\",\"h#k\"]", TOK_AUDIENCE},
    };
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "host_keys", "/f*.pub");
    c.host_key = host_key_k;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(check_aud(&c, rows[i].aud) == rows[i].err, "%s", rows[i].aud);
    (void)check_aud(&c, "\"h#K\"");
    ck_assert_str_eq(c.errmsg.text, "not k");
}
END_TEST

START_TEST(an_empty_audience_of_ours_is_bound_to_no_host_key)
{
    CLEANUP(case_clear) struct case_ c = local();
    word_list audience = c.policy.audience;
    char empty[1] = "", *blank[] = {empty, NULL};

    c.host_key = host_key_k;
    c.policy.audience = blank;
    ck_assert_err(check_aud(&c, "\"#k\""), TOK_AUDIENCE);
    c.policy.audience = audience;
}
END_TEST

START_TEST(no_host_key_is_read_for_an_audience_without_one)
{
    static const char *const rows[] = {"\"h\"",           "[\"x\",\"h\"]", "[\"x#k\",\"h\"]",
                                       "[\"h#K\",\"h\"]", "\"x\"",         "\"x#k\""};
    CLEANUP(case_clear) struct case_ c = local();

    host_key_calls = 0;
    c.host_key = host_key_k;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_err(check_aud(&c, rows[i]), i < 4 ? TOK_OK : TOK_AUDIENCE);
    ck_assert_uint_eq(host_key_calls, 0);
}
END_TEST

START_TEST(a_verifier_without_host_keys_accepts_no_bound_audience)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(check_aud(&c, "\"h#k\""), TOK_AUDIENCE);
    ck_assert_err(check_aud(&c, "[\"h#k\"]"), TOK_AUDIENCE);
}
END_TEST

START_TEST(the_longest_audience_can_be_bound)
{
    CLEANUP(case_clear) struct case_ c = local();
    char name[VALUE_NAME_MAX + 1], aud[VALUE_NAME_MAX + 64];

    memset(name, 'a', VALUE_NAME_MAX);
    name[VALUE_NAME_MAX] = '\0';
    set(&c.policy, "audience", name);
    set(&c.policy, "host_keys", "/f*.pub");
    c.host_key = host_key_k;
    (void)snprintf(aud, sizeof(aud), "\"%s#k\"", name);
    ck_assert_ok(check_aud(&c, aud));
    (void)snprintf(aud, sizeof(aud), "\"%s#%022d\"", name, 1);
    ck_assert_err(check_aud(&c, aud), TOK_HOST_KEY);
    (void)snprintf(aud, sizeof(aud), "\"%s#%023d\"", name, 1);
    ck_assert_err(check_aud(&c, aud), TOK_AUDIENCE);
}
END_TEST

START_TEST(another_token_type_is_refused)
{
    static const char refresh[] = "{\"token_type\":\"refresh\",\"iss\":\"https://h\","
                                  "\"aud\":\"h\",\"sub\":\"alice\",\"exp\":1900,\"iat\":1000}";
    static const char untyped[] = "{\"iss\":\"https://h\",\"aud\":\"h\",\"sub\":\"alice\","
                                  "\"exp\":1900,\"iat\":1000}";
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(check(&c, refresh), TOK_TYPE);
    ck_assert_err(check(&c, untyped), TOK_TYPE);
    set(&c.policy, "type", "refresh");
    ck_assert_ok(check(&c, refresh));
    ck_assert_err(check(&c, GOOD), TOK_TYPE);
    set(&c.policy, "type", "");
    ck_assert_ok(check(&c, untyped));
    ck_assert_ok(check(&c, refresh));
}
END_TEST

START_TEST(claims_of_the_policy_must_be_equal)
{
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "claim", "dept:ops");
    ck_assert_err(check(&c, GOOD), TOK_CLAIM);
    ck_assert_ok(check(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":\"o\\u0070s\"}"));
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":\"ops2\"}"), TOK_CLAIM);
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":[\"o\"]}"), TOK_CLAIM);
    ck_assert_ok(check(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":[\"ops\"]}"));
    set(&c.policy, "claim", "level:3");
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":\"ops\",\"level\":4}"),
                  TOK_CLAIM);
    ck_assert_ok(check(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":\"ops\",\"level\":3}"));
    set(&c.policy, "claim", "ok:true");
    ck_assert_ok(check(
        &c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":\"ops\",\"level\":3,\"ok\":true}"));
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":\"ops\",\"level\":3,"
                            "\"ok\":false}"),
                  TOK_CLAIM);
    set(&c.policy, "claim", "no:null");
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":\"ops\",\"level\":3,"
                            "\"ok\":true,\"no\":null}"),
                  TOK_CLAIM);
}
END_TEST

START_TEST(a_bound_token_is_no_bearer_token)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"cnf\":{\"jkt\":\"x\"}}"),
                  TOK_BOUND);
}
END_TEST

static enum tok_err check_scope(struct case_ *c, const char *scope)
{
    char payload[512];

    (void)snprintf(payload, sizeof(payload), "{" REST ",\"exp\":1900,\"iat\":1000,%s%s%s}",
                   "\"scope\":\"", scope, "\"");
    return check(c, payload);
}

START_TEST(pam_words_of_a_scope_bind)
{
    CLEANUP(case_clear) struct case_ c = local();

    c.service = "sshd";
    ck_assert_ok(check_scope(&c, ""));
    ck_assert_ok(check_scope(&c, "read write"));
    ck_assert_ok(check_scope(&c, "read xpam:sudo"));
    ck_assert_ok(check_scope(&c, "pam:sshd"));
    ck_assert_ok(check_scope(&c, "read pam:sudo pam:sshd"));
    ck_assert_ok(check_scope(&c, "pam:*"));
    ck_assert_ok(check_scope(&c, "\\u0070am:sshd"));
    ck_assert_err(check_scope(&c, "pam:sudo"), TOK_SCOPE);
    ck_assert_err(check_scope(&c, "read \\u0070am:sudo"), TOK_SCOPE);
    ck_assert_err(check_scope(&c, "pam:ssh pam:sshd2 pam:SSHD"), TOK_SCOPE);
    ck_assert_err(check_scope(&c, "pam:"), TOK_SCOPE);
    ck_assert_err(check_scope(&c, "pam:s*"), TOK_SCOPE);
    ck_assert_err(check_scope(&c, "pam:sshd\\tpam:*"),
                  TOK_SCOPE); /* RFC 8693: a space separates */
    ck_assert_ok(
        check(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"scope\":[\"read\",\"pam:sshd\"]}"));
    ck_assert_ok(check(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"scope\":null}"));
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"scope\":[\"read pam:su\"]}"),
                  TOK_SCOPE);
    c.service = "";
    ck_assert_err(check_scope(&c, "pam:"), TOK_SCOPE);
    c.service = NULL;
    ck_assert_ok(check_scope(&c, "pam:sudo"));
}
END_TEST

START_TEST(a_scope_binds_by_its_pam_words_alone)
{
    static const char *const binding[] = {"pam:sudo", "read pam:sshd", "pam:*",
                                          "pam:", " pam:x"};
    static const char *const free_words[] = {"",    "read",  "xpam:sudo", "read-pam:sudo",
                                             "pam", "PAM:x", "pam :x"};

    for (size_t i = 0; i < sizeof(binding) / sizeof(binding[0]); i++)
        ck_assert_msg(policy_scope_names_service(slice_of(binding[i])), "%s", binding[i]);
    for (size_t i = 0; i < sizeof(free_words) / sizeof(free_words[0]); i++)
        ck_assert_msg(!policy_scope_names_service(slice_of(free_words[i])), "%s",
                      free_words[i]);
}
END_TEST

START_TEST(a_scope_that_is_required_must_hold_the_service)
{
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "scope", "required");
    c.service = "sshd";
    ck_assert_err(check(&c, GOOD), TOK_SCOPE);
    ck_assert_err(check_scope(&c, "read"), TOK_SCOPE);
    ck_assert_err(check_scope(&c, "sshd"), TOK_SCOPE);
    ck_assert_err(check_scope(&c, "pam:sudo"), TOK_SCOPE);
    ck_assert_ok(check_scope(&c, "read pam:sshd"));
    ck_assert_ok(check_scope(&c, "pam:*"));
    c.service = NULL;
    ck_assert_err(check(&c, GOOD), TOK_SCOPE);
    ck_assert_err(check_scope(&c, "read"), TOK_SCOPE);
    ck_assert_ok(check_scope(&c, "pam:sudo"));
}
END_TEST

START_TEST(one_time_tokens_are_refused_by_default_and_others_where_they_are_required)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"one_time\":true}"),
                  TOK_ONE_TIME);
    ck_assert_ok(check(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"one_time\":false}"));
    set(&c.policy, "one_time", "required");
    ck_assert_err(check(&c, GOOD), TOK_ONE_TIME);
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"one_time\":true}"),
                  TOK_ONE_TIME);
}
END_TEST

START_TEST(a_one_time_token_is_accepted_only_if_it_can_be_limited_to_one_use)
{
    static const struct {
        const char *claims;
        enum tok_err err;
    } rows[] = {
        {"\"aud\":\"h\",\"jti\":\"j\",\"iat\":1000", TOK_OK},
        {"\"aud\":[\"h\"],\"jti\":\"j\",\"iat\":1000", TOK_OK},
        {"\"aud\":[\"h\",\"x\"],\"jti\":\"j\",\"iat\":1000", TOK_ONE_TIME},
        {"\"aud\":[\"h\",\"h\"],\"jti\":\"j\",\"iat\":1000", TOK_ONE_TIME},
        {"\"aud\":\"h\",\"iat\":1000", TOK_MISSING},
        {"\"aud\":\"h\",\"jti\":\"j\"", TOK_MISSING},
        {"\"aud\":\"h\",\"jti\":\"j\",\"iat\":1001", TOK_NOT_YET},
    };
    CLEANUP(case_clear) struct case_ c = local();

    c.accept_one_time = true;
    set(&c.policy, "leeway", "60");
    set(&c.policy, "require", "sub");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char payload[256];

        (void)snprintf(payload, sizeof(payload),
                       "{\"token_type\":\"access\",\"iss\":\"https://h\",\"sub\":\"alice\","
                       "\"exp\":1900,\"one_time\":true,%s}",
                       rows[i].claims);
        ck_assert_err(check(&c, payload), rows[i].err);
    }
    set(&c.policy, "one_time", "required");
    ck_assert_err(check(&c, GOOD), TOK_ONE_TIME);
}
END_TEST

static enum tok_err check_sub(struct case_ *c, const char *sub)
{
    char payload[600];

    (void)snprintf(payload, sizeof(payload),
                   "{\"token_type\":\"access\",\"iss\":\"https://h\",\"aud\":\"h\",\"sub\":%s,"
                   "\"exp\":1900,\"iat\":1000}",
                   sub);
    return check(c, payload);
}

START_TEST(the_user_must_be_the_expected_one)
{
    CLEANUP(case_clear) struct case_ c = local();

    c.user = "carol";
    ck_assert_err(check(&c, GOOD), TOK_USER);
    c.user = "alic";
    ck_assert_err(check(&c, GOOD), TOK_USER);
    c.user = "Alice";
    ck_assert_err(check(&c, GOOD), TOK_USER);
    c.user = "";
    ck_assert_err(check(&c, GOOD), TOK_USER);
    c.user = "alice";
    ck_assert_ok(check_sub(&c, "\"\\u0061lice\""));
}
END_TEST

START_TEST(a_user_claim_that_can_be_no_users_name_is_refused)
{
    CLEANUP(case_clear) struct case_ c = local();
    char longest[USER_NAME_MAX + 4] = "\"";

    ck_assert_err(check_sub(&c, "\"\""), TOK_USER_NAME);
    ck_assert_err(check_sub(&c, "\"alice\\u0000\""), TOK_USER_NAME);
    ck_assert_err(check_sub(&c, "\"-alice\""), TOK_USER_NAME);
    ck_assert_err(check_sub(&c, "\"al ice\""), TOK_USER_NAME);
    ck_assert_err(check_sub(&c, "1000"), TOK_CLAIM_TYPE);
    memset(longest + 1, 'a', USER_NAME_MAX + 1);
    longest[USER_NAME_MAX + 2] = '"';
    ck_assert_err(check_sub(&c, longest), TOK_USER_NAME);
    longest[USER_NAME_MAX + 1] = '"';
    longest[USER_NAME_MAX + 2] = '\0';
    ck_assert_ok(check_sub(&c, longest));
    ck_assert_uint_eq(strlen(c.got), USER_NAME_MAX);
}
END_TEST

START_TEST(another_user_claim_is_read_where_it_is_named)
{
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "user_claim", "login");
    ck_assert_err(check(&c, GOOD), TOK_MISSING);
    ck_assert_ok(check(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"login\":\"carol\"}"));
    ck_assert_str_eq(c.got, "carol");
    ck_assert_err(check(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"login\":[\"carol\"]}"),
                  TOK_CLAIM_TYPE);
}
END_TEST

START_TEST(with_a_map_the_claim_is_anything_and_the_user_is_the_maps)
{
    static const char text[] = "https://h a:b/c deploy\nhttps://h alice carol\n"
                               "https://h boss root\nhttps://other x deploy\n"
                               "https://h 1001 alice\nhttps://h 2* u*\nhttps://h *@d *\n";
    CLEANUP(case_clear) struct case_ c = local();
    CLEANUP(usermap_clear) struct usermap map = {0};

    ck_assert_ok(usermap_parse("m", slice_of(text), &map, NULL));
    c.map = &map;
    c.user = "deploy";
    ck_assert_ok(check_sub(&c, "\"a:b\\/c\""));
    ck_assert_str_eq(c.got, "deploy");
    c.user = "alice";
    ck_assert_err(check_sub(&c, "\"a:b/c\""), TOK_USER);
    /* Likeness is nothing: the map says who alice is. */
    ck_assert_err(check_sub(&c, "\"alice\""), TOK_USER);
    ck_assert_err(check_sub(&c, "\"bob\""), TOK_UNMAPPED);
    ck_assert_err(check_sub(&c, "\"x\""), TOK_UNMAPPED);
    ck_assert_err(check_sub(&c, "\"\""), TOK_UNMAPPED);
    /* A number is named by a whole line, and by its plain digits. */
    ck_assert_ok(check_sub(&c, "1001"));
    ck_assert_ok(check_sub(&c, "\"1001\""));
    ck_assert_err(check_sub(&c, "1001.0"), TOK_CLAIM_TYPE);
    ck_assert_err(check_sub(&c, "1.001e3"), TOK_CLAIM_TYPE);
    ck_assert_err(check_sub(&c, "7"), TOK_UNMAPPED);
    ck_assert_err(check_sub(&c, "true"), TOK_CLAIM_TYPE);
    c.user = NULL;
    ck_assert_ok(check_sub(&c, "\"21\""));
    ck_assert_err(check_sub(&c, "21"), TOK_UNMAPPED);
    ck_assert_ok(check_sub(&c, "\"carol@d\""));
    ck_assert_err(check_sub(&c, "\"root@d\""), TOK_ROOT);
    ck_assert_err(check_sub(&c, "\"7@d\""), TOK_UNMAPPED);
    ck_assert_err(check_sub(&c, "\"-rf@d\""), TOK_USER_NAME);
    ck_assert_err(check_sub(&c, "\"boss\""), TOK_ROOT);
    set(&c.policy, "allow_root", "yes");
    ck_assert_ok(check_sub(&c, "\"boss\""));
}
END_TEST

START_TEST(root_is_refused_unless_allowed)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(check_sub(&c, "\"root\""), TOK_ROOT);
    c.user = "root";
    ck_assert_err(check_sub(&c, "\"root\""), TOK_ROOT);
    ck_assert_err(check(&c, GOOD), TOK_USER);
    set(&c.policy, "allow_root", "yes");
    ck_assert_ok(check_sub(&c, "\"root\""));
}
END_TEST

/* A token with every fault; each step corrects the one that was reported. */
START_TEST(the_first_fault_in_the_order_of_the_header_is_reported)
{
    static const struct {
        enum tok_err want;
        const char *wrong, *right;
    } steps[] = {
        {TOK_MISSING, "\"x\":1", "\"iat\":2"},
        {TOK_EXPIRED, "\"exp\":1", "\"exp\":90000000"},
        {TOK_NOT_YET, "\"nbf\":2000", "\"nbf\":0"},
        {TOK_ISSUER, "\"iss\":\"i\"", "\"iss\":\"https://h\""},
        {TOK_AUDIENCE, "\"aud\":\"a\"", "\"aud\":\"h\""},
        {TOK_TYPE, "\"token_type\":\"t\"", "\"token_type\":\"access\""},
        {TOK_CLAIM, "\"c\":0", "\"c\":1"},
        {TOK_BOUND, "\"cnf\":{}", "\"xxx\":{}"},
        {TOK_LIFETIME, "\"exp\":90000000", "\"exp\":1900"},
        {TOK_SCOPE, "\"scope\":\"pam:su\"", "\"scope\":\"pam:sshd\""},
        {TOK_ONE_TIME, "\"one_time\":true", "\"one_time\":false"},
        {TOK_USER, "\"sub\":\"carol\"", "\"sub\":\"alice\""},
    };
    CLEANUP(case_clear) struct case_ c = local();
    char payload[512] = "{\"x\":1,\"exp\":1,\"nbf\":2000,\"iss\":\"i\",\"aud\":\"a\","
                        "\"token_type\":\"t\",\"c\":0,\"cnf\":{},\"scope\":\"pam:su\","
                        "\"one_time\":true,\"sub\":\"carol\"}";

    set(&c.policy, "claim", "c:1");
    c.user = "alice";
    c.service = "sshd";
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        char next[512];
        char *at = strstr(payload, steps[i].wrong);

        ck_assert_err(check(&c, payload), steps[i].want);
        ck_assert_ptr_nonnull(at);
        (void)snprintf(next, sizeof(next), "%.*s%s%s", (int)(at - payload), payload,
                       steps[i].right, at + strlen(steps[i].wrong));
        memcpy(payload, next, sizeof(payload));
    }
    ck_assert_ok(check(&c, payload));
}
END_TEST

START_TEST(a_message_names_the_claim_and_what_was_expected)
{
    static const struct {
        const char *more, *want;
    } rows[] = {
        {"\"exp\":1900", "claim \"iat\": required, but missing"},
        {"\"exp\":1900,\"iat\":1001",
         "claim \"iat\": 1 s in the future; compare the clocks of issuer and host"},
        {"\"exp\":1900,\"iat\":1000", "claim \"typ\": expected \"Bearer\", got nothing"},
        {"\"exp\":1900,\"iat\":1000,\"typ\":\"ID\"",
         "claim \"typ\": expected \"Bearer\", got \"ID\""},
        {"\"exp\":1900,\"iat\":1000,\"typ\":17", "claim \"typ\": expected \"Bearer\", got 17"},
        {"\"exp\":1900,\"iat\":1000,\"typ\":null",
         "claim \"typ\": expected \"Bearer\", got null"},
        /* What could forge a key=value pair in the log is not shown. */
        {"\"exp\":1900,\"iat\":1000,\"typ\":\"x user=root\"",
         "claim \"typ\": expected \"Bearer\", got another value"},
        {"\"exp\":1900,\"iat\":1000,\"typ\":\"a\\u0022\"",
         "claim \"typ\": expected \"Bearer\", got another value"},
        {"\"exp\":1900,\"iat\":1000,\"typ\":\"\xc3\xa4\"",
         "claim \"typ\": expected \"Bearer\", got another value"},
        {"\"exp\":1900,\"iat\":1000,\"typ\":[1]",
         "claim \"typ\": expected \"Bearer\", got [1]"},
        {"\"exp\":99999999,\"iat\":1000,\"typ\":\"Bearer\"",
         "claim \"exp\": expected at most max_lifetime=86400 s after \"iat\", got 99998999"},
        {"\"exp\":1900,\"iat\":1000,\"typ\":\"Bearer\",\"scope\":\"pam:su\"",
         "claim \"scope\": expected \"pam:sshd\", got \"pam:su\""},
    };
    CLEANUP(case_clear) struct case_ c = local();
    char payload[512], longest[SHOWN + 1];

    set(&c.policy, "claim", "typ:Bearer");
    c.service = "sshd";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(payload, sizeof(payload), "{" REST ",%s}", rows[i].more);
        ck_assert_int_ne(check(&c, payload), TOK_OK);
        ck_assert_str_eq(c.errmsg.text, rows[i].want);
    }
    for (size_t n = SHOWN - 2; n <= SHOWN - 1; n++) {
        memset(longest, 'v', n);
        longest[n] = '\0';
        (void)snprintf(payload, sizeof(payload),
                       "{" REST ",\"exp\":1900,\"iat\":1000,\"typ\":\"%s\"}", longest);
        ck_assert_err(check(&c, payload), TOK_CLAIM);
        ck_assert_int_eq(strstr(c.errmsg.text, "vvv") != NULL, n == SHOWN - 2);
    }
}
END_TEST

#define TOKEN(iss, aud, sub, rest) "{\"iss\":" iss ",\"aud\":" aud ",\"sub\":" sub "," rest "}"
#define ACCESS "\"token_type\":\"access\","
#define LIVE "\"exp\":1900,\"iat\":1000"
#define HERE(rest) TOKEN("\"https://h\"", "\"h\"", "\"alice\"", rest)

/* Claim, what was expected, what was found: an error that a claim causes names all it may. */
START_TEST(each_refusal_names_what_was_wrong)
{
    static const struct {
        enum tok_err want;
        const char *option, *value, *payload, *text;
    } rows[] = {
        {TOK_CLAIM_TYPE, NULL, NULL, HERE(ACCESS "\"exp\":\"1900\",\"iat\":1000"),
         "claim \"exp\": expected a number of seconds since the Epoch, got a string"},
        {TOK_CLAIM_TYPE, NULL, NULL, HERE(ACCESS "\"exp\":1e9,\"iat\":1000"),
         "claim \"exp\": expected a number of seconds since the Epoch, got a number of another "
         "form"},
        {TOK_CLAIM_TYPE, NULL, NULL, TOKEN("17", "\"h\"", "\"alice\"", ACCESS LIVE),
         "claim \"iss\": expected a string, got a number"},
        {TOK_CLAIM_TYPE, NULL, NULL, HERE("\"token_type\":[]," LIVE),
         "claim \"token_type\": expected a string, got an array"},
        {TOK_CLAIM_TYPE, NULL, NULL, HERE(ACCESS LIVE ",\"scope\":[1]"),
         "claim \"scope\": expected a string or an array of strings, at most 4 KiB, got an "
         "array "
         "of another form"},
        {TOK_CLAIM_TYPE, NULL, NULL, HERE(ACCESS LIVE ",\"one_time\":\"x\""),
         "claim \"one_time\": expected true or false, got a string"},
        {TOK_CLAIM_TYPE, NULL, NULL, TOKEN("\"https://h\"", "\"h\"", "7", ACCESS LIVE),
         "claim \"sub\": expected a string"},
        {TOK_MISSING, "require", "exp,x", HERE(ACCESS LIVE),
         "claim \"x\": required, but missing"},
        {TOK_EXPIRED, NULL, NULL, HERE(ACCESS "\"exp\":937,\"iat\":900"),
         "claim \"exp\": the token expired 63 s ago"},
        {TOK_NOT_YET, NULL, NULL, HERE(ACCESS LIVE ",\"nbf\":1041"),
         "claim \"nbf\": 41 s in the future"},
        {TOK_CLAIM, "leeway", "300", HERE(ACCESS "\"exp\":900,\"iat\":950"),
         "claim \"exp\": expected a time after \"iat\" 950, got 900"},
        {TOK_LIFETIME, "max_lifetime", "60", HERE(ACCESS LIVE),
         "claim \"exp\": expected at most max_lifetime=60 s after \"iat\", got 900"},
        {TOK_ISSUER, NULL, NULL, TOKEN("\"https://i\"", "\"h\"", "\"alice\"", ACCESS LIVE),
         "claim \"iss\": expected \"https://h\", got \"https://i\""},
        {TOK_AUDIENCE, NULL, NULL,
         TOKEN("\"https://h\"", "[\"a\",\"b\"]", "\"alice\"", ACCESS LIVE),
         "claim \"aud\": got [\"a\",\"b\"], expected one of: h other"},
        {TOK_AUDIENCE, "audience", "web", HERE(ACCESS LIVE),
         "claim \"aud\": expected \"web\", got \"h\""},
        {TOK_TYPE, NULL, NULL, HERE("\"token_type\":\"refresh\"," LIVE),
         "claim \"token_type\": expected \"access\", got \"refresh\""},
        {TOK_CLAIM, "claim", "azp:ssh", HERE(ACCESS LIVE ",\"azp\":\"web\""),
         "claim \"azp\": expected \"ssh\", got \"web\""},
        {TOK_SCOPE, NULL, NULL, HERE(ACCESS LIVE ",\"scope\":\"pam:su\""),
         "claim \"scope\": expected \"pam:sshd\", got \"pam:su\""},
        {TOK_SCOPE, "scope", "required", HERE(ACCESS LIVE),
         "claim \"scope\": expected \"pam:sshd\", got nothing"},
        {TOK_ONE_TIME, "one_time", "required", HERE(ACCESS LIVE),
         "claim \"one_time\": expected true (one_time=required)"},
        {TOK_ONE_TIME, NULL, NULL, HERE(ACCESS LIVE ",\"one_time\":true"),
         "claim \"one_time\": a one-time token is accepted at logins alone"},
        {TOK_USER_NAME, NULL, NULL, TOKEN("\"https://h\"", "\"h\"", "\"a/b\"", ACCESS LIVE),
         "claim \"sub\": not a name that a local user can have"},
        {TOK_USER, NULL, NULL, TOKEN("\"https://h\"", "\"h\"", "\"carol\"", ACCESS LIVE),
         "claim \"sub\": the token is for another user than the one logging in"},
        {TOK_MISSING, "user_claim", "upn", HERE(ACCESS LIVE),
         "claim \"upn\": required, but missing"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(case_clear) struct case_ c = local();

        c.user = "alice";
        c.service = "sshd";
        if (rows[i].option)
            set(&c.policy, rows[i].option, rows[i].value);
        ck_assert_err(check(&c, rows[i].payload), rows[i].want);
        ck_assert_msg(strstr(c.errmsg.text, rows[i].text) == c.errmsg.text, "row %zu: '%s'", i,
                      c.errmsg.text);
    }
}
END_TEST

START_TEST(a_refusal_of_the_map_or_of_root_names_the_claim)
{
    CLEANUP(case_clear) struct case_ c = local();
    const struct usermap empty = {0};

    ck_assert_err(check_sub(&c, "\"root\""), TOK_ROOT);
    ck_assert_str_eq(c.errmsg.text,
                     "claim \"sub\": the token is for root, and allow_root is not set");
    set(&c.policy, "user_map", "/m");
    c.map = &empty;
    ck_assert_err(check(&c, GOOD), TOK_UNMAPPED);
    ck_assert_str_eq(
        c.errmsg.text,
        "claim \"sub\": no line of the user map /m is for it and issuer https://h");
}
END_TEST

/* Names that are no accounts here, and what people typed for them, stay out of the log. */
START_TEST(a_message_never_contains_the_user)
{
    CLEANUP(case_clear) struct case_ c = local();

    c.user = "hunter2";
    ck_assert_err(check(&c, GOOD), TOK_USER);
    ck_assert_str_eq(c.errmsg.text,
                     "claim \"sub\": the token is for another user than the one logging in");
    c.user = NULL;
    ck_assert_err(check(&c, "{\"token_type\":\"access\",\"iss\":\"https://h\",\"aud\":\"h\","
                            "\"sub\":\"hunter 2\",\"exp\":1900,\"iat\":1000}"),
                  TOK_USER_NAME);
    ck_assert_str_eq(c.errmsg.text, "claim \"sub\": not a name that a local user can have");
    set(&c.policy, "claim", "sub:alice");
    ck_assert_err(check(&c, "{\"token_type\":\"access\",\"iss\":\"https://h\",\"aud\":\"h\","
                            "\"sub\":\"hunter2\",\"exp\":1900,\"iat\":1000}"),
                  TOK_CLAIM);
    ck_assert_str_eq(c.errmsg.text, "claim \"sub\": expected \"alice\", got another value");
    set(&c.policy, "user_claim", "iss");
    set(&c.policy, "issuer", "https://x");
    ck_assert_err(check(&c, GOOD), TOK_ISSUER);
    ck_assert_str_eq(c.errmsg.text, "claim \"iss\": expected \"https://x\", got another value");
}
END_TEST

UNIT_MAIN("policy", a_good_token_names_its_user, each_required_claim_is_missed,
          exp_is_required_even_if_require_omits_it, null_is_a_wrong_type_or_an_absence,
          exp_at_now_is_expired, a_fraction_of_exp_is_cut, nbf_and_iat_may_not_be_ahead,
          a_lifetime_has_its_limit, another_issuer_is_refused,
          an_unknown_issuer_or_audience_of_ours_refuses_everything, any_one_audience_will_do,
          an_audience_with_a_host_key_is_accepted_for_that_key_alone,
          an_empty_audience_of_ours_is_bound_to_no_host_key,
          no_host_key_is_read_for_an_audience_without_one,
          a_verifier_without_host_keys_accepts_no_bound_audience,
          the_longest_audience_can_be_bound, another_token_type_is_refused,
          claims_of_the_policy_must_be_equal, a_bound_token_is_no_bearer_token,
          pam_words_of_a_scope_bind, a_scope_binds_by_its_pam_words_alone,
          a_scope_that_is_required_must_hold_the_service,
          one_time_tokens_are_refused_by_default_and_others_where_they_are_required,
          a_one_time_token_is_accepted_only_if_it_can_be_limited_to_one_use,
          the_user_must_be_the_expected_one, a_user_claim_that_can_be_no_users_name_is_refused,
          another_user_claim_is_read_where_it_is_named,
          with_a_map_the_claim_is_anything_and_the_user_is_the_maps,
          root_is_refused_unless_allowed,
          the_first_fault_in_the_order_of_the_header_is_reported,
          a_message_names_the_claim_and_what_was_expected, each_refusal_names_what_was_wrong,
          a_refusal_of_the_map_or_of_root_names_the_claim, a_message_never_contains_the_user)
