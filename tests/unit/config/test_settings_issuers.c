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
    ck_assert_str_eq(a->policy.user_map, "same");
    ck_assert(!policy_given(&a->policy, "revoked") && !policy_given(&a->policy, "issuer"));
    ck_assert_str_eq(b->policy.type, "access");
    ck_assert_ptr_null(b->policy.audience);
    ck_assert_str_eq(b->policy.user_map, "none");
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
    struct errmsg errmsg = {""};
    char text[64];

    ck_assert_ok(settings_init(&set));
    for (int i = 0; i < SETTINGS_ISSUERS_MAX; i++) {
        (void)snprintf(text, sizeof(text), "[Issuer u%d]\nKeys=/k\n", i);
        add(&set, text);
    }
    ck_assert_err(settings_parse(&set, "file", s("[Issuer more]\nKeys=/k\n"), &errmsg),
                  TOK_SETTINGS);
    ck_assert_str_eq(errmsg.text, "file:1: one issuer too many; allowed are 64");
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
    ck_assert_str_eq(set.issuers[0].policy.user_map, "same");
    add(&set, "[Issuer u]\nUserMap=none\n");
    ck_assert_str_eq(set.issuers[0].policy.user_map, "none");
    add(&set, "[Issuer u]\nUserMap=/etc/jwt/usermap\n");
    ck_assert_str_eq(set.issuers[0].policy.user_map, "/etc/jwt/usermap");
}
END_TEST

UNIT_MAIN("settings_issuers", an_issuers_section_is_a_policy,
          an_issuer_without_keys_is_refused_by_its_section, an_issuers_name_is_one_word,
          issuers_have_a_limit, a_later_files_words_replace_an_issuers_one_by_one)
