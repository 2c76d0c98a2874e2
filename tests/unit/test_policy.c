#include "file.h"
#include "policy.h"
#include "unit.h"
#include "usermap.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct slice s(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static void set_as(struct policy *p, enum policy_style style, const char *word,
                   const char *value)
{
    struct why why = {""};

    ck_assert_msg(policy_set(p, style, s(word), s(value), &why) == TOK_OK, "%s", why.text);
}

static void set(struct policy *p, const char *word, const char *value)
{
    set_as(p, POLICY_WORDS, word, value);
}

/* The value is refused, the sentence begins with the word and the value and says the form. */
static void refuse_as(enum policy_style style, const char *word, const char *value,
                      const char *form)
{
    CLEANUP(policy_clear) struct policy p = {0};
    struct why why = {""};
    char begin[300];

    ck_assert_ok(policy_init(&p));
    ck_assert_err(policy_set(&p, style, s(word), s(value), &why), TOK_SETTINGS);
    (void)snprintf(begin, sizeof(begin), "%s=%.100s: ", word, value);
    ck_assert_msg(strncmp(why.text, begin, strlen(begin)) == 0, "'%s'", why.text);
    ck_assert_msg(strstr(why.text, "allowed is ") && strstr(why.text, form), "'%s'", why.text);
    ck_assert_uint_eq(p.given, 0);
}

static void refuse(const char *word, const char *value, const char *form)
{
    refuse_as(POLICY_WORDS, word, value, form);
}

static void list_is(word_list list, const char *want)
{
    CLEANUP(cleanup_free) char *text = NULL;

    ck_assert_ok(value_words_text(list, ',', &text));
    ck_assert_str_eq(text, want);
}

START_TEST(defaults_are_those_of_the_design)
{
    CLEANUP(policy_clear) struct policy p = {0};

    ck_assert_ok(policy_init(&p));
    ck_assert_str_eq(p.keys, "/var/lib/jwt/jwks.json");
    ck_assert_ptr_null(p.issuer);
    ck_assert_ptr_null(p.audience);
    ck_assert_uint_eq(p.algorithms, alg_set_default());
    ck_assert_str_eq(p.user_claim, "sub");
    ck_assert_str_eq(p.token_type_claim, "token_type");
    ck_assert_str_eq(p.jti_claim, "jti");
    ck_assert_str_eq(p.type, "access");
    ck_assert_uint_eq(p.typ, 1U << JWS_TYP_JWT | 1U << JWS_TYP_AT_JWT | 1U << JWS_TYP_ABSENT);
    list_is(p.require, "iss,sub,aud,exp,iat");
    ck_assert_uint_eq(p.n_claims, 0);
    ck_assert(!p.scope_required && !p.one_time_required && !p.allow_root);
    ck_assert_int_eq(p.leeway, 5);
    ck_assert_int_eq(p.max_lifetime, 86400);
    ck_assert_uint_eq(p.max_length, 8192);
    ck_assert_str_eq(p.revoked, "/var/lib/jwt/revoked");
    ck_assert_uint_eq(p.given, 0);
}
END_TEST

START_TEST(each_word_sets_its_field_and_only_its_bit)
{
    static const struct {
        const char *word, *camel, *value, *blanks;
    } rows[] = {
        {"keys", "Keys", "/k", "/k"},
        {"issuer", "Issuer", "https://i", "https://i"},
        {"audience", "Audience", "a,b", "a  b"},
        {"algorithms", "Algorithms", "EdDSA", "EdDSA"},
        {"user_claim", "UserClaim", "name", "name"},
        {"type", "Type", "id", "id"},
        {"typ", "Typ", "application/AT+JWT,absent", "application/AT+JWT absent"},
        {"require", "Require", "sub,x", "sub x"},
        {"claim", "Claim", "n:v:w", "n:v:w"},
        {"scope", "Scope", "required", "required"},
        {"one_time", "OneTime", "required", "required"},
        {"leeway", "Leeway", "1min", "1min"},
        {"max_lifetime", "MaxLifetime", "1h 30min", "1h 30min"},
        {"max_length", "MaxLength", "511", "511"},
        {"allow_root", "AllowRoot", "yes", "yes"},
        {"revoked", "Revoked", "none", "none"},
        {"user_map", "UserMap", "/m", "/m"},
    };

    for (int style = POLICY_WORDS; style <= POLICY_CAMEL; style++) {
        CLEANUP(policy_clear) struct policy p = {0};

        ck_assert_ok(policy_init(&p));
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            ck_assert_str_eq(policy_word_at(POLICY_WORDS, i), rows[i].word);
            ck_assert_str_eq(policy_word_at(POLICY_CAMEL, i), rows[i].camel);
            ck_assert(!policy_given(&p, rows[i].word));
            set_as(&p, style, style == POLICY_CAMEL ? rows[i].camel : rows[i].word,
                   style == POLICY_CAMEL ? rows[i].blanks : rows[i].value);
            ck_assert(policy_given(&p, rows[i].word));
            ck_assert_uint_eq(p.given, (UINT64_C(1) << (i + 1)) - 1);
        }
        ck_assert_ptr_null(policy_word_at(POLICY_WORDS, sizeof(rows) / sizeof(rows[0])));
        ck_assert_str_eq(p.keys, "/k");
        ck_assert_str_eq(p.issuer, "https://i");
        list_is(p.audience, "a,b");
        ck_assert_str_eq(p.user_claim, "name");
        ck_assert_str_eq(p.type, "id");
        ck_assert_uint_eq(p.typ, 1U << JWS_TYP_AT_JWT | 1U << JWS_TYP_ABSENT);
        list_is(p.require, "sub,x");
        ck_assert_uint_eq(p.n_claims, 1);
        ck_assert_str_eq(p.claims[0].name, "n");
        ck_assert_str_eq(p.claims[0].value, "v:w");
        ck_assert(p.scope_required && p.one_time_required && p.allow_root);
        ck_assert_int_eq(p.leeway, 60);
        ck_assert_int_eq(p.max_lifetime, 5400);
        ck_assert_uint_eq(p.max_length, 511);
        ck_assert_str_eq(p.revoked, "none");
        ck_assert_str_eq(p.user_map, "/m");
    }
}
END_TEST

