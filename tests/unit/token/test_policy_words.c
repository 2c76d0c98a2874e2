/* How the words of a policy are spelled, and the file that the issuer publishes. */
#include "common/base/file.h"
#include "tests/unit/token/policy_unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void is_refusal(const struct errmsg *errmsg, const char *name, const char *value,
                       const char *form)
{
    char begin[300];

    (void)snprintf(begin, sizeof(begin), "%s=%.100s: expected ", name, value);
    ck_assert_msg(strncmp(errmsg->text, begin, strlen(begin)) == 0, "'%s'", errmsg->text);
    ck_assert_msg(strstr(errmsg->text, form) != NULL, "'%s'", errmsg->text);
}

static void refuse(const char *word, const char *value, const char *form)
{
    CLEANUP(policy_clear) struct policy p = {0};
    struct errmsg errmsg = {""};

    ck_assert_ok(policy_init(&p));
    ck_assert_err(policy_set(&p, slice_of(word), slice_of(value), &errmsg), TOK_SETTINGS);
    is_refusal(&errmsg, word, value, form);
    ck_assert_uint_eq(p.given, 0);
}

/* Sets what a file spells so. */
static enum tok_err set_key(struct policy *p, const char *key, const char *value,
                            struct errmsg *errmsg)
{
    const struct keyword *k = keyword_find(policy_keywords, NULL, slice_of(key));
    const struct keyword_value v = {k, slice_of(key), slice_of(value), ' '};

    ck_assert_ptr_nonnull(k);
    return policy_assign(p, &v, errmsg);
}

static void refuse_key(const char *key, const char *value, const char *form)
{
    CLEANUP(policy_clear) struct policy p = {0};
    struct errmsg errmsg = {""};

    ck_assert_ok(policy_init(&p));
    ck_assert_err(set_key(&p, key, value, &errmsg), TOK_SETTINGS);
    is_refusal(&errmsg, key, value, form);
    ck_assert_uint_eq(p.given, 0);
}

static void list_is(word_list list, const char *want)
{
    CLEANUP(cleanup_free) char *text = NULL;

    ck_assert_ok(word_list_format(list, ',', &text));
    ck_assert_str_eq(text, want);
}

START_TEST(defaults_are_those_of_the_design)
{
    CLEANUP(policy_clear) struct policy p = {0};

    ck_assert_ok(policy_init(&p));
    ck_assert_str_eq(p.keys, "/var/lib/jwt/jwks.json");
    ck_assert_ptr_null(p.issuer);
    ck_assert_ptr_null(p.audience);
    ck_assert_str_eq(p.host_keys, "/etc/ssh/ssh_host_*_key.pub");
    ck_assert_uint_eq(p.algorithms, alg_set_default());
    ck_assert_str_eq(p.user_claim, "sub");
    ck_assert_str_eq(p.token_type_claim, "token_type");
    ck_assert_str_eq(p.jti_claim, "jti");
    ck_assert_str_eq(p.type, "access");
    ck_assert_uint_eq(p.typ, 1U << JWS_TYP_JWT | 1U << JWS_TYP_AT_JWT | 1U << JWS_TYP_ABSENT);
    list_is(p.require, "iss,sub,aud,exp,iat");
    ck_assert_ptr_null(p.claims);
    ck_assert(!p.scope_required && !p.one_time_required && !p.allow_root);
    ck_assert_int_eq(p.leeway, 5);
    ck_assert_int_eq(p.max_lifetime, 86400);
    ck_assert_uint_eq(p.max_length, 8192);
    ck_assert_str_eq(p.revoked, "/var/lib/jwt/revoked");
    ck_assert_uint_eq(p.given, 0);
}
END_TEST

