#include "common/base/value.h"

#include "tests/unit/forge.h"

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

UNIT_MAIN("value", each_kind_of_word_has_its_bytes, words_have_their_longest,
          numbers_are_digits_in_their_range)