START_TEST(a_word_of_another_style_or_none_is_unknown)
{
    CLEANUP(policy_clear) struct policy p = {0};
    static const struct slice nul = {"keys\0", 5};

    ck_assert_ok(policy_init(&p));
    ck_assert_err(policy_set(&p, POLICY_WORDS, s("Keys"), s("/k"), NULL), TOK_UNSUPPORTED);
    ck_assert_err(policy_set(&p, POLICY_CAMEL, s("keys"), s("/k"), NULL), TOK_UNSUPPORTED);
    ck_assert_err(policy_set(&p, POLICY_WORDS, s("config"), s("/k"), NULL), TOK_UNSUPPORTED);
    ck_assert_err(policy_set(&p, POLICY_WORDS, s(""), s("/k"), NULL), TOK_UNSUPPORTED);
    ck_assert_err(policy_set(&p, POLICY_WORDS, nul, s("/k"), NULL), TOK_UNSUPPORTED);
    ck_assert(!policy_given(&p, "config"));
}
END_TEST

START_TEST(empty_never_means_any)
{
    static const char *const words[] = {"keys",       "issuer",     "audience", "algorithms",
                                        "user_claim", "typ",        "require",  "claim",
                                        "scope",      "one_time",   "leeway",   "max_lifetime",
                                        "max_length", "allow_root", "revoked",  "user_map"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        refuse(words[i], "", "");
    refuse_as(POLICY_CAMEL, "Audience", "   ", "parted by blanks");
    refuse_as(POLICY_CAMEL, "Require", "", "parted by blanks");
    refuse("audience", ",", "parted by commas");
    refuse("audience", "a,", "parted by commas");
    refuse("audience", ",a", "parted by commas");
    refuse("audience", "a,,b", "parted by commas");
}
END_TEST

START_TEST(an_empty_type_is_not_asked)
{
    CLEANUP(policy_clear) struct policy p = {0};

    ck_assert_ok(policy_init(&p));
    set(&p, "type", "");
    ck_assert_str_eq(p.type, "");
    ck_assert(policy_given(&p, "type"));
}
END_TEST

START_TEST(a_relative_path_is_refused)
{
    refuse("keys", "jwks.json", "an absolute path");
    refuse("keys", "./jwks.json", "an absolute path");
    refuse("keys", "none", "an absolute path");
    refuse("revoked", "revoked", "an absolute path or none");
    refuse("revoked", "None", "an absolute path or none");
}
END_TEST

START_TEST(names_hold_no_blanks_quotes_commas_or_controls)
{
    static const char *const bad[] = {"a b", "\"a\"", "'a'", "a\tb", "a\nb", "\x7f"};
    char longest[VALUE_NAME_MAX + 2];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CLEANUP(policy_clear) struct policy p = {0};

        ck_assert_err(policy_set(&p, POLICY_WORDS, s("issuer"), s(bad[i]), NULL), TOK_SETTINGS);
        ck_assert_err(policy_set(&p, POLICY_WORDS, s("audience"), s(bad[i]), NULL),
                      TOK_SETTINGS);
        ck_assert_err(policy_set(&p, POLICY_WORDS, s("user_claim"), s(bad[i]), NULL),
                      TOK_SETTINGS);
    }
    refuse_as(POLICY_CAMEL, "Audience", "a,b", "parted by blanks");
    memset(longest, 'a', sizeof(longest) - 1);
    longest[VALUE_NAME_MAX + 1] = '\0';
    refuse("issuer", longest, "1 to 255 bytes");
    longest[VALUE_NAME_MAX] = '\0';
    CLEANUP(policy_clear) struct policy p = {0};
    set(&p, "issuer", longest);
}
END_TEST

START_TEST(none_is_no_algorithm)
{
    refuse("algorithms", "none", "one or more of EdDSA");
    refuse("algorithms", "NONE", "one or more of EdDSA");
    refuse("algorithms", "eddsa", "one or more of EdDSA");
    refuse("algorithms", "EdDSA,none", "one or more of EdDSA");
    refuse("algorithms", "EdDSA,", "parted by commas");
}
END_TEST

START_TEST(typ_knows_three_names)
{
    CLEANUP(policy_clear) struct policy p = {0};

    set(&p, "typ", "jwt");
    ck_assert_uint_eq(p.typ, 1U << JWS_TYP_JWT);
    set(&p, "typ", "APPLICATION/JWT,Absent");
    ck_assert_uint_eq(p.typ, 1U << JWS_TYP_JWT | 1U << JWS_TYP_ABSENT);
    refuse("typ", "application/absent", "JWT, at+jwt and absent");
    refuse("typ", "application/", "JWT, at+jwt and absent");
    refuse("typ", "JOSE", "JWT, at+jwt and absent");
    refuse("typ", "JWT JWT", "parted by commas");
}
END_TEST

