#include "settings.h"

#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct slice s(const char *text)
{
    return (struct slice){text, strlen(text)};
}

/* Reads the text on top of what is there, or fails with the sentence. */
static void add(struct settings *set, const char *text)
{
    struct why why = {""};

    ck_assert_msg(settings_parse(set, "file", s(text), &why) == TOK_OK, "%s", why.text);
}

static struct settings read_text(const char *text)
{
    struct settings set = {0};

    ck_assert_ok(settings_init(&set));
    add(&set, text);
    return set;
}

static void accept(const char *text)
{
    struct settings set = read_text(text);

    settings_clear(&set);
}

/* The text is refused with this line in the sentence, and the sentence says this, and a form.
 */
static void refuse_bytes(struct slice text, unsigned line, const char *says)
{
    CLEANUP(settings_clear) struct settings set = {0};
    struct why why = {""};
    char begin[32];

    ck_assert_ok(settings_init(&set));
    ck_assert_err(settings_parse(&set, "file", text, &why), TOK_SETTINGS);
    (void)snprintf(begin, sizeof(begin), "file:%u: ", line);
    ck_assert_msg(strncmp(why.text, begin, strlen(begin)) == 0, "not '%s' but '%s'", begin,
                  why.text);
    ck_assert_msg(strstr(why.text, says) != NULL, "'%s' does not say '%s'", why.text, says);
    ck_assert_msg(strstr(why.text, "allowed ") != NULL, "'%s' has no form", why.text);
}

static void refuse(const char *text, unsigned line, const char *says)
{
    refuse_bytes(s(text), line, says);
}

static void words_are(word_list list, const char *want)
{
    CLEANUP(cleanup_free) char *text = NULL;

    ck_assert_ok(value_words_text(list, ' ', &text));
    ck_assert_str_eq(text, want);
}

#define SEC UINT64_C(1000000)

START_TEST(defaults_are_those_of_the_design)
{
    CLEANUP(settings_clear) struct settings set = {0};

    ck_assert_ok(settings_init(&set));
    ck_assert_uint_eq(set.token.access_lifetime, 900 * SEC);
    ck_assert_uint_eq(set.token.refresh_lifetime, 604800 * SEC);
    ck_assert_uint_eq(set.token.sliding_lifetime, 900 * SEC);
    ck_assert_uint_eq(set.token.sliding_refresh_lifetime, 86400 * SEC);
    ck_assert(!set.token.sliding_tokens);
    ck_assert_str_eq(set.token.algorithm->name, "EdDSA");
    ck_assert_ptr_null(set.token.issuer);
    ck_assert_ptr_null(set.token.audience);
    ck_assert_uint_eq(set.token.leeway, 0);
    ck_assert_str_eq(set.token.user_id_claim, "sub");
    ck_assert_str_eq(set.token.token_type_claim, "token_type");
    ck_assert_str_eq(set.token.jti_claim, "jti");
    ck_assert_uint_eq(set.token.max_token_length, 511);
    ck_assert(set.session.rotate_refresh_tokens && set.session.blacklist_after_rotation);
    ck_assert_uint_eq(set.session.rotation_grace, 10 * SEC);
    ck_assert_uint_eq(set.session.idle_lifetime, 604800 * SEC);
    ck_assert_uint_eq(set.session.absolute_lifetime, 2592000 * SEC);
    ck_assert_uint_eq(set.session.max_sessions_per_user, 64);
    ck_assert(set.session.end_on_password_change && set.session.check_account);
    ck_assert_uint_eq(set.session.account_cache_time, 10 * SEC);
    ck_assert_ptr_null(set.session.allow_users);
    ck_assert_ptr_null(set.session.allow_groups);
    words_are(set.session.deny_users, "root");
    ck_assert_uint_eq(set.session.failures_per_user.count, 10);
    ck_assert_uint_eq(set.session.failures_per_user.per, 60 * SEC);
    words_are(set.http.auth_header_types, "Bearer");
    ck_assert_str_eq(set.http.auth_header_name, "Authorization");
    ck_assert_ptr_null(set.http.allowed_hosts);
    ck_assert_ptr_null(set.http.trusted_proxies);
    ck_assert_uint_eq(set.http.failures_per_source.count, 30);
    ck_assert_uint_eq(set.http.failures_per_source.per, 60 * SEC);
    ck_assert_uint_eq(set.http.max_connections, 256);
    ck_assert_uint_eq(set.http.max_connections_per_source, 16);
    ck_assert_uint_eq(set.http.failure_time, 2 * SEC);
    ck_assert_uint_eq(set.daemon.idle_timeout, 600 * SEC);
    ck_assert_ptr_null(set.store.path);
    ck_assert_uint_eq(set.n_issuers, 0);
}
END_TEST