START_TEST(each_word_sets_one_member_and_one_bit)
{
    static const struct {
        const char *word, *camel, *value, *blanks;
    } rows[] =
        {
            {"keys", "Keys", "/k", "/k"},
            {"issuer", "Issuer", "https://i", "https://i"},
            {"audience", "Audience", "a,b", "a  b"},
            {"audience_claim", "AudienceClaim", "azp", "azp"},
            {"host_keys", "HostKeys", "/h*.pub", "/h*.pub"},
            {"algorithms", "Algorithms", "EdDSA", "EdDSA"},
            {"user_claim", "UserClaim", "name", "name"},
            {"type", "Type", "id", "id"},
            {"typ", "Typ", "application/AT+JWT,absent", "application/AT+JWT absent"},
            {"require", "Require", "sub,x", "sub x"},
            {"claim", "Claim", "n.m:v:w", "n.m:v:w"},
            {"scope", "Scope", "required", "required"},
            {"one_time", "OneTime", "required", "required"},
            {"leeway", "Leeway", "1min", "1min"},
            {"max_lifetime", "MaxLifetime", "1h 30min", "1h 30min"},
            {"max_length", "MaxLength", "511", "511"},
            {"allow_root", "AllowRoot", "yes", "yes"},
            {"revoked", "Revoked", "none", "none"},
            {"revoked_max_age", "RevokedMaxAge", "1h", "1h"},
            {"user_map", "UserMap", "/m", "/m"},
        },
      files[] = {
          {"keys_url", "KeysUrl", NULL, NULL},
          {"exchange", "Exchange", NULL, NULL},
          {"session", "Session", NULL, NULL},
          {"exchange_lifetime", "ExchangeLifetime", NULL, NULL},
      };

    for (int in_file = 0; in_file <= 1; in_file++) {
        CLEANUP(policy_clear) struct policy p = {0};

        ck_assert_ok(policy_init(&p));
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            ck_assert_str_eq(policy_keywords[i].name, rows[i].camel);
            ck_assert(!policy_given(&p, rows[i].word));
            if (in_file)
                ck_assert_ok(set_key(&p, rows[i].camel, rows[i].blanks, NULL));
            else
                set(&p, rows[i].word, rows[i].value);
            ck_assert(policy_given(&p, rows[i].word));
            ck_assert_uint_eq(p.given, (UINT64_C(1) << (i + 1)) - 1);
        }
        /* No words: a stack fetches and exchanges nothing. */
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
            ck_assert_str_eq(policy_keywords[sizeof(rows) / sizeof(rows[0]) + i].name,
                             files[i].camel);
            ck_assert_err(policy_set(&p, slice_of(files[i].word), SLICE("yes"), NULL),
                          TOK_UNSUPPORTED);
        }
        ck_assert_ptr_null(
            policy_keywords[(sizeof(rows) + sizeof(files)) / sizeof(rows[0])].name);
        ck_assert_str_eq(p.keys, "/k");
        ck_assert_str_eq(p.issuer, "https://i");
        list_is(p.audience, "a,b");
        ck_assert_str_eq(p.host_keys, "/h*.pub");
        ck_assert_str_eq(p.user_claim, "name");
        ck_assert_str_eq(p.type, "id");
        ck_assert_uint_eq(p.typ, 1U << JWS_TYP_AT_JWT | 1U << JWS_TYP_ABSENT);
        list_is(p.require, "sub,x");
        list_is(p.claims, "n.m:v:w");
        ck_assert(p.scope_required && p.one_time_required && p.allow_root);
        ck_assert_int_eq(p.leeway, 60);
        ck_assert_int_eq(p.max_lifetime, 5400);
        ck_assert_uint_eq(p.max_length, 511);
        ck_assert_str_eq(p.revoked, "none");
        ck_assert_str_eq(p.user_map, "/m");
    }
}
END_TEST

START_TEST(a_word_has_one_spelling)
{
    static const char *const wrong[] = {
        "",           "Keys",        "key",        "keys_",      "_keys",
        "userclaim",  "user__claim", "user_Claim", "User_Claim", "user_claims",
        "user-claim", "user_",       "config",
    };
    CLEANUP(policy_clear) struct policy p = {0};

    ck_assert_ok(policy_init(&p));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_err(policy_set(&p, slice_of(wrong[i]), SLICE("/k"), NULL), TOK_UNSUPPORTED);
    ck_assert_err(policy_set(&p, SLICE("keys\0"), SLICE("/k"), NULL), TOK_UNSUPPORTED);
    ck_assert_uint_eq(p.given, 0);
    ck_assert_ptr_null(keyword_find(policy_keywords, NULL, SLICE("keys")));
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
    refuse_key("Audience", "   ", "separated by spaces");
    refuse_key("Require", "", "separated by spaces");
    refuse_key("Algorithms", "", "separated by spaces");
    refuse_key("Typ", "  ", "separated by spaces");
    refuse("audience", ",", "separated by commas");
    refuse("audience", "a,", "separated by commas");
    refuse("audience", ",a", "separated by commas");
    refuse("audience", "a,,b", "separated by commas");
    refuse("audience", "a,b#k", "without spaces, quotes, commas and '#'");
}
END_TEST

