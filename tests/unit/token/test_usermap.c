/* The map of another issuer's users, and the files it is read from. */
#include "common/base/cleanup.h"
#include "common/token/usermap.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct usermap read_text(const char *text)
{
    struct usermap map = {0};
    struct errmsg errmsg = {""};

    ck_assert_msg(usermap_parse("map", slice_of(text), &map, &errmsg) == TOK_OK, "%s",
                  errmsg.text);
    return map;
}

/* user NULL: no user. */
static void is(const struct usermap *map, const char *issuer, const char *value,
               const char *user)
{
    const struct usermap_line *line = usermap_find(map, slice_of(issuer), slice_of(value));
    char got[USER_NAME_MAX + 1] = "nobody";
    enum tok_err err = line ? usermap_apply(line, slice_of(value), got) : TOK_UNMAPPED;

    ck_assert_msg(user ? err == TOK_OK : err == TOK_UNMAPPED, "%s: %s", value,
                  tok_err_word(err));
    if (user)
        ck_assert_msg(strcmp(got, user) == 0, "%s is %s", value, got);
}

static void refuse(const char *text, unsigned line, const char *says)
{
    struct usermap map = {0};
    struct errmsg errmsg = {""};
    char start[16];

    (void)snprintf(start, sizeof(start), "map:%u: ", line);
    ck_assert_err(usermap_parse("map", slice_of(text), &map, &errmsg), TOK_SETTINGS);
    ck_assert_msg(strncmp(errmsg.text, start, strlen(start)) == 0, "no %sin %s", start,
                  errmsg.text);
    ck_assert_msg(strstr(errmsg.text, says) != NULL, "no %s in %s", says, errmsg.text);
    ck_assert_ptr_null(map.lines);
}

START_TEST(a_value_is_the_user_of_its_line)
{
    CLEANUP(usermap_clear)
    struct usermap map = read_text("# who is who\n"
                                   "https://a  repo:o/r:ref:refs/heads/main\tdeploy\n"
                                   "\n"
                                   "\thttps://a 17 alice   \n"
                                   "https://b 17 carol\n"
                                   "https://a \xc3\xa4,\"'; svc_x$");

    is(&map, "https://a", "repo:o/r:ref:refs/heads/main", "deploy");
    is(&map, "https://a", "17", "alice");
    is(&map, "https://b", "17", "carol");
    is(&map, "https://a", "\xc3\xa4,\"';", "svc_x$");
}
END_TEST

START_TEST(similar_values_and_issuers_do_not_match)
{
    CLEANUP(usermap_clear) struct usermap map = read_text("https://a Alice alice\n");

    is(&map, "https://a", "alice", NULL);
    is(&map, "https://a", "Alice ", NULL);
    is(&map, "https://a", "Alic", NULL);
    is(&map, "https://a", "Alices", NULL);
    is(&map, "https://a", "", NULL);
    is(&map, "https://a/", "Alice", NULL);
    is(&map, "https://A", "Alice", NULL);
    is(&map, "", "Alice", NULL);
    ck_assert_ptr_null(
        usermap_find(&map, slice_of("https://a"), (struct slice){"Alice\0x", 7}));
}
END_TEST

START_TEST(a_domain_is_all_of_it_and_nothing_under_or_over_it)
{
    CLEANUP(usermap_clear)
    struct usermap map = read_text("https://a boss@corp.example alice\n"
                                   "https://a *@corp.example guest\n");

    is(&map, "https://a", "x@corp.example", "guest");
    is(&map, "https://a", "boss@corp.example", "alice");
    is(&map, "https://a", "x@CORP.example", "guest"); /* a domain has no case */
    is(&map, "https://a", "BOSS@corp.example", "guest");
    is(&map, "https://a", "x@sub.corp.example", NULL);
    is(&map, "https://a", "x@orp.example", NULL);
    is(&map, "https://a", "x@corp.example.org", NULL);
    is(&map, "https://a", "@corp.example", NULL);
    is(&map, "https://a", "corp.example", NULL);
    is(&map, "https://a", "x@evil@corp.example", NULL);
    is(&map, "https://a", "x@corp.example@evil", NULL);
    is(&map, "https://a", "OTHER\\x@corp.example", NULL);
    is(&map, "https://a", "a/x@corp.example", NULL);
    is(&map, "https://a", "a:x@corp.example", NULL);
    is(&map, "https://a", "x@", NULL);
    is(&map, "https://b", "x@corp.example", NULL);
}
END_TEST