START_TEST(every_setting_is_read)
{
    CLEANUP(settings_clear)
    struct settings set =
        read_text("[Token]\nAccessTokenLifetime=1min\nRefreshTokenLifetime=2min\n"
                  "SlidingTokenLifetime=3min\nSlidingTokenRefreshLifetime=4min\n"
                  "SlidingTokens=off\nAlgorithm=Ed25519\nIssuer=https://i\nAudience=a  b\n"
                  "Leeway=5\nUserIdClaim=user_id\nTokenTypeClaim=tt\nJtiClaim=id\n"
                  "MaxTokenLength=1024\n"
                  "[Session]\nRotateRefreshTokens=no\nBlacklistAfterRotation=false\n"
                  "RotationGrace=0\nIdleLifetime=6min\nAbsoluteLifetime=7min\n"
                  "MaxSessionsPerUser=8\nEndOnPasswordChange=0\nCheckAccount=off\n"
                  "AccountCacheTime=9s\nAllowUsers=alice carol\nAllowGroups=sudo\nDenyUsers=\n"
                  "FailuresPerUser=0\n"
                  "[Http]\nAuthHeaderTypes=JWT Bearer\nAuthHeaderName=X-Auth\n"
                  "AllowedHosts=h.example [::1]\nTrustedProxies=www-data\n"
                  "FailuresPerSource=100/h\nMaxConnections=10\nMaxConnectionsPerSource=11\n"
                  "FailureTime=1500ms\n"
                  "[Daemon]\nIdleTimeout=12s\n[Store]\nPath=/srv/s.db");

    ck_assert_uint_eq(set.token.access_lifetime, 60 * SEC);
    ck_assert_uint_eq(set.token.refresh_lifetime, 120 * SEC);
    ck_assert_uint_eq(set.token.sliding_lifetime, 180 * SEC);
    ck_assert_uint_eq(set.token.sliding_refresh_lifetime, 240 * SEC);
    ck_assert_str_eq(set.token.algorithm->name, "EdDSA");
    ck_assert_str_eq(set.token.issuer, "https://i");
    words_are(set.token.audience, "a b");
    ck_assert_uint_eq(set.token.leeway, 5 * SEC);
    ck_assert_str_eq(set.token.user_id_claim, "user_id");
    ck_assert_str_eq(set.token.token_type_claim, "tt");
    ck_assert_str_eq(set.token.jti_claim, "id");
    ck_assert_uint_eq(set.token.max_token_length, 1024);
    ck_assert(!set.session.rotate_refresh_tokens && !set.session.blacklist_after_rotation);
    ck_assert_uint_eq(set.session.rotation_grace, 0);
    ck_assert_uint_eq(set.session.idle_lifetime, 360 * SEC);
    ck_assert_uint_eq(set.session.absolute_lifetime, 420 * SEC);
    ck_assert_uint_eq(set.session.max_sessions_per_user, 8);
    ck_assert(!set.session.end_on_password_change && !set.session.check_account);
    ck_assert_uint_eq(set.session.account_cache_time, 9 * SEC);
    words_are(set.session.allow_users, "alice carol");
    words_are(set.session.allow_groups, "sudo");
    ck_assert_ptr_null(set.session.deny_users);
    ck_assert_uint_eq(set.session.failures_per_user.count, 0);
    words_are(set.http.auth_header_types, "JWT Bearer");
    ck_assert_str_eq(set.http.auth_header_name, "X-Auth");
    words_are(set.http.allowed_hosts, "h.example [::1]");
    words_are(set.http.trusted_proxies, "www-data");
    ck_assert_uint_eq(set.http.failures_per_source.count, 100);
    ck_assert_uint_eq(set.http.failures_per_source.per, 3600 * SEC);
    ck_assert_uint_eq(set.http.max_connections, 10);
    ck_assert_uint_eq(set.http.max_connections_per_source, 11);
    ck_assert_uint_eq(set.http.failure_time, 1500000);
    ck_assert_uint_eq(set.daemon.idle_timeout, 12 * SEC);
    ck_assert_str_eq(set.store.path, "/srv/s.db");
}
END_TEST

/* What the reader of lines refuses */

START_TEST(control_characters_are_refused)
{
    refuse_bytes((struct slice){"[Token]\nIssuer=a\0b\n", 19}, 2, "control character");
    refuse_bytes((struct slice){"#\0\n", 3}, 1, "control character");
    refuse("[Token]\nIssuer=a\x01\n", 2, "control character");
    refuse("[Token]\n# \x1b[31m\n", 2, "control character");
    refuse("[Token]\nIssuer=a\x7f\n", 2, "control character");
    refuse("[Token]\n#\xc2\x85\n", 2, "control character");
    refuse("[Token]\r\nIssuer=a\r\n", 1, "a carriage return; allowed is a newline alone");
}
END_TEST

START_TEST(bad_utf8_is_refused)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\xaf",
        "\xc1\xbf",
        "\xc3",
        "\xc3(",
        "\xe0\x80\xaf",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xe2\x82",
        "\xe2\x82(",
        "\xf0\x80\x80\xaf",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x9f\x92",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xfe",
        "\xf0\x9f(\x80",
    };
    static const char *const good[] = {"\xc3\xa9",     "\xe2\x82\xac", "\xf0\x9f\x92\xa9",
                                       "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf",
                                       "\xc2\xa0",     "\xe0\xa0\x80", "\xf0\x90\x80\x80"};
    char text[32];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), "\n# %s\n", bad[i]);
        refuse(text, 2, "no UTF-8");
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        (void)snprintf(text, sizeof(text), "\n# %s", good[i]);
        accept(text);
    }
    /* A sequence does not go on in the next line, nor beyond the text. */
    refuse_bytes((struct slice){"# \xe2\x82\xac", 4}, 1, "no UTF-8");
}
END_TEST