START_TEST(a_claim_has_a_name_and_a_value)
{
    CLEANUP(policy_clear) struct policy p = {0};

    refuse("claim", "name", "NAME:VALUE");
    refuse("claim", ":value", "NAME:VALUE");
    refuse("claim", "a b:value", "NAME:VALUE");
    set(&p, "claim", "a:");
    set(&p, "claim", "b:two words");
    ck_assert_uint_eq(p.n_claims, 2);
    ck_assert_str_eq(p.claims[0].value, "");
    ck_assert_str_eq(p.claims[1].name, "b");
    ck_assert_str_eq(p.claims[1].value, "two words");
}
END_TEST

START_TEST(numbers_and_spans_have_their_ranges)
{
    CLEANUP(policy_clear) struct policy p = {0};

    refuse("leeway", "301", "0 to 5min");
    refuse("leeway", "500ms", "whole seconds");
    refuse("leeway", "-1", "0 to 5min");
    refuse("leeway", "99999999999999999999", "0 to 5min");
    refuse("max_lifetime", "0", "1s to 3650d");
    refuse("max_lifetime", "3651d", "1s to 3650d");
    refuse("max_lifetime", "infinity", "1s to 3650d");
    refuse("max_length", "0", "1 to 65536");
    refuse("max_length", "65537", "1 to 65536");
    refuse("max_length", "010", "1 to 65536");
    refuse("max_length", "+1", "1 to 65536");
    refuse("max_length", "18446744073709551617", "1 to 65536");
    refuse("max_length", "1k", "1 to 65536");
    set(&p, "leeway", "0");
    ck_assert_int_eq(p.leeway, 0);
    set(&p, "leeway", "5min");
    ck_assert_int_eq(p.leeway, 300);
    set(&p, "max_lifetime", "3650d");
    ck_assert_int_eq(p.max_lifetime, INT64_C(3650) * 86400);
    set(&p, "max_length", "65536");
    ck_assert_uint_eq(p.max_length, 65536);
    set(&p, "max_length", "1");
    ck_assert_uint_eq(p.max_length, 1);
}
END_TEST

START_TEST(choices_take_two_words)
{
    CLEANUP(policy_clear) struct policy p = {0};

    set(&p, "scope", "required");
    set(&p, "scope", "optional");
    ck_assert(!p.scope_required);
    refuse("scope", "yes", "optional or required");
    refuse("one_time", "Required", "optional or required");
}
END_TEST

START_TEST(only_allow_root_may_stand_bare)
{
    CLEANUP(policy_clear) struct policy p = {0};
    const struct slice bare = {NULL, 0};
    struct why why;

    ck_assert_ok(policy_set(&p, POLICY_WORDS, s("allow_root"), bare, &why));
    ck_assert(p.allow_root);
    set(&p, "allow_root", "no");
    ck_assert(!p.allow_root);
    refuse("allow_root", "maybe", "yes or no");
    ck_assert_err(policy_set(&p, POLICY_CAMEL, s("AllowRoot"), bare, &why), TOK_SETTINGS);
    for (size_t i = 0; policy_word_at(POLICY_WORDS, i); i++) {
        const char *word = policy_word_at(POLICY_WORDS, i);

        if (strcmp(word, "allow_root") == 0)
            continue;
        ck_assert_err(policy_set(&p, POLICY_WORDS, s(word), bare, &why), TOK_SETTINGS);
        ck_assert_ptr_nonnull(strstr(why.text, "its value is missing; allowed is "));
    }
}
END_TEST

START_TEST(a_nul_in_a_value_never_cuts_it)
{
    CLEANUP(policy_clear) struct policy p = {0};

    ck_assert_err(policy_set(&p, POLICY_WORDS, s("keys"), (struct slice){"/k\0x", 4}, NULL),
                  TOK_SETTINGS);
    ck_assert_err(policy_set(&p, POLICY_WORDS, s("issuer"), (struct slice){"i\0x", 3}, NULL),
                  TOK_SETTINGS);
    ck_assert_err(policy_set(&p, POLICY_WORDS, s("claim"), (struct slice){"a:b\0", 4}, NULL),
                  TOK_SETTINGS);
    ck_assert_uint_eq(p.n_claims, 0);
}
END_TEST

START_TEST(words_given_override_and_others_stay)
{
    CLEANUP(policy_clear) struct policy base = {0};
    CLEANUP(policy_clear) struct policy over = {0};

    ck_assert_ok(policy_init(&base));
    set(&base, "issuer", "base");
    set(&base, "leeway", "1min");
    set(&base, "claim", "a:1");
    set(&base, "claim", "b:2");
    ck_assert_ok(policy_init(&over));
    set(&over, "issuer", "over");
    set(&over, "audience", "x,y");
    set(&over, "claim", "c:3");
    ck_assert_ok(policy_override(&base, &over));
    ck_assert_str_eq(base.issuer, "over");
    list_is(base.audience, "x,y");
    ck_assert_uint_eq(base.n_claims, 1);
    ck_assert_str_eq(base.claims[0].name, "c");
    ck_assert_int_eq(base.leeway, 60);
    ck_assert(policy_given(&base, "leeway") && policy_given(&base, "audience"));
    ck_assert(!policy_given(&base, "type"));
}
END_TEST