START_TEST(an_empty_type_accepts_any)
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

START_TEST(names_have_no_spaces_quotes_commas_or_controls)
{
    static const char *const bad[] = {"a b", "\"a\"", "'a'", "a\tb", "a\nb", "\x7f"};
    char longest[VALUE_NAME_MAX + 2];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CLEANUP(policy_clear) struct policy p = {0};

        ck_assert_err(policy_set(&p, slice_of("issuer"), slice_of(bad[i]), NULL), TOK_SETTINGS);
        ck_assert_err(policy_set(&p, slice_of("user_claim"), slice_of(bad[i]), NULL),
                      TOK_SETTINGS);
    }
    refuse_key("Audience", "a,b", "separated by spaces");
    refuse("audience", "\"a b\"", "without spaces");
    refuse("audience", "\"a\"b", "without spaces");
    memset(longest, 'a', sizeof(longest) - 1);
    longest[VALUE_NAME_MAX + 1] = '\0';
    refuse("issuer", longest, "1 to 255 bytes");
    longest[VALUE_NAME_MAX] = '\0';
    CLEANUP(policy_clear) struct policy p = {0};
    set(&p, "issuer", longest);
}
END_TEST

START_TEST(none_is_not_an_algorithm)
{
    refuse("algorithms", "none", "one or more of EdDSA");
    refuse("algorithms", "NONE", "one or more of EdDSA");
    refuse("algorithms", "eddsa", "one or more of EdDSA");
    refuse("algorithms", "EdDSA,none", "one or more of EdDSA");
    refuse("algorithms", "EdDSA,", "separated by commas");
}
END_TEST

START_TEST(typ_has_three_names)
{
    CLEANUP(policy_clear) struct policy p = {0};

    set(&p, "typ", "jwt");
    ck_assert_uint_eq(p.typ, 1U << JWS_TYP_JWT);
    set(&p, "typ", "APPLICATION/JWT,Absent");
    ck_assert_uint_eq(p.typ, 1U << JWS_TYP_JWT | 1U << JWS_TYP_ABSENT);
    refuse("typ", "application/absent", "JWT, at+jwt and absent");
    refuse("typ", "application/", "JWT, at+jwt and absent");
    refuse("typ", "JOSE", "JWT, at+jwt and absent");
    refuse("typ", "JWT JWT", "separated by commas");
}
END_TEST