START_TEST(a_byte_order_mark_is_refused)
{
    refuse("\xef\xbb\xbf[Token]\n", 1, "byte order mark");
    refuse("\xef\xbb\xbf", 1, "byte order mark");
}
END_TEST

START_TEST(a_key_before_a_section_is_refused)
{
    refuse("\n# x\nIssuer=a\n", 3, "a key before the first section");
}
END_TEST

START_TEST(a_line_that_is_nothing_is_refused)
{
    refuse("[Token]\nIssuer\n", 2, "a line without '='");
    refuse("[Token]\nIssuer: a\n", 2, "a line without '='");
    refuse("[Token]\n=a\n", 2, "a value without a key");
    refuse("[Token]\n = a\n", 2, "a value without a key");
    refuse("[Token\n", 1, "a section without its end");
    refuse("[Token] # x\n", 1, "a section without its end");
    refuse("[]\n", 1, "a section without its end");
    refuse("[\n", 1, "a section without its end");
}
END_TEST

START_TEST(a_trailing_backslash_is_refused)
{
    refuse("[Token]\nAudience=a \\\nb\n", 2, "a backslash at the end");
    refuse("[Token]\nAudience=a\\  \n", 2, "a backslash at the end");
    accept("# a comment may end in \\\n");
}
END_TEST

START_TEST(an_unknown_section_or_key_is_refused)
{
    refuse("[token]\n", 1, "unknown section [token]; allowed are [Token]");
    refuse("[Token ]\n", 1, "unknown section [Token ]");
    refuse("\n[Nothing]\n", 2, "unknown section [Nothing]");
    refuse("[Issuer]\n", 1, "unknown section [Issuer]");
    refuse("[Token]\nissuer=a\n", 2, "unknown key issuer in [Token]; allowed are Access");
    refuse("[Session]\nIssuer=a\n", 2, "unknown key Issuer in [Session]; allowed are Rotate");
    refuse("[Issuer u]\nkeys=/k\n", 2, "unknown key keys in [Issuer URL]; allowed are Keys");
    refuse("[Issuer u]\nIssuer=v\n", 2, "unknown key Issuer in [Issuer URL]");
    refuse("[Issuer u]\nConfig=/v\n", 2, "unknown key Config in [Issuer URL]");
}
END_TEST

START_TEST(once_in_a_file_is_enough)
{
    refuse("[Token]\nLeeway=1\nIssuer=a\nLeeway=1\n", 4, "Leeway= is here twice");
    refuse("[Token]\n[Session]\n[Token]\n", 3, "[Token] is here twice");
    refuse("[Issuer u]\nKeys=/k\n[Issuer u]\nKeys=/k\n", 3, "[Issuer u] is here twice");
    refuse("[Issuer u]\nKeys=/k\nKeys=/k\n", 3, "Keys= is here twice");
    refuse("[Issuer u]\nKeys=/k\nUserMap=same\nUserMap=same\n", 4, "UserMap= is here twice");
}
END_TEST

START_TEST(blanks_around_do_not_count_and_comments_begin_lines)
{
    CLEANUP(settings_clear)
    struct settings set =
        read_text("  # one\n\t; two\n\n [Token] \n  Issuer \t=  a#b;c \t\nAudience=a\t b\n");

    ck_assert_str_eq(set.token.issuer, "a#b;c");
    words_are(set.token.audience, "a b");
}
END_TEST

START_TEST(the_text_need_not_end_in_a_newline_or_a_nul)
{
    CLEANUP(settings_clear) struct settings set = {0};
    char *text = strdup("[Daemon]\nIdleTimeout=12");
    size_t n = strlen(text);

    ck_assert_ok(settings_init(&set));
    text[n] = '3'; /* one byte past the text */
    ck_assert_ok(settings_parse(&set, "file", (struct slice){text, n}, NULL));
    ck_assert_uint_eq(set.daemon.idle_timeout, 12 * SEC);
    free(text);
}
END_TEST

START_TEST(an_empty_text_changes_nothing)
{
    CLEANUP(settings_clear) struct settings set = read_text("");

    ck_assert_ok(settings_parse(&set, "file", (struct slice){NULL, 0}, NULL));
    ck_assert_uint_eq(set.token.max_token_length, 511);
}
END_TEST

/* What the table refuses */