START_TEST(a_copy_has_every_field_and_shares_none)
{
    CLEANUP(policy_clear) struct policy p = {0};
    CLEANUP(policy_clear) struct policy copy = {0};

    ck_assert_ok(policy_init(&p));
    set(&p, "issuer", "i");
    set(&p, "audience", "a,b");
    set(&p, "claim", "a:1");
    set(&p, "allow_root", "yes");
    ck_assert_ok(policy_copy(&p, &copy));
    ck_assert_str_eq(copy.issuer, "i");
    ck_assert_ptr_ne(copy.issuer, p.issuer);
    list_is(copy.audience, "a,b");
    ck_assert_ptr_ne(copy.audience, p.audience);
    ck_assert_ptr_ne(copy.claims, p.claims);
    ck_assert_str_eq(copy.claims[0].value, "1");
    ck_assert_str_eq(copy.keys, p.keys);
    ck_assert_str_eq(copy.jti_claim, "jti");
    ck_assert_str_eq(copy.token_type_claim, "token_type");
    ck_assert(copy.allow_root);
    ck_assert_int_eq(copy.leeway, p.leeway);
    ck_assert_int_eq(copy.max_lifetime, p.max_lifetime);
    ck_assert_uint_eq(copy.max_length, p.max_length);
    ck_assert_uint_eq(copy.typ, p.typ);
    ck_assert_uint_eq(copy.algorithms, p.algorithms);
    ck_assert_uint_eq(copy.given, p.given);
}
END_TEST

/* The pinned file */

static void pin(const char *text, char path[32])
{
    int fd;

    (void)snprintf(path, 32, "/tmp/test-pinned-XXXXXX");
    fd = mkostemp(path, O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
    ck_assert_int_eq(close(fd), 0);
}

START_TEST(the_pinned_file_fills_what_is_not_known)
{
    CLEANUP(policy_clear) struct policy p = {0};
    CLEANUP(policy_clear) struct policy q = {0};
    char path[32];

    pin("Issuer=https://h\nAudience=h other\n", path);
    ck_assert_ok(policy_read_pinned(&p, path, NULL));
    ck_assert_str_eq(p.issuer, "https://h");
    list_is(p.audience, "h,other");
    ck_assert_uint_eq(p.given, 0);
    set(&q, "issuer", "mine");
    ck_assert_ok(policy_read_pinned(&q, path, NULL));
    ck_assert_str_eq(q.issuer, "mine");
    list_is(q.audience, "h,other");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_ok(policy_read_pinned(&q, path, NULL)); /* all known: not read */
}
END_TEST

START_TEST(a_pinned_file_of_another_form_is_refused_with_its_line)
{
    static const struct {
        const char *text;
        unsigned line;
    } rows[] = {
        {"", 1},
        {"Issuer=i\n", 2},
        {"Audience=a\nIssuer=i\n", 1},
        {"Issuer=\nAudience=a\n", 1},
        {"Issuer=i j\nAudience=a\n", 1},
        {"Issuer=i\nAudience=\n", 2},
        {"Issuer=i\nAudience= \n", 2},
        {"Issuer=i\r\nAudience=a\r\n", 1},
        {"Issuer=i\nAudience=a\nLeeway=1\n", 3},
        {"Issuer=i\nAudience=a\n\n", 3},
        {"#\nIssuer=i\nAudience=a\n", 1},
        {" Issuer=i\nAudience=a\n", 1},
        {"Issuer=i\n\nAudience=a\n", 2},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(policy_clear) struct policy p = {0};
        struct why why = {""};
        char path[32], begin[48];

        pin(rows[i].text, path);
        ck_assert_err(policy_read_pinned(&p, path, &why), TOK_SETTINGS);
        (void)snprintf(begin, sizeof(begin), "%s:%u: ", path, rows[i].line);
        ck_assert_msg(strncmp(why.text, begin, strlen(begin)) == 0, "%zu: %s", i, why.text);
        ck_assert_ptr_nonnull(strstr(why.text, "Issuer=NAME"));
        ck_assert_ptr_null(p.issuer);
        ck_assert_ptr_null(p.audience);
        ck_assert_int_eq(unlink(path), 0);
    }
}
END_TEST

START_TEST(a_missing_pinned_file_is_an_error_of_ours)
{
    CLEANUP(policy_clear) struct policy p = {0};
    struct why why = {""};

    ck_assert_err(policy_read_pinned(&p, "/nonexistent/issuer", &why), TOK_SETTINGS);
    ck_assert_ptr_nonnull(strstr(why.text, "/nonexistent/issuer: "));
}
END_TEST

START_TEST(user_names_are_portable)
{
    static const char *const good[] = {"a",  "alice", "A_b-c.9", "_",
                                       "9a", "host$", ".a",      "a.b"};
    static const char *const bad[] = {"",    "-a",  "123", ".",    "..",         "$",
                                      "a$b", "a b", "a/b", "a\nb", "al\xc3\xad", "a:b",
                                      "a$$", "a@b", "-",   "0",    "12$",        "..$"};
    char name[USER_NAME_MAX + 2];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(policy_user_name_ok(s(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!policy_user_name_ok(s(bad[i])), "%s", bad[i]);
    ck_assert(!policy_user_name_ok((struct slice){"alice\0", 6}));
    ck_assert(!policy_user_name_ok((struct slice){NULL, 0}));
    memset(name, 'a', sizeof(name));
    ck_assert(policy_user_name_ok((struct slice){name, USER_NAME_MAX}));
    ck_assert(!policy_user_name_ok((struct slice){name, USER_NAME_MAX + 1}));
    name[USER_NAME_MAX] = '$';
    ck_assert(!policy_user_name_ok((struct slice){name, USER_NAME_MAX + 1}));
}
END_TEST

/* The judgement. Time is 1000 throughout; the token is good but for what a test changes. */

#define REST                                                                                   \
    "\"token_type\":\"access\",\"iss\":\"https://h\",\"aud\":[\"x\",\"h\"],\"sub\":\"alice\""
#define GOOD "{" REST ",\"exp\":1900,\"iat\":1000}"

struct case_ {
    struct policy policy;
    const char *user, *service;
    const struct usermap *map;
    bool spends;
    int64_t now;
    char got[USER_NAME_MAX + 1];
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

static enum tok_err judge(struct case_ *c, const char *payload)
{
    const struct claims_names names = {.user = c->policy.user_claim,
                                       .token_type = c->policy.token_type_claim,
                                       .jti = c->policy.jti_claim};
    struct policy_ask ask = {.now = c->now, .map = c->map, .spends = c->spends};
    struct claims *claims = calloc(1, sizeof(*claims));
    enum tok_err err;

    ck_assert_ptr_nonnull(claims);
    if (c->user)
        ask.user = s(c->user);
    if (c->service)
        ask.service = s(c->service);
    (void)snprintf(c->got, sizeof(c->got), "untouched");
    err = claims_read(s(payload), &names, claims);
    if (!err)
        err = policy_judge(&c->policy, claims, &ask, c->got);
    free(claims);
    if (err)
        ck_assert_str_eq(c->got, "untouched");
    return err;
}

START_TEST(a_good_token_names_its_user)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_ok(judge(&c, GOOD));
    ck_assert_str_eq(c.got, "alice");
    c.user = "alice";
    c.service = "sshd";
    ck_assert_ok(judge(&c, GOOD));
}
END_TEST

START_TEST(each_required_claim_is_missed)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(judge(&c, "{" REST ",\"iat\":1000}"), TOK_MISSING);
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900}"), TOK_MISSING);
    ck_assert_err(judge(&c, "{\"token_type\":\"access\",\"aud\":\"h\",\"sub\":\"alice\","
                            "\"exp\":1900,\"iat\":1000}"),
                  TOK_MISSING);
    ck_assert_err(judge(&c, "{\"token_type\":\"access\",\"iss\":\"https://h\","
                            "\"sub\":\"alice\",\"exp\":1900,\"iat\":1000}"),
                  TOK_MISSING);
    ck_assert_err(judge(&c, "{\"token_type\":\"access\",\"iss\":\"https://h\",\"aud\":\"h\","
                            "\"exp\":1900,\"iat\":1000}"),
                  TOK_MISSING);
    set(&c.policy, "require", "jti,x");
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"jti\":\"1\"}"), TOK_MISSING);
    ck_assert_ok(judge(&c, "{" REST ",\"exp\":1900,\"jti\":\"1\",\"x\":0}"));
}
END_TEST

