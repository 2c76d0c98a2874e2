#include "tests/unit/json/scan_unit.h"

#include <dirent.h>

#include "tests/unit/json/json_test_suite.h"

/* ---- JSONTestSuite ---- */

static char *read_whole(const char *name, size_t *ret_n)
{
    char path[512];
    char *text;
    long size;
    FILE *f;

    snprintf(path, sizeof(path), TEST_DATA "/jsontestsuite/test_parsing/%s", name);
    f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s can't be opened", path);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    size = ftell(f);
    ck_assert_int_ge(size, 0);
    rewind(f);
    text = malloc((size_t)size + 1);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, f), (size_t)size);
    fclose(f);
    *ret_n = (size_t)size;
    return text;
}

static const struct decision *decision_of(const char *name)
{
    for (size_t i = 0; i < N(decisions); i++) {
        if (strcmp(name, decisions[i].file) == 0)
            return &decisions[i];
    }
    return NULL;
}

static void file_has_its_fate(const char *name)
{
    const struct decision *decision = decision_of(name);
    bool accepted = decision ? decision->accepted : name[0] == 'y';
    struct scan_fault fault = {0};
    size_t n = 0;
    char *text = read_whole(name, &n);
    enum tok_err err = scan((struct slice){text, n}, &fault);

    ck_assert_msg(name[0] != 'i' || decision, "%s: nobody decided", name);
    ck_assert_msg(err == (accepted ? TOK_OK : TOK_JSON), "%s was %s", name,
                  err == TOK_OK ? "accepted" : fault.what);
    if (decision && !accepted)
        ck_assert_msg(strcmp(fault.what, decision->reason) == 0, "%s: %s", name, fault.what);
    ck_assert_msg(fault.at <= n, "%s: fault beyond the text", name);
    free(text);
}

START_TEST(json_test_suite_is_accepted_and_refused_as_it_requires)
{
    unsigned y = 0, n = 0, i = 0;
    struct dirent *entry;
    DIR *dir = opendir(TEST_DATA "/jsontestsuite/test_parsing");

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        y += entry->d_name[0] == 'y';
        n += entry->d_name[0] == 'n';
        i += entry->d_name[0] == 'i';
        file_has_its_fate(entry->d_name);
    }
    closedir(dir);
    ck_assert_uint_eq(y, 95);
    ck_assert_uint_eq(n, 188);
    ck_assert_uint_eq(i, 35);
}
END_TEST

/* ---- form ---- */

START_TEST(every_kind_of_value_is_yielded_with_its_text)
{
    static const struct {
        const char *text;
        enum scan_type type;
    } rows[] = {
        {"{\"a\":[1]}", SCAN_OBJECT}, {"[{},[]]", SCAN_ARRAY}, {"\"x\"", SCAN_STRING},
        {"-1.5e3", SCAN_NUMBER},      {"true", SCAN_TRUE},     {"false", SCAN_FALSE},
        {"null", SCAN_NULL},
    };
    char padded[64];

    for (size_t i = 0; i < N(rows); i++) {
        struct scan_value v = value_of(rows[i].text);

        ck_assert_int_eq(v.type, rows[i].type);
        snprintf(padded, sizeof(padded), " \t\r\n%s\n ", rows[i].text);
        v = value_of(padded);
        ck_assert(slice_is(v.text, rows[i].text));
        ck_assert_ptr_eq(v.text.p, padded + 4);
    }
    ck_assert(value_of("\"\\n\"").escaped);
    ck_assert(!value_of("\"n\"").escaped);
}
END_TEST

START_TEST(text_around_the_value_is_refused)
{
    REFUSED("", "the text ends too early", 0);
    REFUSED("  ", "the text ends too early", 2);
    REFUSED("{} x", "text after the value", 3);
    REFUSED("{}{}", "text after the value", 2);
    REFUSED("{}\0", "text after the value", 2);
    REFUSED("1,", "text after the value", 1);
    REFUSED("\xef\xbb\xbf{}", "byte order mark", 0);
    REFUSED("\v{}", "not a JSON value", 0);
    REFUSED("\0", "not a JSON value", 0);
    REFUSED("// a\n{}", "not a JSON value", 0);
    REFUSED("{}\xc2\xa0", "text after the value", 2);
}
END_TEST

