#include "jwtd/issuer/requests/scope.h"
#include "tests/unit/unit.h"

#include <string.h>

static bool within(const char *asked, const char *shown)
{
    word_list words = NULL;
    bool ok;

    ck_assert_int_eq(
        word_list_parse((struct slice){asked, strlen(asked)}, ' ', scope_is_word, &words),
        TOK_OK);
    ok = scope_within(words, (struct slice){shown, strlen(shown)});
    word_list_free(words);
    return ok;
}

START_TEST(any_scope_is_within_no_scope)
{
    ck_assert(within("pam:sudo", ""));
    ck_assert(within("pam:* read write", ""));
    ck_assert(within("", ""));
}
END_TEST

START_TEST(a_word_that_is_missing_is_wider)
{
    ck_assert(within("read", "read write"));
    ck_assert(within("write read", "read write"));
    ck_assert(!within("admin", "read write"));
    ck_assert(!within("read admin", "read write"));
    ck_assert(!within("rea", "read"));
    ck_assert(!within("Read", "read"));
}
END_TEST

START_TEST(pam_star_covers_every_service_and_nothing_else)
{
    ck_assert(within("pam:sudo pam:sshd", "pam:*"));
    ck_assert(within("pam:*", "pam:*"));
    ck_assert(!within("read", "pam:*"));
    ck_assert(!within("pam:*", "pam:sudo"));
    ck_assert(!within("pam:sshd", "pam:sudo"));
}
END_TEST

START_TEST(pam_sudo_covers_sudo_i_and_not_the_reverse)
{
    ck_assert(within("pam:sudo-i", "pam:sudo"));
    ck_assert(within("pam:sudo pam:sudo-i", "read pam:sudo"));
    ck_assert(!within("pam:sudo", "pam:sudo-i"));
    ck_assert(!within("sudo-i", "pam:sudo"));
    ck_assert(!within("pam:sudo-i", "sudo"));
    ck_assert(!within("pam:sudo-in", "pam:sudo"));
    ck_assert(!within("pam:", "pam:sudo"));
}
END_TEST

START_TEST(pam_words_cannot_be_dropped)
{
    /* without one, none would bind the token at a login */
    ck_assert(!within("read", "read pam:sudo"));
    ck_assert(!within("", "pam:sudo"));
    ck_assert(within("read pam:sudo", "read pam:sudo"));
    ck_assert(within("pam:sudo", "read pam:sudo"));
}
END_TEST

START_TEST(a_word_is_printable_and_has_no_blank_or_quote)
{
    static const char *const bad[] = {"", "a b", "a\"b", "a\\b", "a\tb", "\x7f", "\xc3\xa9"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert(!scope_is_word((struct slice){bad[i], strlen(bad[i])}));
    ck_assert(scope_is_word(SLICE("pam:sudo-i")));
    ck_assert(scope_is_word(SLICE("!#[]~")));
}
END_TEST

UNIT_MAIN("scope", any_scope_is_within_no_scope, a_word_that_is_missing_is_wider,
          pam_star_covers_every_service_and_nothing_else,
          pam_sudo_covers_sudo_i_and_not_the_reverse, pam_words_cannot_be_dropped,
          a_word_is_printable_and_has_no_blank_or_quote)