START_TEST(each_bad_value_says_its_form)
{
    static const struct {
        const char *section, *line, *form;
    } rows[] = {
        {"Token", "AccessTokenLifetime=0", "whole seconds from 1s to 1d, such as 15min"},
        {"Token", "AccessTokenLifetime=25h", "whole seconds from 1s to 1d"},
        {"Token", "AccessTokenLifetime=1500ms", "whole seconds"},
        {"Token", "AccessTokenLifetime=", "whole seconds"},
        {"Token", "AccessTokenLifetime=1month", "whole seconds"},
        {"Token", "AccessTokenLifetime=\"15min\"", "whole seconds"},
        {"Token", "RefreshTokenLifetime=366d", "from 1s to 365d, such as 7d"},
        {"Token", "SlidingTokenLifetime=2d", "from 1s to 1d"},
        {"Token", "SlidingTokenRefreshLifetime=0", "from 1s to 365d"},
        {"Token", "SlidingTokens=maybe", "allowed is yes or no"},
        {"Token", "SlidingTokens=", "allowed is yes or no"},
        {"Token", "Algorithm=none", "allowed is one of EdDSA"},
        {"Token", "Algorithm=eddsa", "allowed is one of EdDSA"},
        {"Token", "Algorithm=", "allowed is one of EdDSA"},
        {"Token", "Issuer=", "1 to 255 bytes without blanks, quotes and commas"},
        {"Token", "Issuer=a b", "1 to 255 bytes without blanks"},
        {"Token", "Issuer='a'", "1 to 255 bytes without blanks"},
        {"Token", "Issuer=\"a\"", "1 to 255 bytes without blanks"},
        {"Token", "Audience=", "one or more names parted by blanks"},
        {"Token", "Audience=a,b", "one or more names parted by blanks"},
        {"Token", "Leeway=301", "whole seconds from 0 to 5min"},
        {"Token", "Leeway=1ms", "whole seconds from 0 to 5min"},
        {"Token", "UserIdClaim=", "a claim's name"},
        {"Token", "UserIdClaim=exp", "a claim's name that has no other meaning"},
        {"Token", "TokenTypeClaim=iss", "a claim's name that has no other meaning"},
        {"Token", "JtiClaim=sid", "a claim's name that has no other meaning"},
        {"Token", "JtiClaim=a b", "a claim's name"},
        {"Token", "MaxTokenLength=127", "a number from 128 to 8192"},
        {"Token", "MaxTokenLength=8193", "a number from 128 to 8192"},
        {"Token", "MaxTokenLength=0511", "a number from 128 to 8192"},
        {"Token", "MaxTokenLength=511B", "a number from 128 to 8192"},
        {"Token", "MaxTokenLength=18446744073709552127", "a number from 128 to 8192"},
        {"Session", "RotateRefreshTokens=maybe", "yes or no"},
        {"Session", "BlacklistAfterRotation=", "yes or no"},
        {"Session", "EndOnPasswordChange=Yes", "yes or no"},
        {"Session", "CheckAccount=2", "yes or no"},
        {"Session", "RotationGrace=301", "whole seconds from 0 to 5min"},
        {"Session", "IdleLifetime=0", "from 1s to 3650d"},
        {"Session", "AbsoluteLifetime=infinity", "from 1s to 3650d"},
        {"Session", "MaxSessionsPerUser=0", "a number from 1 to 100000"},
        {"Session", "AccountCacheTime=61min", "whole seconds from 0 to 1h"},
        {"Session", "AllowUsers=alice,carol", "user names parted by blanks"},
        {"Session", "AllowUsers=1000", "user names parted by blanks"},
        {"Session", "AllowGroups=a,b", "group names parted by blanks"},
        {"Session", "DenyUsers=root,alice", "user names parted by blanks"},
        {"Session", "FailuresPerUser=10", "COUNT/s, COUNT/min or COUNT/h"},
        {"Session", "FailuresPerUser=10/day", "COUNT/s, COUNT/min or COUNT/h"},
        {"Session", "FailuresPerUser=0/min", "COUNT/s, COUNT/min or COUNT/h"},
        {"Session", "FailuresPerUser=/min", "COUNT/s, COUNT/min or COUNT/h"},
        {"Session", "FailuresPerUser=10/", "COUNT/s, COUNT/min or COUNT/h"},
        {"Session", "FailuresPerUser=-1/min", "COUNT/s, COUNT/min or COUNT/h"},
        {"Session", "FailuresPerUser=", "COUNT/s, COUNT/min or COUNT/h"},
        {"Http", "FailuresPerSource=1000001/s", "COUNT/s, COUNT/min or COUNT/h"},
        {"Http", "AuthHeaderTypes=", "one or more schemes"},
        {"Http", "AuthHeaderTypes=Bearer,JWT", "one or more schemes"},
        {"Http", "AuthHeaderName=a b", "a header's name"},
        {"Http", "AuthHeaderName=a:", "a header's name"},
        {"Http", "AllowedHosts=h:80", "without ports"},
        {"Http", "AllowedHosts=*", "without ports"},
        {"Http", "AllowedHosts=[]", "without ports"},
        {"Http", "TrustedProxies=10.0.0.1,x", "user names parted by blanks"},
        {"Http", "MaxConnections=0", "a number from 1 to 4096"},
        {"Http", "MaxConnectionsPerSource=4097", "a number from 1 to 4096"},
        {"Http", "FailureTime=0", "a time span from 100ms to 30s, such as 2s"},
        {"Http", "FailureTime=31s", "a time span from 100ms to 30s"},
        {"Daemon", "IdleTimeout=0", "a time span from 1s to 1d, such as 10min"},
        {"Store", "Path=sessions.db", "an absolute path"},
        {"Store", "Path=", "an absolute path"},
        {"Issuer u", "Keys=jwks.json",
         "Keys=jwks.json: the value is out of form; allowed is an "
         "absolute path"},
        {"Issuer u", "Keys=", "an absolute path"},
        {"Issuer u", "Audience=", "parted by blanks"},
        {"Issuer u", "Algorithms=none", "one or more of EdDSA"},
        {"Issuer u", "AllowRoot=", "yes or no"},
        {"Issuer u", "UserMap=", "none or same"},
        {"Issuer u", "UserMap=/etc/map", "none or same"},
    };
    char text[256];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(text, sizeof(text), "# a comment\n[%s]\n\n%s\n", rows[i].section,
                       rows[i].line);
        refuse(text, 4, rows[i].form);
        refuse(text, 4, rows[i].line);
    }
}
END_TEST

