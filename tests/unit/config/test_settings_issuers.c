/*
 * [Issuer URL] sections.
 */
#include "tests/unit/config/settings_unit.h"

START_TEST(an_issuers_section_is_a_policy)
{
    static const char url[] = "https://[::1]:8443/A#frag";
    CLEANUP(settings_clear)
    struct settings set = read_text(
        "[Issuer https://[::1]:8443/A#frag]\nKeys=/var/lib/jwt-issuers/a.json\nAudience=a b\n"
        "UserClaim=email\nType=\nClaim=dept:ops\nClaim=x:y\nUserMap=same\n"
        "[Issuer https://[::1]:8443/a#frag]\nKeys=/b.json\nRevoked=/r\n");
    const struct policy *a = settings_find_issuer(&set, s(url));
    const struct policy *b = settings_find_issuer(&set, s("https://[::1]:8443/a#frag"));

    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_uint_eq(set.n_issuers, 2);
    ck_assert_str_eq(a->issuer, url);
    ck_assert_str_eq(a->keys, "/var/lib/jwt-issuers/a.json");
    words_are(a->audience, "a b");
    ck_assert_str_eq(a->user_claim, "email");
    ck_assert_str_eq(a->type, "");
    words_are(a->claims, "dept:ops x:y");
    ck_assert_str_eq(a->user_map, "same");
    ck_assert(!policy_given(a, "revoked") && !policy_given(a, "issuer"));
    ck_assert_str_eq(b->type, "access");
    ck_assert_ptr_null(b->audience);
    ck_assert_str_eq(b->user_map, "none");
    ck_assert(policy_given(b, "revoked"));
    ck_assert_ptr_null(settings_find_issuer(&set, (struct slice){url, sizeof(url)}));
    ck_assert_ptr_null(settings_find_issuer(&set, s("https://[::1]:8443/A")));
    ck_assert_ptr_null(settings_find_issuer(&set, s("")));
}
END_TEST

START_TEST(an_issuer_without_keys_is_refused)
{
    refuse("\n[Issuer https://i]\nAudience=a\n", 2, "[Issuer https://i] has no Keys=");
    refuse("[Issuer https://i]\nAudience=a\n\n[Token]\nLeeway=1\n", 1,
           "[Issuer https://i] has no Keys=");
    refuse("[Issuer https://i]\n[Issuer https://j]\nKeys=/k\n", 1,
           "[Issuer https://i] has no Keys=");
}
END_TEST

#define FETCHED "Keys=/var/lib/jwt-keys/i.jwks\nKeysUrl=discover\n"

START_TEST(keys_that_are_fetched_have_a_file_in_their_directory)
{
    static const char *const names[] = {"/k",
                                        "/var/lib/jwt-issuers/k",
                                        "/var/lib/jwt-keys/",
                                        "/var/lib/jwt-keys/a/b",
                                        "/var/lib/jwt-keys/../x",
                                        "/var/lib/jwt-keys/.k"};
    CLEANUP(settings_clear)
    struct settings set =
        read_text("[Issuer https://i]\n" FETCHED "[Issuer j]\nKeys=/var/lib/jwt-keys/j\n"
                  "KeysUrl=https://j.example/keys?p=a\n");
    char text[256];

    ck_assert_str_eq(set.issuers[0].keys_url, "discover");
    ck_assert_str_eq(set.issuers[1].keys_url, "https://j.example/keys?p=a");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(text, sizeof(text), "[Issuer https://i]\nKeys=%s\nKeysUrl=discover\n",
                       names[i]);
        refuse(text, 1, "expected Keys=/var/lib/jwt-keys/NAME beside KeysUrl=");
    }
    (void)snprintf(text, sizeof(text), "[Issuer https://i]\nKeys=/var/lib/jwt-keys/%065d\n%s",
                   0, "KeysUrl=discover\n");
    refuse(text, 1, "expected Keys=/var/lib/jwt-keys/NAME beside KeysUrl=");
    refuse("[Issuer i]\n" FETCHED, 1, "for KeysUrl=discover");
    refuse("[Issuer http://i]\n" FETCHED, 1, "for KeysUrl=discover");
    refuse("[Issuer https://i]\n" FETCHED "[Issuer https://j]\n" FETCHED, 4, "another file");
}
END_TEST

START_TEST(an_issuers_url_is_one_word)
{
    char text[300] = "[Issuer ";

    refuse("[Issuer ]\nKeys=/k\n", 1, "expected [Issuer URL]");
    refuse("[Issuer a b]\nKeys=/k\n", 1, "expected [Issuer URL]");
    refuse("[Issuer  a]\nKeys=/k\n", 1, "expected [Issuer URL]");
    refuse("[Issuer \"a\"]\nKeys=/k\n", 1, "expected [Issuer URL]");
    memset(text + strlen(text), 'a', VALUE_NAME_MAX + 1);
    strcat(text, "]");
    refuse(text, 1, "expected [Issuer URL]");
}
END_TEST

START_TEST(issuers_have_a_limit)
{
    CLEANUP(settings_clear) struct settings set = {0};
    struct errmsg errmsg = {""};
    char text[64];

    ck_assert_ok(settings_init(&set));
    for (int i = 0; i < SETTINGS_ISSUERS_MAX; i++) {
        (void)snprintf(text, sizeof(text), "[Issuer u%d]\nKeys=/k\n", i);
        add(&set, text);
    }
    ck_assert_err(settings_parse(&set, "file", s("[Issuer more]\nKeys=/k\n"), &errmsg),
                  TOK_SETTINGS);
    ck_assert_str_eq(errmsg.text,
                     "file:1: too many issuers: expected at most 64 [Issuer URL] sections");
    add(&set, "[Issuer u0]\nKeys=/other\n");
}
END_TEST

START_TEST(a_later_file_replaces_single_keys_of_an_issuer)
{
    CLEANUP(settings_clear)
    struct settings set =
        read_text("[Issuer u]\nKeys=/k\nAudience=a\nClaim=a:1\nClaim=b:2\nUserMap=same\n");

    add(&set, "[Issuer u]\nAudience=b\nClaim=c:3\n");
    ck_assert_uint_eq(set.n_issuers, 1);
    ck_assert_str_eq(set.issuers[0].keys, "/k");
    words_are(set.issuers[0].audience, "b");
    words_are(set.issuers[0].claims, "c:3");
    ck_assert_str_eq(set.issuers[0].user_map, "same");
    add(&set, "[Issuer u]\nUserMap=none\n");
    ck_assert_str_eq(set.issuers[0].user_map, "none");
    add(&set, "[Issuer u]\nUserMap=/etc/jwt/usermap\n");
    ck_assert_str_eq(set.issuers[0].user_map, "/etc/jwt/usermap");
}
END_TEST

UNIT_MAIN("settings_issuers", an_issuers_section_is_a_policy, an_issuer_without_keys_is_refused,
          keys_that_are_fetched_have_a_file_in_their_directory, an_issuers_url_is_one_word,
          issuers_have_a_limit, a_later_file_replaces_single_keys_of_an_issuer)
