#include "common/base/username.h"

#include "tests/unit/unit.h"

START_TEST(user_names_are_portable)
{
    static const char *const good[] = {"a",  "alice", "A_b-c.9", "_",
                                       "9a", "host$", ".a",      "a.b"};
    static const char *const bad[] = {"",    "-a",  "123", ".",    "..",         "$",
                                      "a$b", "a b", "a/b", "a\nb", "al\xc3\xad", "a:b",
                                      "a$$", "a@b", "-",   "0",    "12$",        "..$"};
    char name[USER_NAME_MAX + 2];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(username_valid(slice_of(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!username_valid(slice_of(bad[i])), "%s", bad[i]);
    ck_assert(!username_valid((struct slice){"alice\0", 6}));
    ck_assert(!username_valid((struct slice){NULL, 0}));
    memset(name, 'a', sizeof(name));
    ck_assert(username_valid((struct slice){name, USER_NAME_MAX}));
    ck_assert(!username_valid((struct slice){name, USER_NAME_MAX + 1}));
    name[USER_NAME_MAX] = '$';
    ck_assert(!username_valid((struct slice){name, USER_NAME_MAX + 1}));
}
END_TEST

UNIT_MAIN("username", user_names_are_portable)
