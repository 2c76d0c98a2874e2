/*
 * The form of a settings file: sections, keys, comments, bytes that are refused.
 */
#include "tests/unit/config/settings_unit.h"

START_TEST(control_characters_are_refused)
{
    refuse_bytes((struct slice){"[Token]\nIssuer=a\0b\n", 19}, 2, "control character");
    refuse_bytes((struct slice){"#\0\n", 3}, 1, "control character");
    refuse("[Token]\nIssuer=a\x01\n", 2, "control character");
    refuse("[Token]\n# \x1b[31m\n", 2, "control character");
    refuse("[Token]\nIssuer=a\x7f\n", 2, "control character");
    refuse("[Token]\n#\xc2\x85\n", 2, "control character");
    refuse("[Token]\r\nIssuer=a\r\n", 1, "carriage return: expected a newline alone");
}
END_TEST

START_TEST(bad_utf8_is_refused)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\xaf",
        "\xc1\xbf",
        "\xc3",
        "\xc3(",
        "\xe0\x80\xaf",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xe2\x82",
        "\xe2\x82(",
        "\xf0\x80\x80\xaf",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x9f\x92",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xfe",
        "\xf0\x9f(\x80",
    };
    static const char *const good[] = {"\xc3\xa9",     "\xe2\x82\xac", "\xf0\x9f\x92\xa9",
                                       "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf",
                                       "\xc2\xa0",     "\xe0\xa0\x80", "\xf0\x90\x80\x80"};
    char text[32];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), "\n# %s\n", bad[i]);
        refuse(text, 2, "invalid UTF-8");
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        (void)snprintf(text, sizeof(text), "\n# %s", good[i]);
        accept(text);
    }
    /* A sequence does not go on in the next line, nor beyond the text. */
    refuse_bytes((struct slice){"# \xe2\x82\xac", 4}, 1, "invalid UTF-8");
}
END_TEST

START_TEST(a_comment_behind_a_value_is_refused)
{
    refuse("[Session]\nAllowGroups=staff # text\n", 2, "AllowGroups= has a comment");
    refuse("[Session]\nAllowGroups=staff\t;text\n", 2, "has a comment after its value");
    refuse("[Session]\nAllowGroups=# text\n", 2, "has a comment after its value");
    accept("[Session]\nAllowGroups=staff#1\n");
}
END_TEST

START_TEST(a_byte_order_mark_is_refused)
{
    refuse("\xef\xbb\xbf[Token]\n", 1, "byte order mark");
    refuse("\xef\xbb\xbf", 1, "byte order mark");
}
END_TEST

START_TEST(a_key_before_a_section_is_refused)
{
    refuse("\n# x\nIssuer=a\n", 3, "key before the first section");
}
END_TEST

START_TEST(a_line_of_another_form_is_refused)
{
    refuse("[Token]\nIssuer\n", 2, "line without '='");
    refuse("[Token]\nIssuer: a\n", 2, "line without '='");
    refuse("[Token]\n=a\n", 2, "value without a key");
    refuse("[Token]\n = a\n", 2, "value without a key");
    refuse("[Token\n", 1, "section without a closing bracket");
    refuse("[Token] # x\n", 1, "section without a closing bracket");
    refuse("[]\n", 1, "section without a closing bracket");
    refuse("[\n", 1, "section without a closing bracket");
}
END_TEST

START_TEST(a_trailing_backslash_is_refused)
{
    refuse("[Token]\nAudience=a \\\nb\n", 2, "backslash at the end");
    refuse("[Token]\nAudience=a\\  \n", 2, "backslash at the end");
    accept("# a comment may end in \\\n");
}
END_TEST

START_TEST(an_unknown_section_or_key_is_refused)
{
    refuse("[token]\n", 1, "unknown section [token]: expected [Token]");
    refuse("[Token ]\n", 1, "unknown section [Token ]");
    refuse("\n[Nothing]\n", 2, "unknown section [Nothing]");
    refuse("[Issuer]\n", 1, "unknown section [Issuer]");
    refuse("[Token]\nissuer=a\n", 2, "unknown key issuer in [Token]: expected one of Access");
    refuse("[Session]\nIssuer=a\n", 2,
           "unknown key Issuer in [Session]: expected one of Rotate");
    refuse("[Issuer u]\nkeys=/k\n", 2,
           "unknown key keys in [Issuer URL]: expected one of Keys");
    refuse("[Issuer u]\nIssuer=v\n", 2, "unknown key Issuer in [Issuer URL]");
    refuse("[Issuer u]\nConfig=/v\n", 2, "unknown key Config in [Issuer URL]");
}
END_TEST

START_TEST(a_repeated_section_or_key_is_refused)
{
    refuse("[Token]\nLeeway=1\nAudience=a\nLeeway=1\n", 4, "Leeway= is already set on line 2");
    refuse("[Token]\n[Session]\n[Token]\n", 3, "[Token] appears twice");
    refuse("[Issuer u]\nKeys=/k\n[Issuer u]\nKeys=/k\n", 3, "[Issuer u] appears twice");
    refuse("[Issuer u]\nKeys=/k\nKeys=/k\n", 3, "Keys= is already set on line 2");
    refuse("[Issuer u]\nKeys=/k\nUserMap=same\nUserMap=same\n", 4,
           "UserMap= is already set on line 3");
}
END_TEST

START_TEST(spaces_are_trimmed_and_comments_begin_lines)
{
    CLEANUP(settings_clear)
    struct settings set = read_text(
        "  # one\n\t; two\n\n [Token] \n  Issuer \t=  https://a/;c \t\nAudience=a\t b\n"
        "[Session]\nAllowGroups=a#b;c\n");

    ck_assert_str_eq(set.token.issuer, "https://a/;c");
    words_are(set.session.allow_groups, "a#b;c");
    words_are(set.token.audience, "a b");
}
END_TEST

START_TEST(the_last_line_needs_no_newline_and_no_nul)
{
    CLEANUP(settings_clear) struct settings set = {0};
    char *text = strdup("[Daemon]\nIdleTimeout=12");
    size_t n = strlen(text);

    ck_assert_ok(settings_init(&set));
    text[n] = '3'; /* one byte past the text */
    ck_assert_ok(settings_parse(&set, "file", (struct slice){text, n}, NULL));
    ck_assert_uint_eq(set.daemon.idle_timeout, 12 * SEC);
    free(text);
}
END_TEST

START_TEST(an_empty_text_changes_nothing)
{
    CLEANUP(settings_clear) struct settings set = read_text("");

    ck_assert_ok(settings_parse(&set, "file", (struct slice){NULL, 0}, NULL));
    ck_assert_uint_eq(set.token.max_token_length, 511);
}
END_TEST

UNIT_MAIN("settings", control_characters_are_refused, bad_utf8_is_refused,
          a_comment_behind_a_value_is_refused, a_byte_order_mark_is_refused,
          a_key_before_a_section_is_refused, a_line_of_another_form_is_refused,
          a_trailing_backslash_is_refused, an_unknown_section_or_key_is_refused,
          a_repeated_section_or_key_is_refused, spaces_are_trimmed_and_comments_begin_lines,
          the_last_line_needs_no_newline_and_no_nul, an_empty_text_changes_nothing)