START_TEST(exp_is_required_whatever_the_list_says)
{
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "require", "sub");
    ck_assert_err(judge(&c, "{" REST ",\"iat\":1000}"), TOK_MISSING);
}
END_TEST

START_TEST(null_is_a_wrong_type_or_an_absence)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(judge(&c, "{" REST ",\"exp\":null,\"iat\":1000}"), TOK_CLAIM_TYPE);
    ck_assert_err(judge(&c, "{\"token_type\":\"access\",\"iss\":\"https://h\",\"aud\":\"h\","
                            "\"sub\":null,\"exp\":1900,\"iat\":1000}"),
                  TOK_CLAIM_TYPE);
    set(&c.policy, "require", "x");
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"x\":null}"), TOK_MISSING);
}
END_TEST

START_TEST(exp_at_now_is_expired)
{
    CLEANUP(case_clear) struct case_ c = local();

    c.now = 1899;
    ck_assert_ok(judge(&c, GOOD));
    c.now = 1900;
    ck_assert_err(judge(&c, GOOD), TOK_EXPIRED);
    set(&c.policy, "leeway", "5s");
    ck_assert_ok(judge(&c, GOOD));
    c.now = 1904;
    ck_assert_ok(judge(&c, GOOD));
    c.now = 1905;
    ck_assert_err(judge(&c, GOOD), TOK_EXPIRED);
    c.now = INT64_MAX;
    ck_assert_err(judge(&c, GOOD), TOK_EXPIRED);
}
END_TEST

START_TEST(a_fraction_of_exp_is_cut)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(judge(&c, "{" REST ",\"exp\":1000.9,\"iat\":900}"), TOK_EXPIRED);
    ck_assert_ok(judge(&c, "{" REST ",\"exp\":1001.0,\"iat\":900}"));
}
END_TEST

START_TEST(nbf_and_iat_may_not_be_ahead)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_ok(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"nbf\":1000}"));
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"nbf\":1001}"), TOK_NOT_YET);
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"nbf\":1000.1}"),
                  TOK_NOT_YET);
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1001}"), TOK_NOT_YET);
    set(&c.policy, "leeway", "5s");
    ck_assert_ok(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1005,\"nbf\":1005}"));
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"nbf\":1006}"), TOK_NOT_YET);
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1006}"), TOK_NOT_YET);
    c.now = INT64_MIN;
    ck_assert_err(judge(&c, GOOD), TOK_NOT_YET);
}
END_TEST

