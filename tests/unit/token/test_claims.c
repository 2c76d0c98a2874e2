#include "common/token/claims.h"
#include "tests/unit/forge.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct claims_names names = {"sub", "token_type", "jti", NULL};

static enum tok_err parse(const char *payload, struct claims *ret)
{
    return claims_read(text_slice(payload), &names, ret, NULL);
}

START_TEST(every_claim_of_a_whole_payload_is_found)
{
    struct claims c;

    ck_assert_ok(parse("{\"token_type\":\"access\",\"exp\":20,\"iat\":10,\"jti\":\"j\","
                       "\"sub\":\"alice\",\"iss\":\"https://i\",\"aud\":[\"a\",\"b\"],"
                       "\"sid\":\"s\",\"gen\":3,\"scope\":\"pam:sshd x\",\"one_time\":true,"
                       "\"nbf\":-1,\"cnf\":{}}",
                       &c));
    ck_assert(scan_string_is(*c.token_type, SLICE("access")));
    ck_assert(scan_string_is(*c.jti, SLICE("j")));
    ck_assert(scan_string_is(*c.sub, SLICE("alice")));
    ck_assert(scan_string_is(*c.user, SLICE("alice")));
    ck_assert(scan_string_is(*c.iss, SLICE("https://i")));
    ck_assert(scan_string_is(*c.sid, SLICE("s")));
    ck_assert(c.has_exp && c.has_iat && c.has_nbf && c.has_gen && c.one_time && c.bound);
    ck_assert_int_eq(c.exp, 20);
    ck_assert_int_eq(c.iat, 10);
    ck_assert_int_eq(c.nbf, -1);
    ck_assert_int_eq(c.gen, 3);
    ck_assert_uint_eq(c.n, 13);
}
END_TEST

START_TEST(what_is_absent_is_absent)
{
    struct claims c;

    ck_assert_ok(parse("{}", &c));
    ck_assert(!c.iss && !c.sub && !c.aud && !c.user && !c.token_type && !c.jti && !c.sid &&
              !c.scope);
    ck_assert(!c.has_exp && !c.has_nbf && !c.has_iat && !c.has_gen && !c.one_time && !c.bound);
    ck_assert_uint_eq(c.n, 0);
}
END_TEST

START_TEST(what_is_no_object_or_not_strict_is_refused)
{
    static const char *const wrong[] = {
        "",
        "null",
        "[]",
        "\"{}\"",
        "{",
        "{}x",
        "{\"exp\":1,\"exp\":2}",
        "{\"sub\":\"alice\",\"s\\u0075b\":\"root\"}",
        "{\"x\":{\"y\":1,\"y\":1}}",
        "{\"exp\":NaN}",
        "{\"exp\":01}",
        "{'exp':1}",
        "{\"sub\":\"\\ud800\"}",
        "{\"sub\":\"\xff\"}",
        "\xef\xbb\xbf{}",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct claims c;

        ck_assert_msg(parse(wrong[i], &c) == TOK_JSON, "%s", wrong[i]);
        ck_assert_uint_eq(c.n, 0);
    }
}
END_TEST

/* Each registered claim with each JSON type it must not have. */
START_TEST(a_claim_of_the_wrong_type_is_refused_not_absent)
{
    static const struct {
        const char *name;
        const char *good; /* the values, by their first byte, that may stand */
    } claims[] = {
        {"iss", "\""}, {"sub", "\"1"},     {"aud", "\"["}, {"token_type", "\""}, {"jti", "\""},
        {"sid", "\""}, {"scope", "\"[n"},  {"exp", "1"},   {"nbf", "1"},         {"iat", "1"},
        {"gen", "1"},  {"one_time", "tf"}, {"cnf", "{"},
    };
    static const char *const values[] = {"\"x\"", "[\"x\"]", "{\"x\":1}", "1",
                                         "true",  "false",   "null"};

    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
        for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
            bool good = strchr(claims[i].good, values[j][0]) != NULL;
            char payload[64];
            struct claims c;

            (void)snprintf(payload, sizeof(payload), "{\"%s\":%s}", claims[i].name, values[j]);
            ck_assert_msg(parse(payload, &c) == (good ? TOK_OK : TOK_CLAIM_TYPE), "%s",
                          payload);
        }
}
END_TEST

