#include "common/base/text.h"

#include "tests/unit/unit.h"

static bool is_any(struct slice word)
{
    (void)word;
    return true;
}

static bool is_not_empty(struct slice word)
{
    return word.n > 0;
}

START_TEST(classes_of_characters_are_ascii_alone)
{
    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        bool lower = i >= 'a' && i <= 'z', upper = i >= 'A' && i <= 'Z';
        bool digit = i >= '0' && i <= '9';

        ck_assert_int_eq(text_is_digit(c), digit);
        ck_assert_int_eq(text_is_letter(c), lower || upper);
        ck_assert_int_eq(text_is_alnum(c), lower || upper || digit);
        ck_assert_int_eq(text_is_blank(c), i == ' ' || i == '\t');
        ck_assert_int_eq(text_is_space(c), i == ' ' || (i != 0 && strchr("\t\r\n", i)));
        ck_assert_int_eq(text_is_control(c), i < 0x20 || i == 0x7f);
        ck_assert_int_eq(text_lower(c), upper ? (char)(i + 0x20) : c);
    }
}
END_TEST

START_TEST(what_is_not_printable_becomes_a_question_mark)
{
    char text[] = "a ~\x7f\n\xe9", empty[] = "";

    text_make_printable(text);
    text_make_printable(empty);
    ck_assert_str_eq(text, "a ~???");
    ck_assert_str_eq(empty, "");
}
END_TEST

START_TEST(trimming_takes_blanks_off_both_ends)
{
    ck_assert(slice_is(text_trim(SLICE(" \t a \tb\t ")), "a \tb"));
    ck_assert(slice_is(text_trim(SLICE("\na\r")), "\na\r"));
    ck_assert_uint_eq(text_trim(SLICE(" \t ")).n, 0);
    ck_assert_uint_eq(text_trim((struct slice){NULL, 0}).n, 0);
}
END_TEST

START_TEST(a_text_ends_with_what_stands_at_its_end)
{
    ck_assert(text_ends_with(SLICE("a.pub"), ".pub"));
    ck_assert(text_ends_with(SLICE(".pub"), ".pub"));
    ck_assert(!text_ends_with(SLICE("pub"), ".pub"));
    ck_assert(!text_ends_with(SLICE("a.pub "), ".pub"));
    ck_assert(!text_ends_with(SLICE("a.Pub"), ".pub"));
    ck_assert(text_ends_with(SLICE(""), ""));
}
END_TEST

START_TEST(a_copy_replaces_a_text_only_when_it_succeeds)
{
    char *text = NULL;

    ck_assert_ok(text_replace(&text, SLICE("one")));
    ck_assert_ok(text_replace(&text, SLICE("two")));
    ck_assert_str_eq(text, "two");
    ck_assert_err(text_replace(&text, SLICE("a\0b")), TOK_SETTINGS);
    ck_assert_str_eq(text, "two");
    free(text);
}
END_TEST

START_TEST(a_list_has_its_words_whole_and_no_others)
{
    CLEANUP(cleanup_word_list) word_list list = NULL;

    ck_assert(!word_list_has(NULL, SLICE("a")));
    ck_assert_ok(word_list_parse(SLICE("a bc"), ' ', is_any, &list));
    ck_assert(word_list_has(list, SLICE("a")));
    ck_assert(word_list_has(list, SLICE("bc")));
    ck_assert(!word_list_has(list, SLICE("b")));
    ck_assert(!word_list_has(list, SLICE("bcd")));
    ck_assert(!word_list_has(list, SLICE("bc\0d")));
    ck_assert(!word_list_has(list, SLICE("")));
}
END_TEST

START_TEST(lists_are_equal_by_their_words_and_their_order)
{
    static char a[] = "a", b[] = "b", also_a[] = "a";
    static char *const none[] = {NULL}, *const one[] = {a, NULL}, *const two[] = {a, b, NULL},
                       *const turned[] = {b, a, NULL}, *const same[] = {also_a, NULL};

    ck_assert(word_list_equal((word_list)one, (word_list)same));
    ck_assert(word_list_equal(NULL, (word_list)none));
    ck_assert(!word_list_equal(NULL, (word_list)one));
    ck_assert(!word_list_equal((word_list)one, NULL));
    ck_assert(!word_list_equal((word_list)one, (word_list)two));
    ck_assert(!word_list_equal((word_list)two, (word_list)one));
    ck_assert(!word_list_equal((word_list)two, (word_list)turned));
}
END_TEST

START_TEST(blanks_may_repeat_and_commas_may_not)
{
    CLEANUP(cleanup_word_list) word_list list = NULL;
    CLEANUP(cleanup_free) char *text = NULL;
    static const char *const wrong[] = {",", "a,", ",a", "a,,b"};

    ck_assert_ok(word_list_parse(SLICE("  a \t b  "), ' ', is_any, &list));
    ck_assert_ok(word_list_format(list, ',', &text));
    ck_assert_str_eq(text, "a,b");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        word_list none = NULL;

        ck_assert_err(word_list_parse(slice_of(wrong[i]), ',', is_not_empty, &none),
                      TOK_SETTINGS);
        ck_assert_ptr_null(none);
    }
}
END_TEST

START_TEST(no_word_makes_no_list)
{
    word_list list = NULL;
    CLEANUP(cleanup_free) char *text = NULL;

    ck_assert_ok(word_list_parse(SLICE(" "), ' ', is_any, &list));
    ck_assert_ptr_null(list);
    ck_assert_ok(word_list_copy(list, &list));
    ck_assert_ptr_null(list);
    ck_assert_ok(word_list_format(list, ' ', &text));
    ck_assert_str_eq(text, "");
}
END_TEST

/* Unlike NULL, which was never set. */
START_TEST(an_empty_list_is_copied_as_one)
{
    char *nobody[] = {NULL};
    CLEANUP(cleanup_word_list) word_list copy = NULL;

    ck_assert_ok(word_list_copy(nobody, &copy));
    ck_assert_ptr_nonnull(copy);
    ck_assert_ptr_null(copy[0]);
}
END_TEST

START_TEST(a_text_with_a_nul_is_not_copied)
{
    char *text = NULL;

    ck_assert_err(text_copy(SLICE("a\0b"), &text), TOK_SETTINGS);
    ck_assert_ptr_null(text);
}
END_TEST

UNIT_MAIN("text", a_text_ends_with_what_stands_at_its_end,
          classes_of_characters_are_ascii_alone, what_is_not_printable_becomes_a_question_mark,
          trimming_takes_blanks_off_both_ends, a_copy_replaces_a_text_only_when_it_succeeds,
          a_list_has_its_words_whole_and_no_others,
          lists_are_equal_by_their_words_and_their_order, blanks_may_repeat_and_commas_may_not,
          no_word_makes_no_list, an_empty_list_is_copied_as_one,
          a_text_with_a_nul_is_not_copied)