START_TEST(a_lifetime_has_its_limit)
{
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "max_lifetime", "900");
    ck_assert_ok(judge(&c, GOOD));
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":999}"), TOK_LIFETIME);
    /* Without iat, what is left is all that is known of it. */
    set(&c.policy, "require", "sub");
    ck_assert_ok(judge(&c, "{" REST ",\"exp\":1900}"));
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1901}"), TOK_LIFETIME);
    c.now = INT64_MIN;
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900}"), TOK_LIFETIME);
    c.now = 1000;
    ck_assert_err(judge(&c, "{" REST ",\"exp\":9007199254740991,\"iat\":-9007199254740991}"),
                  TOK_LIFETIME);
}
END_TEST

START_TEST(another_issuer_is_refused)
{
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "issuer", "https://H");
    ck_assert_err(judge(&c, GOOD), TOK_ISSUER);
    set(&c.policy, "issuer", "https://h/");
    ck_assert_err(judge(&c, GOOD), TOK_ISSUER);
    set(&c.policy, "issuer", "https://");
    ck_assert_err(judge(&c, GOOD), TOK_ISSUER);
    set(&c.policy, "issuer", "https://h");
    ck_assert_err(judge(&c, "{\"token_type\":\"access\",\"iss\":\"https://h\\u0000\","
                            "\"aud\":\"h\",\"sub\":\"alice\",\"exp\":1900,\"iat\":1000}"),
                  TOK_ISSUER);
    ck_assert_ok(judge(&c, "{\"token_type\":\"access\",\"iss\":\"https:\\/\\/h\","
                           "\"aud\":\"h\",\"sub\":\"alice\",\"exp\":1900,\"iat\":1000}"));
    set(&c.policy, "require", "sub");
    ck_assert_err(judge(&c, "{\"token_type\":\"access\",\"aud\":\"h\",\"sub\":\"alice\","
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
    ck_assert_err(judge(&c, GOOD), TOK_ISSUER);
    c.policy.issuer = empty;
    ck_assert_err(judge(&c, "{\"token_type\":\"access\",\"iss\":\"\",\"aud\":\"h\","
                            "\"sub\":\"alice\",\"exp\":1900,\"iat\":1000}"),
                  TOK_ISSUER);
    c.policy.issuer = issuer;
    c.policy.audience = NULL;
    ck_assert_err(judge(&c, GOOD), TOK_AUDIENCE);
    c.policy.audience = none;
    ck_assert_err(judge(&c, GOOD), TOK_AUDIENCE);
    c.policy.audience = blank;
    ck_assert_err(judge(&c, "{\"token_type\":\"access\",\"iss\":\"https://h\",\"aud\":\"\","
                            "\"sub\":\"alice\",\"exp\":1900,\"iat\":1000}"),
                  TOK_AUDIENCE);
    c.policy.audience = audience;
}
END_TEST

START_TEST(any_one_audience_will_do)
{
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "audience", "y,x");
    ck_assert_ok(judge(&c, GOOD));
    set(&c.policy, "audience", "y,z");
    ck_assert_err(judge(&c, GOOD), TOK_AUDIENCE);
    set(&c.policy, "require", "sub");
    ck_assert_err(judge(&c, "{\"token_type\":\"access\",\"iss\":\"https://h\","
                            "\"sub\":\"alice\",\"exp\":1900}"),
                  TOK_AUDIENCE);
}
END_TEST

START_TEST(another_token_type_is_refused)
{
    static const char refresh[] = "{\"token_type\":\"refresh\",\"iss\":\"https://h\","
                                  "\"aud\":\"h\",\"sub\":\"alice\",\"exp\":1900,\"iat\":1000}";
    static const char untyped[] = "{\"iss\":\"https://h\",\"aud\":\"h\",\"sub\":\"alice\","
                                  "\"exp\":1900,\"iat\":1000}";
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(judge(&c, refresh), TOK_TYPE);
    ck_assert_err(judge(&c, untyped), TOK_TYPE);
    set(&c.policy, "type", "refresh");
    ck_assert_ok(judge(&c, refresh));
    ck_assert_err(judge(&c, GOOD), TOK_TYPE);
    set(&c.policy, "type", "");
    ck_assert_ok(judge(&c, untyped));
    ck_assert_ok(judge(&c, refresh));
}
END_TEST

START_TEST(claims_asked_must_equal)
{
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "claim", "dept:ops");
    ck_assert_err(judge(&c, GOOD), TOK_CLAIM);
    ck_assert_ok(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":\"o\\u0070s\"}"));
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":\"ops2\"}"), TOK_CLAIM);
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":[\"ops\"]}"), TOK_CLAIM);
    set(&c.policy, "claim", "level:3");
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":\"ops\",\"level\":4}"),
                  TOK_CLAIM);
    ck_assert_ok(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":\"ops\",\"level\":3}"));
    set(&c.policy, "claim", "ok:true");
    ck_assert_ok(judge(
        &c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":\"ops\",\"level\":3,\"ok\":true}"));
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":\"ops\",\"level\":3,"
                            "\"ok\":false}"),
                  TOK_CLAIM);
    set(&c.policy, "claim", "no:null");
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1,\"dept\":\"ops\",\"level\":3,"
                            "\"ok\":true,\"no\":null}"),
                  TOK_CLAIM);
}
END_TEST

START_TEST(a_bound_token_is_no_bearer_token)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"cnf\":{\"jkt\":\"x\"}}"),
                  TOK_BOUND);
}
END_TEST

static enum tok_err judge_scope(struct case_ *c, const char *scope)
{
    char payload[512];

    (void)snprintf(payload, sizeof(payload), "{" REST ",\"exp\":1900,\"iat\":1000,%s%s%s}",
                   "\"scope\":\"", scope, "\"");
    return judge(c, payload);
}