START_TEST(every_truncated_document_is_refused)
{
    static const char doc[] = "{\"a\":[1,-2.5e+3,\"\\u00e9\\\\ \xc3\xa9\",true,null],\"b\":{}}";

    is_accepted(SLICE(doc));
    for (size_t n = 0; n < sizeof(doc) - 1; n++)
        ck_assert_err(scan((struct slice){doc, n}, NULL), TOK_JSON);
}
END_TEST

START_TEST(malformed_structure_is_refused)
{
    REFUSED("{\"a\" 1}", "no colon after a member name", 5);
    REFUSED("{\"a\":1,}", "no member name", 7);
    REFUSED("{,}", "no member name", 1);
    REFUSED("{a:1}", "no member name", 1);
    REFUSED("{'a':1}", "no member name", 1);
    REFUSED("{1:1}", "no member name", 1);
    REFUSED("{\"a\":1 \"b\":2}", "neither comma nor brace after a member", 7);
    REFUSED("{\"a\":1]", "neither comma nor brace after a member", 6);
    REFUSED("{\"a\":}", "not a JSON value", 5);
    REFUSED("[1,]", "not a JSON value", 3);
    REFUSED("[,1]", "not a JSON value", 1);
    REFUSED("[1 2]", "neither comma nor bracket after an element", 3);
    REFUSED("[1}", "neither comma nor bracket after an element", 2);
    REFUSED("[1", "the text ends too early", 2);
    REFUSED("]", "not a JSON value", 0);
    REFUSED("tru", "not a JSON value", 0);
    REFUSED("True", "not a JSON value", 0);
    REFUSED("nul\0", "not a JSON value", 0);
    REFUSED("truex", "text after the value", 4);
}
END_TEST

START_TEST(malformed_numbers_are_refused)
{
    REFUSED("01", "leading zero", 1);
    REFUSED("-01", "leading zero", 2);
    REFUSED("00", "leading zero", 1);
    REFUSED("[1.]", "number without a digit after the point", 3);
    REFUSED("1.", "the text ends too early", 2);
    REFUSED("[1.e1]", "number without a digit after the point", 3);
    REFUSED(".5", "not a JSON value", 0);
    REFUSED("+1", "not a JSON value", 0);
    REFUSED("[-]", "not a JSON value", 2);
    REFUSED("[1e]", "number without a digit in the exponent", 3);
    REFUSED("[1e+]", "number without a digit in the exponent", 4);
    REFUSED("[1e+-2]", "number without a digit in the exponent", 4);
    REFUSED("NaN", "not a JSON value", 0);
    REFUSED("[NaN]", "not a JSON value", 1);
    REFUSED("Infinity", "not a JSON value", 0);
    REFUSED("-Infinity", "not a JSON value", 1);
    REFUSED("0x10", "text after the value", 1);
    REFUSED("1_000", "text after the value", 1);
    ACCEPTED("-0");
    ACCEPTED("0");
    ACCEPTED("-0.0");
    ACCEPTED("[0,-0,10,1.50,1E5,1e-5,1.0E+05,123456789012345678901234567890]");
    ACCEPTED("123456789012345678901234567890");
}
END_TEST

START_TEST(nesting_is_bounded)
{
    char *in = repeat("[", "1", "]", SCAN_DEPTH), *over = repeat("[", "1", "]", SCAN_DEPTH + 1);
    char *mixed = repeat("{\"a\":[", "1", "]}", SCAN_DEPTH / 2);
    char *mixed_over = repeat("{\"a\":[", "{}", "]}", SCAN_DEPTH / 2);
    char *wide = repeat("[],", "", "", 5000);

    ck_assert_int_eq(SCAN_DEPTH, 32);
    is_accepted((struct slice){in, strlen(in)});
    is_refused((struct slice){over, strlen(over)}, "nested too deeply", SCAN_DEPTH);
    is_accepted((struct slice){mixed, strlen(mixed)});
    is_refused((struct slice){mixed_over, strlen(mixed_over)}, "nested too deeply",
               strlen("{\"a\":[") * SCAN_DEPTH / 2);
    wide[0] = '[', wide[1] = '1';
    wide[2] = ',', wide[strlen(wide) - 1] = ']';
    is_accepted((struct slice){wide, strlen(wide)});
    free(in), free(over), free(mixed), free(mixed_over), free(wide);
}
END_TEST

UNIT_MAIN("scan", json_test_suite_is_accepted_and_refused_as_it_requires,
          every_kind_of_value_is_yielded_with_its_text, text_around_the_value_is_refused,
          every_truncated_document_is_refused, malformed_structure_is_refused,
          malformed_numbers_are_refused, nesting_is_bounded)