START_TEST(a_long_value_is_cut_in_the_sentence)
{
    char text[2000] = "[Token]\nIssuer=";

    memset(text + strlen(text), 'a', 1500);
    refuse(text, 2, "a: the value is out of form; allowed is a name such as");
}
END_TEST

START_TEST(each_claim_has_a_name_of_its_own)
{
    refuse("[Token]\nUserIdClaim=jti\n", 2, "UserIdClaim and JtiClaim are both jti");
    refuse("[Token]\nTokenTypeClaim=x\nLeeway=1\nUserIdClaim=x\nIssuer=a\n", 4,
           "UserIdClaim and TokenTypeClaim are both x");
    CLEANUP(settings_clear)
    struct settings set = read_text("[Token]\nUserIdClaim=x\nJtiClaim=y\n");
    /* Only the end of a file is judged: names may change places in it. */
    add(&set, "[Token]\nUserIdClaim=y\nJtiClaim=x\n");
    ck_assert_str_eq(set.token.user_id_claim, "y");
}
END_TEST

/* Issuers */

START_TEST(an_issuers_section_is_a_policy)
{
    static const char url[] = "https://[::1]:8443/A#frag";
    CLEANUP(settings_clear)
    struct settings set = read_text(
        "[Issuer https://[::1]:8443/A#frag]\nKeys=/var/lib/jwt-issuers/a.json\nAudience=a b\n"
        "UserClaim=email\nType=\nClaim=dept:ops\nClaim=x:y\nUserMap=same\n"
        "[Issuer https://[::1]:8443/a#frag]\nKeys=/b.json\nRevoked=/r\n");
    const struct settings_issuer *a = settings_find_issuer(&set, s(url));
    const struct settings_issuer *b =
        settings_find_issuer(&set, s("https://[::1]:8443/a#frag"));

    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_uint_eq(set.n_issuers, 2);
    ck_assert_str_eq(a->url, url);
    ck_assert_str_eq(a->policy.issuer, url);
    ck_assert_str_eq(a->policy.keys, "/var/lib/jwt-issuers/a.json");
    words_are(a->policy.audience, "a b");
    ck_assert_str_eq(a->policy.user_claim, "email");
    ck_assert_str_eq(a->policy.type, "");
    ck_assert_uint_eq(a->policy.n_claims, 2);
    ck_assert_int_eq(a->user_map, USER_MAP_SAME);
    ck_assert(!policy_given(&a->policy, "revoked") && !policy_given(&a->policy, "issuer"));
    ck_assert_str_eq(b->policy.type, "access");
    ck_assert_ptr_null(b->policy.audience);
    ck_assert_int_eq(b->user_map, USER_MAP_NONE);
    ck_assert(policy_given(&b->policy, "revoked"));
    ck_assert_ptr_null(settings_find_issuer(&set, (struct slice){url, sizeof(url)}));
    ck_assert_ptr_null(settings_find_issuer(&set, s("https://[::1]:8443/A")));
    ck_assert_ptr_null(settings_find_issuer(&set, s("")));
}
END_TEST

START_TEST(an_issuer_without_keys_is_refused_by_its_section)
{
    refuse("\n[Issuer https://i]\nAudience=a\n", 2, "[Issuer https://i] has no Keys=");
    refuse("[Issuer https://i]\nAudience=a\n\n[Token]\nLeeway=1\n", 1,
           "[Issuer https://i] has no Keys=");
    refuse("[Issuer https://i]\n[Issuer https://j]\nKeys=/k\n", 1,
           "[Issuer https://i] has no Keys=");
}
END_TEST

START_TEST(an_issuers_name_is_one_word)
{
    char text[300] = "[Issuer ";

    refuse("[Issuer ]\nKeys=/k\n", 1, "no issuer; allowed is [Issuer URL]");
    refuse("[Issuer a b]\nKeys=/k\n", 1, "no issuer");
    refuse("[Issuer  a]\nKeys=/k\n", 1, "no issuer");
    refuse("[Issuer \"a\"]\nKeys=/k\n", 1, "no issuer");
    memset(text + strlen(text), 'a', VALUE_NAME_MAX + 1);
    strcat(text, "]");
    refuse(text, 1, "no issuer");
}
END_TEST

