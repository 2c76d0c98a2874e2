#include "common/token/synced.h"

#include "common/base/file.h"
#include "tests/unit/place.h"

static enum tok_err read_text(const char *text, struct synced *ret)
{
    struct errmsg errmsg = {""};
    enum tok_err err;

    ck_assert_ok(file_write("synced", slice_of(text), 0644, NULL));
    err = synced_read("synced", ret, &errmsg);
    ck_assert_msg(!err || strstr(errmsg.text, "synced"), "no file in: %s", errmsg.text);
    return err;
}

START_TEST(the_file_names_bundle_and_issuer)
{
    CLEANUP(place_leave) struct place place = place_enter();
    struct synced s;

    ck_assert_ok(read_text("Bundle=1700000000\nEpoch=1\nSeq=2\nIssuer=https://a/b=c\n", &s));
    ck_assert_int_eq(s.bundle, 1700000000);
    ck_assert_str_eq(s.issuer, "https://a/b=c");
    ck_assert_ok(read_text("Issuer=a\nNew=\nBundle=9999999999\n", &s));
    ck_assert_int_eq(s.bundle, 9999999999);
}
END_TEST

START_TEST(a_malformed_file_is_stale)
{
    static const char *const texts[] = {
        "",
        "\n",
        "Bundle=1700000000\n",
        "Issuer=a\n",
        "Bundle=1700000000\nIssuer=a",
        "Bundle=1700000000\nIssuer=\n",
        "Bundle=1700000000\nIssuer=a b\n",
        "Bundle=0\nIssuer=a\n",
        "Bundle=-1\nIssuer=a\n",
        "Bundle= 1\nIssuer=a\n",
        "Bundle=10000000000\nIssuer=a\n",
        "Bundle=99999999999999999999\nIssuer=a\n",
        "Bundle=1700000000\nIssuer=a\njunk\n",
        "Bundle=1700000000\nIssuer=a\nSeq=1",
        "junk\nBundle=1700000000\nIssuer=a\n",
        "bundle=1700000000\nIssuer=a\n",
    };
    CLEANUP(place_leave) struct place place = place_enter();
    struct synced s;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        ck_assert_err(read_text(texts[i], &s), TOK_STALE);
}
END_TEST

START_TEST(a_file_that_others_can_write_or_that_is_large_is_refused)
{
    CLEANUP(place_leave) struct place place = place_enter();
    char large[5000] = "Bundle=1700000000\nIssuer=a\n";
    struct synced s;

    ck_assert_ok(read_text(large, &s));
    ck_assert_int_eq(chmod("synced", 0666), 0);
    ck_assert_err(synced_read("synced", &s, NULL), TOK_FILE);
    memset(large + strlen(large), '\n', sizeof(large) - 1 - strlen(large));
    ck_assert_err(read_text(large, &s), TOK_FILE);
}
END_TEST

START_TEST(the_age_of_a_bundle_has_both_bounds)
{
    struct errmsg errmsg = {""};

    ck_assert_ok(synced_check(1000, 60, 1060, &errmsg));
    ck_assert_err(synced_check(1000, 60, 1061, &errmsg), TOK_STALE);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "61 s old, expected at most 1min"));
    ck_assert_ok(synced_check(1300, 60, 1000, &errmsg));
    ck_assert_err(synced_check(1301, 60, 1000, &errmsg), TOK_STALE);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "301 s in the future"));
}
END_TEST

UNIT_MAIN("synced", the_file_names_bundle_and_issuer, a_malformed_file_is_stale,
          a_file_that_others_can_write_or_that_is_large_is_refused,
          the_age_of_a_bundle_has_both_bounds)
