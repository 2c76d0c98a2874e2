#include "common/base/slice.h"

#include "tests/unit/unit.h"

START_TEST(slices_are_compared_by_bytes_and_length)
{
    struct slice none = {NULL, 0};

    ck_assert(slice_eq(SLICE("a\0b"), SLICE("a\0b")));
    ck_assert(!slice_eq(SLICE("a\0b"), SLICE("a\0c")));
    ck_assert(!slice_eq(SLICE("ab"), SLICE("abc")));
    ck_assert(!slice_eq(SLICE("abc"), SLICE("ab")));
    ck_assert(slice_eq(none, SLICE("")));
    ck_assert(!slice_eq(none, SLICE("a")));
    ck_assert(slice_is(SLICE("sub"), "sub"));
    ck_assert(!slice_is(SLICE("sub"), "sux"));
    ck_assert(!slice_is(SLICE("sub"), "su"));
    ck_assert(!slice_is(SLICE("su"), "sub"));
    ck_assert(slice_is(none, ""));
}
END_TEST

START_TEST(a_nul_inside_never_ends_a_slice)
{
    ck_assert(!slice_is(SLICE("sub\0x"), "sub"));
    ck_assert(!slice_is(SLICE("sub\0"), "sub"));
    ck_assert(!slice_is(SLICE("\0"), ""));
}
END_TEST

START_TEST(a_text_is_cut_at_the_first_separator_or_not_at_all)
{
    struct slice head = {0}, tail = {0};

    ck_assert(slice_cut(SLICE("a\0:b:c"), ':', &head, &tail));
    ck_assert(slice_eq(head, SLICE("a\0")) && slice_is(tail, "b:c"));
    ck_assert(slice_cut(SLICE(":"), ':', &head, &tail));
    ck_assert(head.n == 0 && tail.n == 0);
    head = tail = SLICE("as it was");
    ck_assert(!slice_cut(SLICE("a;b"), ':', &head, &tail));
    ck_assert(!slice_cut((struct slice){0}, ':', &head, &tail));
    ck_assert(!slice_cut((struct slice){"a:", 1}, ':', &head, &tail));
    ck_assert(slice_is(head, "as it was") && slice_is(tail, "as it was"));
}
END_TEST

START_TEST(only_digits_are_a_number)
{
    static const char *const wrong[] = {"",  "-1", "+1",  " 1", "1 ", "0x",
                                        "/", ":",  "1.0", "1e", "a",  "18446744073709551616"};
    uint64_t n = 7;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_msg(!slice_digits(slice_of(wrong[i]), &n), "%s", wrong[i]);
    ck_assert(!slice_digits((struct slice){0}, &n));
    ck_assert(!slice_digits(SLICE("1\0"), &n));
    ck_assert_uint_eq(n, 7);
    ck_assert(slice_digits(SLICE("007"), &n) && n == 7);
    ck_assert(slice_digits(SLICE("18446744073709551615"), &n) && n == UINT64_MAX);
}
END_TEST

START_TEST(a_message_shows_at_most_so_many_bytes)
{
    ck_assert_int_eq(slice_shown(SLICE("abc"), 3), 3);
    ck_assert_int_eq(slice_shown(SLICE("abcd"), 3), 3);
    ck_assert_int_eq(slice_shown((struct slice){"", SIZE_MAX}, 64), 64);
}
END_TEST

UNIT_MAIN("slice", slices_are_compared_by_bytes_and_length, a_nul_inside_never_ends_a_slice,
          a_text_is_cut_at_the_first_separator_or_not_at_all, only_digits_are_a_number,
          a_message_shows_at_most_so_many_bytes)