START_TEST(what_a_star_stands_for_is_the_user)
{
    CLEANUP(usermap_clear)
    struct usermap map = read_text("i *@corp.example *\n"
                                   "i *@lower.example * fold\n"
                                   "i CORP\\* *\n"
                                   "i svc-*-prod dep-*x\n"
                                   "i *@ad.example *@ad.example\n"
                                   "i uid* * system\n"
                                   "i \"Ann Lee\" ann\n"
                                   "i BOSS@x alice fold\n");
    const struct usermap_line *line = usermap_find(&map, SLICE("i"), SLICE("svc-a b-prod"));
    char got[USER_NAME_MAX + 1];

    is(&map, "i", "alice@corp.example", "alice");
    is(&map, "i", "Alice@Corp.Example", "Alice");
    is(&map, "i", "Alice@lower.example", "alice");
    is(&map, "i", "CORP\\alice", "alice");
    is(&map, "i", "corp\\alice", NULL);
    is(&map, "i", "CORP\\EVIL\\alice", NULL);
    is(&map, "i", "svc-web-prod", "dep-webx");
    is(&map, "i", "svc--prod", NULL);
    is(&map, "i", "x@ad.example", "x@ad.example");
    is(&map, "i", "Ann Lee", "ann");
    is(&map, "i", "boss@X", "alice");
    /* Programs take digits for a uid, and a name that ends in '$' is a machine's. */
    is(&map, "i", "1000@corp.example", NULL);
    is(&map, "i", "host$@corp.example", NULL);
    is(&map, "i", "uid1000", "1000");
    is(&map, "i", "uidhost$", "host$");
    ck_assert_ptr_nonnull(line);
    ck_assert_err(usermap_apply(line, SLICE("svc-a b-prod"), got), TOK_USER_NAME);
    ck_assert_err(usermap_apply(&map.lines[0], SLICE("-rf@corp.example"), got), TOK_USER_NAME);
    ck_assert_err(usermap_apply(&map.lines[0], SLICE("..@corp.example"), got), TOK_USER_NAME);
}
END_TEST

START_TEST(the_first_line_that_matches_applies)
{
    CLEANUP(usermap_clear)
    struct usermap map = read_text("i *@d guest\ni boss@d alice\ni x alice\ni x carol\n");

    is(&map, "i", "boss@d", "guest");
    is(&map, "i", "x", "alice");
    ck_assert_uint_eq(usermap_find(&map, SLICE("i"), SLICE("x"))->line, 3);
}
END_TEST

START_TEST(a_star_yields_no_system_account)
{
    CLEANUP(usermap_clear)
    struct usermap map = read_text("i *@d *\ni *@s * system\ni daemon daemon\n");
    struct errmsg errmsg = {""};

    ck_assert_err(usermap_check_uid(&map.lines[0], 999, &errmsg), TOK_UNMAPPED);
    ck_assert_ptr_nonnull(
        strstr(errmsg.text, "line 1 of the user map: the account has uid 999,"));
    ck_assert_err(usermap_check_uid(&map.lines[0], 0, NULL), TOK_UNMAPPED);
    ck_assert_ok(usermap_check_uid(&map.lines[0], 1000, NULL));
    ck_assert_ok(usermap_check_uid(&map.lines[1], 999, NULL));
    ck_assert_ok(usermap_check_uid(&map.lines[2], 999, NULL));
    ck_assert_ok(usermap_check_uid(NULL, 0, NULL));
}
END_TEST

START_TEST(an_empty_map_has_no_users)
{
    CLEANUP(usermap_clear) struct usermap map = read_text("");
    const struct usermap none = {0};

    is(&map, "https://a", "x", NULL);
    is(&none, "https://a", "x@y", NULL);
}
END_TEST

START_TEST(another_form_is_refused_with_its_line)
{
    refuse("https://a x\n", 1, "expected ISSUER CLAIM-VALUE LOCAL-USER");
    refuse("# c\n\nhttps://a x alice # why\n", 3, "expected ISSUER");
    refuse("https://a x alice carol\n", 1, "expected ISSUER");
    refuse("https://a x alice fold fold\n", 1, "expected ISSUER");
    refuse("https://a \"x alice\n", 1, "claim value: expected");
    refuse("https://a \"\" alice\n", 1, "claim value: expected");
    refuse("alice\n", 1, "expected ISSUER");
    refuse("; x\n", 1, "expected ISSUER");
    refuse("ok x alice\nhttps://a,b x alice\n", 2, "issuer: expected 1 to 255 bytes");
    refuse("https://a x al/ice\n", 1, "local user: expected 1 to 255 bytes of UTF-8 without");
    refuse("https://a x *\n", 1, "got \"*\"");
    refuse("https://a x -rf\n", 1, "got \"-rf\"");
    refuse("https://a x* **\n", 1, "got \"**\"");
}
END_TEST

