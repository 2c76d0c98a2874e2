#include "common/base/username.h"

#include "tests/unit/unit.h"

START_TEST(any_name_is_a_user_name_but_for_what_misleads)
{
    static const char *const good[] = {"a",
                                       "alice",
                                       "A_b-c.9",
                                       "_",
                                       "9a",
                                       "host$",
                                       ".a",
                                       "a.b",
                                       "123",
                                       "0",
                                       "$",
                                       "a@b",
                                       "alice@c.d",
                                       "CORP\\alice",
                                       "x+y",
                                       "al\xc3\xad",
                                       "j\xc3\xbcrgen",
                                       "...",
                                       "\xf0\x9f\x98\x80",
                                       "a\xc2\xa1",
                                       "a,b",
                                       "a\"b",
                                       "\xe1\x84\x81"};
    static const char *const bad[] = {"",
                                      "-a",
                                      "-",
                                      ".",
                                      "..",
                                      "a b",
                                      "a/b",
                                      "a:b",
                                      "a\nb",
                                      "a\tb",
                                      "a\x7f",
                                      "\xff",
                                      "al\xc3",
                                      "a\xc0\xaf",
                                      "a\xed\xa0\x80",
                                      "a\xc2\x80",
                                      "a\xc2\x9f",
                                      "a\xc2\xa0",
                                      "a\xc2\xad",
                                      "a\xe2\x80\x8b",
                                      "a\xe2\x80\x8e",
                                      "a\xe2\x80\xae",
                                      "a\xe2\x81\xa6",
                                      "a\xe2\x81\xa0",
                                      "a\xe3\x80\x80",
                                      "a\xef\xbb\xbf",
                                      "a\xd8\x9c",
                                      "a\xe3\x85\xa4",
                                      "a\xef\xb8\x8f",
                                      "a\xe2\x80\xa8",
                                      "a\xf3\xa0\x81\x81"};
    char name[USER_NAME_MAX + 2];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(username_valid(slice_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!username_valid(slice_of(bad[i])), "%zu: %s", i, bad[i]);
    ck_assert(!username_valid((struct slice){"alice\0", 6}));
    ck_assert(!username_valid((struct slice){NULL, 0}));
    memset(name, 'a', sizeof(name));
    ck_assert(username_valid((struct slice){name, USER_NAME_MAX}));
    ck_assert(!username_valid((struct slice){name, USER_NAME_MAX + 1}));
}
END_TEST

UNIT_MAIN("username", any_name_is_a_user_name_but_for_what_misleads)