START_TEST(issuers_have_a_limit)
{
    CLEANUP(settings_clear) struct settings set = {0};
    struct why why = {""};
    char text[64];

    ck_assert_ok(settings_init(&set));
    for (int i = 0; i < SETTINGS_ISSUERS_MAX; i++) {
        (void)snprintf(text, sizeof(text), "[Issuer u%d]\nKeys=/k\n", i);
        add(&set, text);
    }
    ck_assert_err(settings_parse(&set, "file", s("[Issuer more]\nKeys=/k\n"), &why),
                  TOK_SETTINGS);
    ck_assert_str_eq(why.text, "file:1: one issuer too many; allowed are 64");
    add(&set, "[Issuer u0]\nKeys=/other\n");
}
END_TEST

START_TEST(a_later_files_words_replace_an_issuers_one_by_one)
{
    CLEANUP(settings_clear)
    struct settings set =
        read_text("[Issuer u]\nKeys=/k\nAudience=a\nClaim=a:1\nClaim=b:2\nUserMap=same\n");

    add(&set, "[Issuer u]\nAudience=b\nClaim=c:3\n");
    ck_assert_uint_eq(set.n_issuers, 1);
    ck_assert_str_eq(set.issuers[0].policy.keys, "/k");
    words_are(set.issuers[0].policy.audience, "b");
    ck_assert_uint_eq(set.issuers[0].policy.n_claims, 1);
    ck_assert_str_eq(set.issuers[0].policy.claims[0].name, "c");
    ck_assert_int_eq(set.issuers[0].user_map, USER_MAP_SAME);
    add(&set, "[Issuer u]\nUserMap=none\n");
    ck_assert_int_eq(set.issuers[0].user_map, USER_MAP_NONE);
}
END_TEST

/* Told again */

struct text {
    char p[8192];
    size_t n;
    bool all_standard;
};

static void tell(void *arg, const char *section, const char *key, const char *value,
                 const char *standard)
{
    struct text *t = arg;

    if (strcmp(value, standard) != 0)
        t->all_standard = false;
    t->n += (size_t)snprintf(t->p + t->n, sizeof(t->p) - t->n, "[%s] %s=%s (%s)\n", section,
                             key, value, standard);
}

START_TEST(defaults_are_told_as_their_text)
{
    CLEANUP(settings_clear) struct settings set = {0};
    struct text t = {.all_standard = true};

    ck_assert_ok(settings_init(&set));
    ck_assert_ok(settings_each(&set, tell, &t));
    ck_assert_msg(t.all_standard, "%s", t.p);
    ck_assert_ptr_nonnull(strstr(t.p, "[Token] AccessTokenLifetime=15min (15min)\n"));
    ck_assert_ptr_nonnull(strstr(t.p, "[Token] Issuer=https://HOSTNAME (https://HOSTNAME)\n"));
    ck_assert_ptr_nonnull(strstr(t.p, "[Session] AbsoluteLifetime=30d (30d)\n"));
    ck_assert_ptr_nonnull(strstr(t.p, "[Http] FailuresPerSource=30/min (30/min)\n"));
}
END_TEST

START_TEST(values_are_told_as_a_file_spells_them)
{
    CLEANUP(settings_clear)
    struct settings set =
        read_text("[Token]\nAccessTokenLifetime=90\nAudience=a  b\nAlgorithm=Ed25519\n"
                  "[Session]\nDenyUsers=\nRotateRefreshTokens=0\nFailuresPerUser=0\n"
                  "[Http]\nFailureTime=1500ms\nFailuresPerSource=7/h\n"
                  "[Issuer u]\nKeys=/k\nTyp=at+jwt jwt\nClaim=a:b c\nClaim=d:e\n"
                  "MaxLifetime=3600\nScope=required\nAllowRoot=1\nMaxLength=9\n");
    struct text t = {.n = 0};
    static const char *const want[] = {
        "[Token] AccessTokenLifetime=90s (15min)\n",
        "[Token] Audience=a b (HOSTNAME)\n",
        "[Token] Algorithm=EdDSA (EdDSA)\n",
        "[Session] DenyUsers= (root)\n",
        "[Session] RotateRefreshTokens=no (yes)\n",
        "[Session] FailuresPerUser=0 (10/min)\n",
        "[Http] FailureTime=1500ms (2s)\n",
        "[Http] FailuresPerSource=7/h (30/min)\n",
        "[Issuer u] Keys=/k (/var/lib/jwt/jwks.json)\n",
        "[Issuer u] Typ=JWT at+jwt (JWT at+jwt absent)\n",
        "[Issuer u] Claim=a:b c ()\n[Issuer u] Claim=d:e ()\n",
        "[Issuer u] Scope=required (optional)\n",
        "[Issuer u] MaxLifetime=1h (1d)\n",
        "[Issuer u] MaxLength=9 (8192)\n",
        "[Issuer u] AllowRoot=yes (no)\n",
        "[Issuer u] UserMap=none (none)\n",
    };

    ck_assert_ok(settings_each(&set, tell, &t));
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        ck_assert_msg(strstr(t.p, want[i]) != NULL, "no %s in %s", want[i], t.p);
}
END_TEST

/* Files */

struct place {
    char path[32];
} __attribute__((unused)); /* it only waits to leave */

static struct place enter(void)
{
    struct place p = {"/tmp/test-settings-XXXXXX"};

