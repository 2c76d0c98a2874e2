#include "tests/unit/unit.h"

#include <string.h>

#define WORDS                                                                                  \
    "ok malformed pasted truncated too_long bad_base64 bad_json bad_header wrong_typ crit "    \
    "unsupported bad_alg "                                                                     \
    "unknown_key bad_signature bad_claim_type missing_claim expired not_yet_valid "            \
    "lifetime_too_long wrong_issuer wrong_audience wrong_host_key wrong_type wrong_claim "     \
    "bound wrong_scope "                                                                       \
    "one_time bad_user_name wrong_user root_refused unmapped_user revoked spent disabled "     \
    "keys "                                                                                    \
    "settings "                                                                                \
    "revoked_list stale file crypto no_memory"

START_TEST(every_error_has_its_word)
{
    char words[] = WORDS;
    char *rest = words, *word;
    int err = 0;

    while ((word = strsep(&rest, " ")))
        ck_assert_str_eq(tok_err_word((enum tok_err)err++), word);
    ck_assert_int_eq(err, TOK_ERR_COUNT);
}
END_TEST

START_TEST(every_error_has_a_text_that_no_other_has)
{
    for (int i = 0; i < TOK_ERR_COUNT; i++) {
        const char *text = tok_err_text((enum tok_err)i);

        ck_assert_ptr_nonnull(text);
        ck_assert_uint_gt(strlen(text), 10);
        ck_assert(text[strlen(text) - 1] != '.');
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(text, tok_err_text((enum tok_err)j));
    }
    ck_assert_str_eq(tok_err_text(TOK_EXPIRED), "the token has expired");
}
END_TEST

START_TEST(only_errors_of_this_host_are_ours)
{
    for (int i = 0; i < TOK_ERR_COUNT; i++)
        ck_assert_int_eq(tok_err_is_ours((enum tok_err)i), i >= TOK_KEYS);
}
END_TEST

START_TEST(an_invalid_number_is_never_ok)
{
    static const int numbers[] = {TOK_ERR_COUNT, TOK_ERR_COUNT + 1, -1, 1 << 30};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        ck_assert_str_ne(tok_err_word((enum tok_err)numbers[i]), "ok");
        ck_assert(tok_err_is_ours((enum tok_err)numbers[i]));
    }
}
END_TEST

START_TEST(errmsg_set_formats_the_message_and_returns_the_error)
{
    struct errmsg errmsg;

    ck_assert_err(errmsg_set(&errmsg, TOK_KEYS, "%s: line %d", "/a", 7), TOK_KEYS);
    ck_assert_str_eq(errmsg.text, "/a: line 7");
    ck_assert_err(errmsg_set(NULL, TOK_FILE, "%s", "x"), TOK_FILE);
}
END_TEST

START_TEST(control_bytes_in_errmsg_become_question_marks)
{
    struct errmsg errmsg;

    for (int c = 1; c < 0x100; c++) {
        bool control = c < 0x20 || c == 0x7f;

        ck_assert_err(errmsg_set(&errmsg, TOK_FILE, "a%cb", c), TOK_FILE);
        ck_assert_int_eq((unsigned char)errmsg.text[1], control ? '?' : c);
        ck_assert_str_eq(errmsg.text + 2, "b");
    }
}
END_TEST

START_TEST(a_long_message_is_truncated)
{
    char longer[2000];
    struct errmsg errmsg;

    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    ck_assert_err(errmsg_set(&errmsg, TOK_FILE, "%s", longer), TOK_FILE);
    ck_assert_uint_eq(strlen(errmsg.text), sizeof(errmsg.text) - 1);
}
END_TEST

START_TEST(errmsg_may_be_among_its_own_arguments)
{
    struct errmsg errmsg;

    ck_assert_err(errmsg_set(&errmsg, TOK_FILE, "inner"), TOK_FILE);
    ck_assert_err(errmsg_set(&errmsg, TOK_KEYS, "outer: %s", errmsg.text), TOK_KEYS);
    ck_assert_str_eq(errmsg.text, "outer: inner");
}
END_TEST

UNIT_MAIN("error", every_error_has_its_word, every_error_has_a_text_that_no_other_has,
          only_errors_of_this_host_are_ours, an_invalid_number_is_never_ok,
          errmsg_set_formats_the_message_and_returns_the_error,
          control_bytes_in_errmsg_become_question_marks, a_long_message_is_truncated,
          errmsg_may_be_among_its_own_arguments)