START_TEST(a_number_out_of_range_or_form_is_no_time)
{
    static const char *const wrong[] = {
        "1e18",
        "1E2",
        "99999999999999999999",
        "9007199254740992",
        "-9007199254740992",
        "1.5e3",
        "1e-2",
        "1e400",
    };
    struct claims c;
    char payload[64];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(payload, sizeof(payload), "{\"exp\":%s}", wrong[i]);
        ck_assert_msg(parse(payload, &c) == TOK_CLAIM_TYPE, "%s", payload);
    }
    ck_assert_ok(parse("{\"exp\":9007199254740991}", &c));
    ck_assert_int_eq(c.exp, 9007199254740991);
    ck_assert_err(parse("{\"gen\":1.0}", &c), TOK_CLAIM_TYPE);
}
END_TEST

START_TEST(a_fraction_never_makes_a_token_live_longer)
{
    struct claims c;

    ck_assert_ok(parse("{\"exp\":10.9,\"nbf\":10.1,\"iat\":10.9}", &c));
    ck_assert_int_eq(c.exp, 10);
    ck_assert_int_eq(c.nbf, 11);
    ck_assert_int_eq(c.iat, 10);
    ck_assert_ok(parse("{\"exp\":-10.1,\"nbf\":-10.9}", &c));
    ck_assert_int_eq(c.exp, -11);
    ck_assert_int_eq(c.nbf, -10);
}
END_TEST

START_TEST(claims_may_be_called_otherwise)
{
    const struct claims_names other = {"user_id", "typ", "id", NULL};
    struct claims c;

    ck_assert_ok(claims_read(SLICE("{\"user_id\":7,\"typ\":\"t\",\"id\":\"i\",\"jti\":1,"
                                   "\"token_type\":null}"),
                             &other, &c, NULL));
    ck_assert_int_eq(c.user->type, SCAN_NUMBER);
    ck_assert(scan_string_is(*c.token_type, SLICE("t")));
    ck_assert(scan_string_is(*c.jti, SLICE("i")));
    ck_assert_err(claims_read(SLICE("{\"typ\":1}"), &other, &c, NULL), TOK_CLAIM_TYPE);
}
END_TEST

START_TEST(the_user_may_be_a_registered_claim)
{
    const struct claims_names other = {"iss", "token_type", "jti", NULL};
    struct claims c;

    ck_assert_ok(claims_read(SLICE("{\"iss\":\"alice\"}"), &other, &c, NULL));
    ck_assert_ptr_eq(c.user, c.iss);
}
END_TEST

START_TEST(a_name_with_nul_is_another_name)
{
    struct claims c;

    ck_assert_ok(parse("{\"sub\\u0000x\":\"root\",\"exp\\u0000\":\"x\"}", &c));
    ck_assert(!c.sub && !c.user && !c.has_exp);
}
END_TEST

START_TEST(an_escaped_name_is_the_same_name)
{
    struct claims c;

    ck_assert_ok(parse("{\"\\u0073ub\":\"alice\"}", &c));
    ck_assert(c.sub && scan_string_is(*c.sub, SLICE("alice")));
}
END_TEST

START_TEST(a_name_that_begins_like_a_claims_is_another_name)
{
    static const char *const others[] = {"su",          "subs",    "one_times", "one_tim",
                                         "scopes",      "jtis",    "",          "token_typ",
                                         "token_types", "token_ty"};
    struct claims c;

    for (size_t i = 0; i < N(others); i++) {
        char payload[64];

        (void)snprintf(payload, sizeof(payload), "{\"%s\":[null]}", others[i]);
        ck_assert_ok(parse(payload, &c));
        ck_assert(!c.sub && !c.user && !c.jti && !c.token_type && !c.scope && !c.one_time);
        ck_assert(claims_has(&c, others[i]));
    }
}
END_TEST

