#include "common/base/value.h"

#include "tests/unit/forge.h"

static bool is_any(struct slice word)
{
    (void)word;
    return true;
}

START_TEST(a_list_holds_its_words_whole_and_no_others)
{
    CLEANUP(cleanup_word_list) word_list list = NULL;

    ck_assert(!word_list_holds(NULL, SLICE("a")));
    ck_assert_ok(value_words(SLICE("a bc"), ' ', is_any, &list));
    ck_assert(word_list_holds(list, SLICE("a")));
    ck_assert(word_list_holds(list, SLICE("bc")));
    ck_assert(!word_list_holds(list, SLICE("b")));
    ck_assert(!word_list_holds(list, SLICE("bcd")));
    ck_assert(!word_list_holds(list, SLICE("bc\0d")));
    ck_assert(!word_list_holds(list, SLICE("")));
}
END_TEST

START_TEST(blanks_may_run_and_commas_may_not)
{
    CLEANUP(cleanup_word_list) word_list list = NULL;
    CLEANUP(cleanup_free) char *text = NULL;
    static const char *const wrong[] = {",", "a,", ",a", "a,,b"};

    ck_assert_ok(value_words(SLICE("  a \t b  "), ' ', is_any, &list));
    ck_assert_ok(value_words_text(list, ',', &text));
    ck_assert_str_eq(text, "a,b");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        word_list none = NULL;

        ck_assert_err(value_words(text_slice(wrong[i]), ',', value_is_name, &none),
                      TOK_SETTINGS);
        ck_assert_ptr_null(none);
    }
}
END_TEST

START_TEST(no_word_is_no_list)
{
    word_list list = NULL;
    CLEANUP(cleanup_free) char *text = NULL;

    ck_assert_ok(value_words(SLICE(" "), ' ', is_any, &list));
    ck_assert_ptr_null(list);
    ck_assert_ok(word_list_copy(list, &list));
    ck_assert_ptr_null(list);
    ck_assert_ok(value_words_text(list, ' ', &text));
    ck_assert_str_eq(text, "");
}
END_TEST

/* NULL is: not known yet; an empty list holds nobody. */
START_TEST(an_empty_list_is_copied_as_one)
{
    char *nobody[] = {NULL};
    CLEANUP(cleanup_word_list) word_list copy = NULL;

    ck_assert_ok(word_list_copy(nobody, &copy));
    ck_assert_ptr_nonnull(copy);
    ck_assert_ptr_null(copy[0]);
}
END_TEST

START_TEST(a_text_with_a_nul_is_no_text)
{
    char *text = NULL;

    ck_assert_err(value_text(SLICE("a\0b"), &text), TOK_SETTINGS);
    ck_assert_ptr_null(text);
}
END_TEST

/* Each word with whether it passes: a name, a token of HTTP, a host, a path. */
START_TEST(each_kind_of_word_has_its_bytes)
{
    static const struct {
        struct slice word;
        bool name, token, host, path;
    } words[] = {
        {{"", 0}, false, false, false, false},
        {{"a", 1}, true, true, true, false},
        {{"Z9", 2}, true, true, true, false},
        {{"a b", 3}, false, false, false, false},
        {{"a\tb", 3}, false, false, false, false},
        {{"a,b", 3}, false, false, false, false},
        {{"a\"b", 3}, false, false, false, false},
        {{"a\0b", 3}, false, false, false, false},
        {{"a\x7f", 2}, false, false, false, false},
        {{"X-Auth!", 7}, true, true, false, false},
        {{"a:b", 3}, true, false, false, false},
        {{"host.example", 12}, true, true, true, false},
        {{"[::1]", 5}, true, false, true, false},
        {{"[]", 2}, true, false, false, false},
        {{"[::1", 4}, true, false, false, false},
        {{"/", 1}, true, false, false, true},
        {{"/etc/x", 6}, true, false, false, true},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct slice w = words[i].word;

        ck_assert_msg(value_is_name(w) == words[i].name, "name %s", w.p);
        ck_assert_msg(value_is_token(w) == words[i].token, "token %s", w.p);
        ck_assert_msg(value_is_host(w) == words[i].host, "host %s", w.p);
        ck_assert_msg(value_is_path(w) == words[i].path, "path %s", w.p);
    }
}
END_TEST

START_TEST(words_have_their_longest)
{
    char bytes[300];

    memset(bytes, 'a', sizeof(bytes));
    ck_assert(value_is_name((struct slice){bytes, VALUE_NAME_MAX}));
    ck_assert(!value_is_name((struct slice){bytes, VALUE_NAME_MAX + 1}));
    ck_assert(value_is_token((struct slice){bytes, VALUE_NAME_MAX}));
    ck_assert(!value_is_token((struct slice){bytes, VALUE_NAME_MAX + 1}));
}
END_TEST

START_TEST(numbers_are_digits_in_their_range)
{
    static const char *const wrong[] = {"",
                                        "-1",
                                        "+1",
                                        " 1",
                                        "1 ",
                                        "01",
                                        "1x",
                                        "0x1",
                                        "1.0",
                                        "4",
                                        "11",
                                        "18446744073709551616",
                                        "99999999999999999999999"};
    uint64_t n = 0;

    ck_assert_ok(value_number(SLICE("5"), 5, 10, &n));
    ck_assert_uint_eq(n, 5);
    ck_assert_ok(value_number(SLICE("10"), 5, 10, &n));
    ck_assert_uint_eq(n, 10);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_err(value_number(text_slice(wrong[i]), 5, 10, &n), TOK_SETTINGS);
    ck_assert_uint_eq(n, 10);
    ck_assert_ok(value_number(SLICE("18446744073709551615"), 0, UINT64_MAX, &n));
    ck_assert_uint_eq(n, UINT64_MAX);
}
END_TEST

UNIT_MAIN("value", a_list_holds_its_words_whole_and_no_others,
          blanks_may_run_and_commas_may_not, no_word_is_no_list, an_empty_list_is_copied_as_one,
          a_text_with_a_nul_is_no_text, each_kind_of_word_has_its_bytes,
          words_have_their_longest, numbers_are_digits_in_their_range)