START_TEST(a_claim_has_a_name_and_a_value)
{
    CLEANUP(policy_clear) struct policy p = {0};

    static const char *const bad[] = {
        "name",  ":value",   "a b:value", "a.:v",  ".a:v",     "a..b:v",      "\"\":v",
        "\"a:v", "\"a\"b:v", "a\"b\":v",  "a:\"v", "a:\"v\"w", "https://x/y", ""};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refuse("claim", bad[i], "PATH:VALUE");
    set(&p, "claim", "a:");
    set(&p, "claim", "b:two words");
    set(&p, "claim", "\"urn:x.y\".z:\"v w\", \"\"");
    set(&p, "claim", "https://x.y:1/z:v");
    list_is(p.claims, "a:,b:two words,\"urn:x.y\".z:\"v w\", \"\",https://x.y:1/z:v");
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

START_TEST(only_allow_root_may_lack_a_value)
{
    CLEANUP(policy_clear) struct policy p = {0};
    const struct slice bare = {NULL, 0};
    struct errmsg errmsg;

    ck_assert_ok(policy_set(&p, slice_of("allow_root"), bare, &errmsg));
    ck_assert(p.allow_root);
    set(&p, "allow_root", "no");
    ck_assert(!p.allow_root);
    refuse("allow_root", "maybe", "yes or no");
    for (const struct keyword *k = policy_keywords; k->name; k++) {
        const struct keyword_value v = {.k = k, .name = slice_of(k->name), .separator = ','};

        if (strcmp(k->name, "AllowRoot") == 0)
            continue;
        ck_assert_err(policy_assign(&p, &v, &errmsg), TOK_SETTINGS);
        ck_assert_ptr_nonnull(strstr(errmsg.text, " has no value: expected "));
    }
}
END_TEST

START_TEST(a_value_with_a_nul_is_refused)
{
    CLEANUP(policy_clear) struct policy p = {0};

    ck_assert_err(policy_set(&p, slice_of("keys"), (struct slice){"/k\0x", 4}, NULL),
                  TOK_SETTINGS);
    ck_assert_err(policy_set(&p, slice_of("issuer"), (struct slice){"i\0x", 3}, NULL),
                  TOK_SETTINGS);
    ck_assert_err(policy_set(&p, slice_of("claim"), (struct slice){"a:b\0", 4}, NULL),
                  TOK_SETTINGS);
    list_is(p.claims, "");
}
END_TEST

START_TEST(words_that_are_set_override_and_others_stay)
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
    list_is(base.claims, "c:3");
    ck_assert_int_eq(base.leeway, 60);
    ck_assert(policy_given(&base, "leeway") && policy_given(&base, "audience"));
    ck_assert(!policy_given(&base, "type"));
}
END_TEST

START_TEST(a_copy_has_every_member_and_shares_no_memory)
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
    list_is(copy.claims, "a:1");
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
    NEEDS_ROOT();
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
    NEEDS_ROOT();
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
        {"Issuer=i\nAudience=a#k\n", 2},
        {"Issuer=i\nAudience=a b#\n", 2},
        {"Issuer=i\r\nAudience=a\r\n", 1},
        {"Issuer=i\nAudience=a\nLeeway=1\n", 3},
        {"Issuer=i\nAudience=a\n\n", 3},
        {"#\nIssuer=i\nAudience=a\n", 1},
        {" Issuer=i\nAudience=a\n", 1},
        {"Issuer=i\n\nAudience=a\n", 2},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(policy_clear) struct policy p = {0};
        struct errmsg errmsg = {""};
        char path[32], begin[48];

        pin(rows[i].text, path);
        ck_assert_err(policy_read_pinned(&p, path, &errmsg), TOK_SETTINGS);
        (void)snprintf(begin, sizeof(begin), "%s:%u: ", path, rows[i].line);
        ck_assert_msg(strncmp(errmsg.text, begin, strlen(begin)) == 0, "%zu: %s", i,
                      errmsg.text);
        ck_assert_ptr_nonnull(strstr(errmsg.text, "Issuer=NAME"));
        ck_assert_ptr_null(p.issuer);
        ck_assert_ptr_null(p.audience);
        ck_assert_int_eq(unlink(path), 0);
    }
}
END_TEST

START_TEST(a_missing_pinned_file_is_an_error_of_ours)
{
    CLEANUP(policy_clear) struct policy p = {0};
    struct errmsg errmsg = {""};

    ck_assert_err(policy_read_pinned(&p, "/nonexistent/issuer", &errmsg), TOK_SETTINGS);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "/nonexistent/issuer: "));
}
END_TEST

UNIT_MAIN("policy_words", defaults_are_those_of_the_design,
          each_word_sets_one_member_and_one_bit, a_word_has_one_spelling, empty_never_means_any,
          an_empty_type_accepts_any, a_relative_path_is_refused,
          names_have_no_spaces_quotes_commas_or_controls, none_is_not_an_algorithm,
          typ_has_three_names, a_claim_has_a_name_and_a_value,
          numbers_and_spans_have_their_ranges, choices_take_two_words,
          only_allow_root_may_lack_a_value, a_value_with_a_nul_is_refused,
          words_that_are_set_override_and_others_stay,
          a_copy_has_every_member_and_shares_no_memory, the_pinned_file_fills_what_is_not_known,
          a_pinned_file_of_another_form_is_refused_with_its_line,
          a_missing_pinned_file_is_an_error_of_ours)