START_TEST(pam_words_of_a_scope_bind)
{
    CLEANUP(case_clear) struct case_ c = local();

    c.service = "sshd";
    ck_assert_ok(judge_scope(&c, ""));
    ck_assert_ok(judge_scope(&c, "read write"));
    ck_assert_ok(judge_scope(&c, "read xpam:sudo"));
    ck_assert_ok(judge_scope(&c, "pam:sshd"));
    ck_assert_ok(judge_scope(&c, "read pam:sudo pam:sshd"));
    ck_assert_ok(judge_scope(&c, "pam:*"));
    ck_assert_ok(judge_scope(&c, "\\u0070am:sshd"));
    ck_assert_err(judge_scope(&c, "pam:sudo"), TOK_SCOPE);
    ck_assert_err(judge_scope(&c, "read \\u0070am:sudo"), TOK_SCOPE);
    ck_assert_err(judge_scope(&c, "pam:ssh pam:sshd2 pam:SSHD"), TOK_SCOPE);
    ck_assert_err(judge_scope(&c, "pam:"), TOK_SCOPE);
    ck_assert_err(judge_scope(&c, "pam:s*"), TOK_SCOPE);
    c.service = "";
    ck_assert_err(judge_scope(&c, "pam:"), TOK_SCOPE);
    c.service = NULL;
    ck_assert_ok(judge_scope(&c, "pam:sudo"));
}
END_TEST

START_TEST(a_scope_that_is_required_must_hold_the_service)
{
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "scope", "required");
    c.service = "sshd";
    ck_assert_err(judge(&c, GOOD), TOK_SCOPE);
    ck_assert_err(judge_scope(&c, "read"), TOK_SCOPE);
    ck_assert_err(judge_scope(&c, "sshd"), TOK_SCOPE);
    ck_assert_err(judge_scope(&c, "pam:sudo"), TOK_SCOPE);
    ck_assert_ok(judge_scope(&c, "read pam:sshd"));
    ck_assert_ok(judge_scope(&c, "pam:*"));
    c.service = NULL;
    ck_assert_err(judge(&c, GOOD), TOK_SCOPE);
    ck_assert_err(judge_scope(&c, "read"), TOK_SCOPE);
    ck_assert_ok(judge_scope(&c, "pam:sudo"));
}
END_TEST

START_TEST(a_one_time_token_is_refused_and_so_is_another_where_one_is_asked)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"one_time\":true}"),
                  TOK_ONE_TIME);
    ck_assert_ok(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"one_time\":false}"));
    set(&c.policy, "one_time", "required");
    ck_assert_err(judge(&c, GOOD), TOK_ONE_TIME);
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"one_time\":true}"),
                  TOK_ONE_TIME);
}
END_TEST

START_TEST(who_spends_takes_a_one_time_token_that_can_be_kept_to_one_use)
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

    c.spends = true;
    set(&c.policy, "leeway", "60");
    set(&c.policy, "require", "sub");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char payload[256];

        (void)snprintf(payload, sizeof(payload),
                       "{\"token_type\":\"access\",\"iss\":\"https://h\",\"sub\":\"alice\","
                       "\"exp\":1900,\"one_time\":true,%s}",
                       rows[i].claims);
        ck_assert_err(judge(&c, payload), rows[i].err);
    }
    set(&c.policy, "one_time", "required");
    ck_assert_err(judge(&c, GOOD), TOK_ONE_TIME);
}
END_TEST

static enum tok_err judge_sub(struct case_ *c, const char *sub)
{
    char payload[600];

    (void)snprintf(payload, sizeof(payload),
                   "{\"token_type\":\"access\",\"iss\":\"https://h\",\"aud\":\"h\",\"sub\":%s,"
                   "\"exp\":1900,\"iat\":1000}",
                   sub);
    return judge(c, payload);
}

START_TEST(the_user_must_be_the_one_asked_for)
{
    CLEANUP(case_clear) struct case_ c = local();

    c.user = "carol";
    ck_assert_err(judge(&c, GOOD), TOK_USER);
    c.user = "alic";
    ck_assert_err(judge(&c, GOOD), TOK_USER);
    c.user = "Alice";
    ck_assert_err(judge(&c, GOOD), TOK_USER);
    c.user = "";
    ck_assert_err(judge(&c, GOOD), TOK_USER);
    c.user = "alice";
    ck_assert_ok(judge_sub(&c, "\"\\u0061lice\""));
}
END_TEST

START_TEST(a_user_claim_that_is_no_portable_name_is_refused)
{
    CLEANUP(case_clear) struct case_ c = local();
    char longest[USER_NAME_MAX + 4] = "\"";

    ck_assert_err(judge_sub(&c, "\"\""), TOK_USER_NAME);
    ck_assert_err(judge_sub(&c, "\"alice\\u0000\""), TOK_USER_NAME);
    ck_assert_err(judge_sub(&c, "\"1000\""), TOK_USER_NAME);
    ck_assert_err(judge_sub(&c, "\"-alice\""), TOK_USER_NAME);
    ck_assert_err(judge_sub(&c, "\"al ice\""), TOK_USER_NAME);
    ck_assert_err(judge_sub(&c, "1000"), TOK_CLAIM_TYPE);
    memset(longest + 1, 'a', USER_NAME_MAX + 1);
    longest[USER_NAME_MAX + 2] = '"';
    ck_assert_err(judge_sub(&c, longest), TOK_USER_NAME);
    longest[USER_NAME_MAX + 1] = '"';
    longest[USER_NAME_MAX + 2] = '\0';
    ck_assert_ok(judge_sub(&c, longest));
    ck_assert_uint_eq(strlen(c.got), USER_NAME_MAX);
}
END_TEST