    ck_assert_msg(geteuid() == 0, "settings are root's: only root can run it");
    (void)umask(022);
    ck_assert_ptr_nonnull(mkdtemp(p.path));
    ck_assert_int_eq(chdir(p.path), 0);
    return p;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void leave(struct place *p)
{
    ck_assert_int_eq(nftw(p->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void make(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

/* Loading is refused with this sentence's beginning, and what is left is empty. */
static void refuse_load(const char *begin)
{
    struct settings set = {.n_issuers = 0};
    struct why why = {""};

    ck_assert_err(settings_load("jwt.conf", &set, &why), TOK_SETTINGS);
    ck_assert_msg(strncmp(why.text, begin, strlen(begin)) == 0, "not '%s' but '%s'", begin,
                  why.text);
    ck_assert_ptr_null(set.token.user_id_claim);
    settings_clear(&set);
}

static uint64_t loaded_length(void)
{
    CLEANUP(settings_clear) struct settings set = {0};
    struct why why = {""};

    ck_assert_msg(settings_load("jwt.conf", &set, &why) == TOK_OK, "%s", why.text);
    return set.token.max_token_length;
}

START_TEST(without_any_file_there_are_defaults)
{
    CLEANUP(leave) struct place p = enter();
    CLEANUP(settings_clear) struct settings set = {0};

    ck_assert_uint_eq(loaded_length(), 511);
    ck_assert_ok(settings_load("/nonexistent/jwt.conf", &set, NULL));
}
END_TEST

START_TEST(rsa_needs_room_and_the_room_may_be_in_another_file)
{
    CLEANUP(leave) struct place p = enter();
    static const char *const names[] = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[64], begin[64];

        (void)snprintf(text, sizeof(text), "[Token]\nAlgorithm=%s\n", names[i]);
        (void)snprintf(begin, sizeof(begin), "jwt.conf: Algorithm=%s makes tokens", names[i]);
        make("jwt.conf", text);
        refuse_load(begin);
        (void)snprintf(text, sizeof(text), "[Token]\nMaxTokenLength=511\nAlgorithm=%s\n",
                       names[i]);
        make("jwt.conf", text);
        refuse_load(begin);
        (void)snprintf(text, sizeof(text), "[Token]\nMaxTokenLength=1024\nAlgorithm=%s\n",
                       names[i]);
        make("jwt.conf", text);
        ck_assert_uint_eq(loaded_length(), 1024);
    }
    make("jwt.conf", "[Token]\nAlgorithm=RS256\n");
    ck_assert_int_eq(mkdir("jwt.conf.d", 0755), 0);
    make("jwt.conf.d/1.conf", "[Token]\nMaxTokenLength=2000\n");
    ck_assert_uint_eq(loaded_length(), 2000);
    make("jwt.conf", "[Token]\nAlgorithm=HS512\n");
    make("jwt.conf.d/1.conf", "[Token]\nAlgorithm=ES384\n");
    ck_assert_uint_eq(loaded_length(), 511);
}
END_TEST

START_TEST(drop_ins_win_in_the_order_of_their_bytes)
{
    CLEANUP(leave) struct place p = enter();

    make("jwt.conf", "[Token]\nMaxTokenLength=1001\n");
    ck_assert_uint_eq(loaded_length(), 1001);
    ck_assert_int_eq(mkdir("jwt.conf.d", 0755), 0);
    ck_assert_uint_eq(loaded_length(), 1001);
    make("jwt.conf.d/B.conf", "[Token]\nMaxTokenLength=1002\n");
    ck_assert_uint_eq(loaded_length(), 1002);
    make("jwt.conf.d/a.conf", "[Token]\nMaxTokenLength=1003\n"); /* "a" > "B" in bytes */
    ck_assert_uint_eq(loaded_length(), 1003);
    make("jwt.conf.d/10.conf", "[Token]\nMaxTokenLength=1004\n");
    make("jwt.conf.d/9.conf", "[Token]\nLeeway=1\n");
    ck_assert_uint_eq(loaded_length(), 1003);
    ck_assert_int_eq(unlink("jwt.conf"), 0);
    ck_assert_uint_eq(loaded_length(), 1003);
}
END_TEST

START_TEST(hidden_and_backup_files_are_no_drop_ins)
{
    static const char *const names[] = {".a.conf", "a.conf~", "a.conf.dpkg-old", "a.bak",
                                        ".conf",   "conf",    "#a.conf#",        "a.CONF"};
    CLEANUP(leave) struct place p = enter();
    char path[64];

    ck_assert_int_eq(mkdir("jwt.conf.d", 0755), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "jwt.conf.d/%s", names[i]);
        make(path, "nonsense\n");
    }
    ck_assert_uint_eq(loaded_length(), 511);
}
END_TEST

START_TEST(an_error_names_the_file_it_is_in)
{
    CLEANUP(leave) struct place p = enter();

    make("jwt.conf", "[Token]\n\nNo=1\n");
    refuse_load("jwt.conf:3: unknown key No in [Token]");
    make("jwt.conf", "[Token]\nLeeway=1\n");
    ck_assert_int_eq(mkdir("jwt.conf.d", 0755), 0);
    make("jwt.conf.d/a.conf", "[Token]\nLeeway=2\nLeeway=3\n");
    refuse_load("jwt.conf.d/a.conf:3: Leeway= is here twice");
}
END_TEST

START_TEST(a_settings_file_is_roots_and_nobody_elses)
{
    CLEANUP(leave) struct place p = enter();

    make("jwt.conf", "");
    ck_assert_int_eq(chmod("jwt.conf", 0664), 0);
    refuse_load("jwt.conf: has mode 0664; allowed is");
    ck_assert_int_eq(chmod("jwt.conf", 0644), 0);
    ck_assert_int_eq(chown("jwt.conf", 54321, 0), 0);
    refuse_load("jwt.conf: is owned by uid 54321; the owner may be root");
    ck_assert_int_eq(unlink("jwt.conf"), 0);
    ck_assert_int_eq(symlink("elsewhere", "jwt.conf"), 0);
    refuse_load("jwt.conf: is a symbolic link");
    ck_assert_int_eq(unlink("jwt.conf"), 0);
    ck_assert_int_eq(mkdir("jwt.conf", 0755), 0);
    refuse_load("jwt.conf: is no regular file");
}
END_TEST

START_TEST(a_drop_in_directory_is_roots_and_holds_files)
{
    CLEANUP(leave) struct place p = enter();

    ck_assert_int_eq(mkdir("jwt.conf.d", 0755), 0);
    ck_assert_int_eq(symlink("/dev/null", "jwt.conf.d/a.conf"), 0);
    refuse_load("jwt.conf.d/a.conf: is a symbolic link");
    ck_assert_int_eq(unlink("jwt.conf.d/a.conf"), 0);
    ck_assert_int_eq(mkdir("jwt.conf.d/a.conf", 0755), 0);
    refuse_load("jwt.conf.d/a.conf: is no regular file");
    ck_assert_int_eq(rmdir("jwt.conf.d/a.conf"), 0);
    make("jwt.conf.d/a.conf", "");
    ck_assert_int_eq(chmod("jwt.conf.d/a.conf", 0646), 0);
    refuse_load("jwt.conf.d/a.conf: has mode 0646");
    ck_assert_int_eq(chmod("jwt.conf.d/a.conf", 0644), 0);
    ck_assert_int_eq(chmod("jwt.conf.d", 0775), 0);
    refuse_load("jwt.conf.d: is owned by uid 0 with mode 0775; allowed is a directory");
    ck_assert_int_eq(chmod("jwt.conf.d", 0755), 0);
    ck_assert_int_eq(chown("jwt.conf.d", 54321, 0), 0);
    refuse_load("jwt.conf.d: is owned by uid 54321");
    ck_assert_int_eq(chown("jwt.conf.d", 0, 0), 0);
    ck_assert_uint_eq(loaded_length(), 511);
    ck_assert_int_eq(rename("jwt.conf.d", "elsewhere"), 0);
    ck_assert_int_eq(symlink("elsewhere", "jwt.conf.d"), 0);
    refuse_load("jwt.conf.d: can't open");
}
END_TEST

START_TEST(a_file_has_its_size_limit)
{
    CLEANUP(leave) struct place p = enter();
    CLEANUP(cleanup_free) char *text = malloc(SETTINGS_FILE_MAX + 2);

    ck_assert_ptr_nonnull(text);
    memset(text, '#', SETTINGS_FILE_MAX + 1);
    text[SETTINGS_FILE_MAX + 1] = '\0';
    make("jwt.conf", text);
    refuse_load("jwt.conf: has 262145 bytes; at most 262144 are read");
    make("jwt.conf", text + 1);
    ck_assert_uint_eq(loaded_length(), 511);
}
END_TEST

UNIT_MAIN("settings", defaults_are_those_of_the_design, every_setting_is_read,
          control_characters_are_refused, bad_utf8_is_refused, a_byte_order_mark_is_refused,
          a_key_before_a_section_is_refused, a_line_that_is_nothing_is_refused,
          a_trailing_backslash_is_refused, an_unknown_section_or_key_is_refused,
          once_in_a_file_is_enough, blanks_around_do_not_count_and_comments_begin_lines,
          the_text_need_not_end_in_a_newline_or_a_nul, an_empty_text_changes_nothing,
          each_bad_value_says_its_form, a_long_value_is_cut_in_the_sentence,
          each_claim_has_a_name_of_its_own, an_issuers_section_is_a_policy,
          an_issuer_without_keys_is_refused_by_its_section, an_issuers_name_is_one_word,
          issuers_have_a_limit, a_later_files_words_replace_an_issuers_one_by_one,
          defaults_are_told_as_their_text, values_are_told_as_a_file_spells_them,
          without_any_file_there_are_defaults,
          rsa_needs_room_and_the_room_may_be_in_another_file,
          drop_ins_win_in_the_order_of_their_bytes, hidden_and_backup_files_are_no_drop_ins,
          an_error_names_the_file_it_is_in, a_settings_file_is_roots_and_nobody_elses,
          a_drop_in_directory_is_roots_and_holds_files, a_file_has_its_size_limit)
