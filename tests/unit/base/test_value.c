#include "common/base/value.h"

#include "tests/unit/forge.h"

/* Each word with whether it passes: a name, a token of HTTP, a host, a path. */
START_TEST(each_kind_of_value_accepts_its_bytes)
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

START_TEST(values_have_a_longest_length)
{
    char bytes[300];

    memset(bytes, 'a', sizeof(bytes));
    ck_assert(value_is_name((struct slice){bytes, VALUE_NAME_MAX}));
    ck_assert(!value_is_name((struct slice){bytes, VALUE_NAME_MAX + 1}));
    ck_assert(value_is_token((struct slice){bytes, VALUE_NAME_MAX}));
    ck_assert(!value_is_token((struct slice){bytes, VALUE_NAME_MAX + 1}));
}
END_TEST

UNIT_MAIN("value", each_kind_of_value_accepts_its_bytes, values_have_a_longest_length)