START_TEST(a_value_has_at_most_one_star_and_more_than_it)
{
    static const char *const values[] = {"*", "*@*", "*@a*", "**@a", "\"*\"", "**"};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "https://a %s alice\n", values[i]);
        refuse(text, 1, "at most one '*' and not '*' alone");
    }
}
END_TEST

START_TEST(bytes_that_are_no_text_are_refused)
{
    struct usermap map = {0};
    struct errmsg errmsg = {""};

    refuse("i x alice\r\n", 1, "carriage return");
    refuse("\xef\xbb\xbfi x alice\n", 1, "byte order mark");
    refuse("i \xff alice\n", 1, "UTF-8");
    refuse("i x\x01 alice\n", 1, "control character");
    ck_assert_err(usermap_parse("map", (struct slice){"i x\0y alice", 11}, &map, &errmsg),
                  TOK_SETTINGS);
}
END_TEST

START_TEST(values_have_a_longest)
{
    char value[USERMAP_VALUE_MAX + 2], text[USERMAP_VALUE_MAX + 64];
    CLEANUP(usermap_clear) struct usermap map = {0};

    memset(value, 'v', sizeof(value));
    value[USERMAP_VALUE_MAX + 1] = '\0';
    (void)snprintf(text, sizeof(text), "i %s alice\n", value);
    refuse(text, 1, "claim value: expected up to 1024 bytes");
    value[USERMAP_VALUE_MAX] = '\0';
    (void)snprintf(text, sizeof(text), "i %s alice\n", value);
    map = read_text(text);
    is(&map, "i", value, "alice");
    value[1] = '@';
    is(&map, "i", value, NULL);
    value[USERMAP_VALUE_MAX] = 'v';
    is(&map, "i", value, NULL);
}
END_TEST

START_TEST(a_long_map_finds_each_and_no_other)
{
    enum { LINES = 5000 };
    char *text = calloc(LINES, 48), value[32], user[32];
    CLEANUP(usermap_clear) struct usermap map = {0};
    size_t n = 0;

    ck_assert_ptr_nonnull(text);
    for (unsigned i = 0; i < LINES; i++)
        n += (size_t)sprintf(text + n, "https://i v%u user%u\n", i * 7919 % LINES,
                             i * 7919 % LINES);
    map = read_text(text);
    free(text);
    for (unsigned i = 0; i < LINES; i++) {
        (void)snprintf(value, sizeof(value), "v%u", i);
        (void)snprintf(user, sizeof(user), "user%u", i);
        is(&map, "https://i", value, user);
        is(&map, "https://j", value, NULL);
    }
    is(&map, "https://i", "v5000", NULL);
}
END_TEST

START_TEST(a_file_that_others_can_write_is_refused)
{
    char path[] = "/tmp/usermap-XXXXXX";
    struct usermap map = {0};
    struct errmsg errmsg = {""};
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    ck_assert_ok(file_write(path, SLICE("i x alice\n"), 0666, NULL));
    ck_assert_err(usermap_load(path, FILE_OWN, &map, &errmsg), TOK_SETTINGS);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "has mode 0666"));
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_ok(usermap_load(path, FILE_OWN, &map, &errmsg));
    is(&map, "i", "x", "alice");
    usermap_clear(&map);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_err(usermap_load(path, FILE_OWN, &map, &errmsg), TOK_SETTINGS);
    ck_assert_ptr_nonnull(strstr(errmsg.text, path));
}
END_TEST

UNIT_MAIN("usermap", a_value_is_the_user_of_its_line, similar_values_and_issuers_do_not_match,
          a_domain_is_all_of_it_and_nothing_under_or_over_it, an_empty_map_has_no_users,
          another_form_is_refused_with_its_line, what_a_star_stands_for_is_the_user,
          the_first_line_that_matches_applies, a_star_yields_no_system_account,
          a_value_has_at_most_one_star_and_more_than_it, bytes_that_are_no_text_are_refused,
          values_have_a_longest, a_long_map_finds_each_and_no_other,
          a_file_that_others_can_write_is_refused)