START_TEST(another_user_claim_is_read_where_it_is_named)
{
    CLEANUP(case_clear) struct case_ c = local();

    set(&c.policy, "user_claim", "login");
    ck_assert_err(judge(&c, GOOD), TOK_MISSING);
    ck_assert_ok(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"login\":\"carol\"}"));
    ck_assert_str_eq(c.got, "carol");
    ck_assert_err(judge(&c, "{" REST ",\"exp\":1900,\"iat\":1000,\"login\":[\"carol\"]}"),
                  TOK_CLAIM_TYPE);
}
END_TEST

START_TEST(with_a_map_the_claim_is_anything_and_the_user_is_the_maps)
{
    static const char text[] = "https://h a:b/c deploy\nhttps://h alice carol\n"
                               "https://h boss root\nhttps://other x deploy\n";
    CLEANUP(case_clear) struct case_ c = local();
    CLEANUP(usermap_clear) struct usermap map = {0};

    ck_assert_ok(usermap_parse("m", s(text), &map, NULL));
    c.map = &map;
    c.user = "deploy";
    ck_assert_ok(judge_sub(&c, "\"a:b\\/c\""));
    ck_assert_str_eq(c.got, "deploy");
    c.user = "alice";
    ck_assert_err(judge_sub(&c, "\"a:b/c\""), TOK_USER);
    /* Likeness is nothing: the map says who alice is. */
    ck_assert_err(judge_sub(&c, "\"alice\""), TOK_USER);
    ck_assert_err(judge_sub(&c, "\"bob\""), TOK_UNMAPPED);
    ck_assert_err(judge_sub(&c, "\"x\""), TOK_UNMAPPED);
    ck_assert_err(judge_sub(&c, "\"\""), TOK_UNMAPPED);
    ck_assert_err(judge_sub(&c, "7"), TOK_CLAIM_TYPE);
    c.user = NULL;
    ck_assert_err(judge_sub(&c, "\"boss\""), TOK_ROOT);
    set(&c.policy, "allow_root", "yes");
    ck_assert_ok(judge_sub(&c, "\"boss\""));
}
END_TEST

START_TEST(root_is_refused_unless_allowed)
{
    CLEANUP(case_clear) struct case_ c = local();

    ck_assert_err(judge_sub(&c, "\"root\""), TOK_ROOT);
    c.user = "root";
    ck_assert_err(judge_sub(&c, "\"root\""), TOK_ROOT);
    ck_assert_err(judge(&c, GOOD), TOK_USER);
    set(&c.policy, "allow_root", "yes");
    ck_assert_ok(judge_sub(&c, "\"root\""));
}
END_TEST

/* A token with every fault; each step mends the one that was told. */
START_TEST(the_first_fault_in_the_order_of_the_header_is_told)
{
    static const struct {
        enum tok_err want;
        const char *mend, *by;
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
        char *at = strstr(payload, steps[i].mend);

        ck_assert_err(judge(&c, payload), steps[i].want);
        ck_assert_ptr_nonnull(at);
        (void)snprintf(next, sizeof(next), "%.*s%s%s", (int)(at - payload), payload,
                       steps[i].by, at + strlen(steps[i].mend));
        memcpy(payload, next, sizeof(payload));
    }
    ck_assert_ok(judge(&c, payload));
}
END_TEST

UNIT_MAIN("policy", defaults_are_those_of_the_design, each_word_sets_its_field_and_only_its_bit,
          a_word_of_another_style_or_none_is_unknown, empty_never_means_any,
          an_empty_type_is_not_asked, a_relative_path_is_refused,
          names_hold_no_blanks_quotes_commas_or_controls, none_is_no_algorithm,
          typ_knows_three_names, a_claim_has_a_name_and_a_value,
          numbers_and_spans_have_their_ranges, choices_take_two_words,
          only_allow_root_may_stand_bare, a_nul_in_a_value_never_cuts_it,
          words_given_override_and_others_stay, a_copy_has_every_field_and_shares_none,
          the_pinned_file_fills_what_is_not_known,
          a_pinned_file_of_another_form_is_refused_with_its_line,
          a_missing_pinned_file_is_an_error_of_ours, user_names_are_portable,
          a_good_token_names_its_user, each_required_claim_is_missed,
          exp_is_required_whatever_the_list_says, null_is_a_wrong_type_or_an_absence,
          exp_at_now_is_expired, a_fraction_of_exp_is_cut, nbf_and_iat_may_not_be_ahead,
          a_lifetime_has_its_limit, another_issuer_is_refused,
          an_unknown_issuer_or_audience_of_ours_refuses_everything, any_one_audience_will_do,
          another_token_type_is_refused, claims_asked_must_equal,
          a_bound_token_is_no_bearer_token, pam_words_of_a_scope_bind,
          a_scope_that_is_required_must_hold_the_service,
          a_one_time_token_is_refused_and_so_is_another_where_one_is_asked,
          who_spends_takes_a_one_time_token_that_can_be_kept_to_one_use,
          the_user_must_be_the_one_asked_for, a_user_claim_that_is_no_portable_name_is_refused,
          another_user_claim_is_read_where_it_is_named,
          with_a_map_the_claim_is_anything_and_the_user_is_the_maps,
          root_is_refused_unless_allowed, the_first_fault_in_the_order_of_the_header_is_told)