/* Each claim by its name, written plainly and with an escape. */
START_TEST(a_claim_is_found_however_its_name_is_escaped)
{
    static const struct {
        const char *name, *value;
    } all[] = {{"iss", "\"x\""},      {"sub", "\"x\""},
               {"aud", "\"x\""},      {"exp", "1"},
               {"nbf", "1"},          {"iat", "1"},
               {"sid", "\"x\""},      {"scope", "\"x\""},
               {"gen", "1"},          {"cnf", "{}"},
               {"one_time", "false"}, {"jti", "\"x\""},
               {"other", "0"},        {"longer name than eight", "[]"}};
    struct claims c;

    for (size_t i = 0; i < N(all); i++) {
        char plain[64], escaped[64];

        (void)snprintf(plain, sizeof(plain), "{\"x\":0,\"%s\":%s}", all[i].name, all[i].value);
        (void)snprintf(escaped, sizeof(escaped), "{\"\\u%04x%s\":%s}", all[i].name[0],
                       all[i].name + 1, all[i].value);
        ck_assert_ok(parse(plain, &c));
        for (size_t j = 0; j < N(all); j++)
            ck_assert_int_eq(claims_has(&c, all[j].name), i == j);
        ck_assert_ok(parse(escaped, &c));
        for (size_t j = 0; j < N(all); j++)
            ck_assert_int_eq(claims_has(&c, all[j].name), i == j);
    }
    ck_assert_ok(parse("{\"other\":null}", &c));
    ck_assert(!claims_has(&c, "other"));
}
END_TEST

START_TEST(audience_is_matched_whole)
{
    struct claims c;

    ck_assert(parse("{\"aud\":\"host\"}", &c) == TOK_OK && claims_has_audience(&c, "host"));
    ck_assert(!claims_has_audience(&c, "hos") && !claims_has_audience(&c, "hosts"));
    ck_assert(!claims_has_audience(&c, "Host") && !claims_has_audience(&c, ""));
    ck_assert_ok(parse("{\"aud\":[\"a\",\"h\\u006fst\"]}", &c));
    ck_assert(claims_has_audience(&c, "host") && claims_has_audience(&c, "a"));
    ck_assert(!claims_has_audience(&c, "a,host"));
    ck_assert_ok(parse("{\"aud\":[]}", &c));
    ck_assert(!claims_has_audience(&c, "") && !claims_has_audience(&c, "host"));
    ck_assert_ok(parse("{\"aud\":\"host\\u0000x\"}", &c));
    ck_assert(!claims_has_audience(&c, "host"));
    ck_assert_ok(parse("{}", &c));
    ck_assert(!claims_has_audience(&c, ""));
    ck_assert_err(parse("{\"aud\":[\"host\",1]}", &c), TOK_CLAIM_TYPE);
    ck_assert_err(parse("{\"aud\":[[\"host\"]]}", &c), TOK_CLAIM_TYPE);
}
END_TEST

START_TEST(a_scope_too_long_to_be_read_whole_is_refused)
{
    char payload[CLAIMS_SCOPE_MAX + 64];
    struct claims c;
    int at = snprintf(payload, sizeof(payload), "{\"scope\":\"");

    memset(payload + at, 'x', CLAIMS_SCOPE_MAX);
    (void)snprintf(payload + at + CLAIMS_SCOPE_MAX - 2, 8, "\"}");
    ck_assert_ok(parse(payload, &c));
    memset(payload + at, 'x', CLAIMS_SCOPE_MAX);
    (void)snprintf(payload + at + CLAIMS_SCOPE_MAX - 1, 8, "\"}");
    ck_assert_err(parse(payload, &c), TOK_CLAIM_TYPE);
}
END_TEST

START_TEST(more_members_than_have_room_are_refused)
{
    char payload[CLAIMS_MAX * 16] = "{";
    struct claims c;
    size_t at = 1;

    for (int i = 0; i <= CLAIMS_MAX; i++)
        at += (size_t)snprintf(payload + at, sizeof(payload) - at, "\"%d\":0,", i);
    payload[at - 1] = '}';
    ck_assert_err(parse(payload, &c), TOK_JSON);
}
END_TEST

UNIT_MAIN("claims", every_claim_of_a_whole_payload_is_found, what_is_absent_is_absent,
          what_is_no_object_or_not_strict_is_refused,
          a_claim_of_the_wrong_type_is_refused_not_absent,
          a_number_out_of_range_or_form_is_no_time, a_fraction_never_makes_a_token_live_longer,
          claims_may_be_called_otherwise, the_user_may_be_a_registered_claim,
          a_name_with_nul_is_another_name, an_escaped_name_is_the_same_name,
          a_name_that_begins_like_a_claims_is_another_name,
          a_claim_is_found_however_its_name_is_escaped, audience_is_matched_whole,
          a_scope_too_long_to_be_read_whole_is_refused, more_members_than_have_room_are_refused)
