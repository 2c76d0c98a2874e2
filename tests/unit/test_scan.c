#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "json_test_suite.h"
#include "same_as_json_c.h"
#include "scan.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* ---- helpers ---- */

/* Each text is scanned in a block of exactly its size, so that ASan sees one byte too far. */
static enum tok_err scan(struct slice doc, struct scan_fault *fault)
{
    char *copy = malloc(doc.n > 0 ? doc.n : 1);
    struct scan_value v = {0};
    const char *differs = NULL;
    enum tok_err err;

    ck_assert_ptr_nonnull(copy);
    if (doc.n > 0)
        memcpy(copy, doc.p, doc.n);
    err = scan_document((struct slice){copy, doc.n}, &v, fault);
    if (err == TOK_OK)
        differs = same_as_json_c((struct slice){copy, doc.n}, v);
    free(copy);
    ck_assert_msg(!differs, "json-c says %s to %.*s", differs ? differs : "",
                  (int)(doc.n < 100 ? doc.n : 100), doc.p);
    return err;
}

static void is_accepted(struct slice doc)
{
    struct scan_fault fault = {0};

    ck_assert_msg(scan(doc, &fault) == TOK_OK, "refused: %.*s: %s at %zu",
                  (int)(doc.n < 100 ? doc.n : 100), doc.p, fault.what, fault.at);
}

static void is_refused(struct slice doc, const char *what, size_t at)
{
    struct scan_fault fault = {0};

    ck_assert_msg(scan(doc, &fault) == TOK_JSON, "accepted: %.*s",
                  (int)(doc.n < 100 ? doc.n : 100), doc.p);
    ck_assert_msg(strcmp(fault.what, what) == 0 && fault.at == at,
                  "%.*s: \"%s\" at %zu, not \"%s\" at %zu", (int)(doc.n < 100 ? doc.n : 100),
                  doc.p, fault.what, fault.at, what, at);
    ck_assert_uint_eq(fault.surrogate, 0);
}

#define ACCEPTED(literal) is_accepted(SLICE(literal))
#define REFUSED(literal, what, at) is_refused(SLICE(literal), what, at)

static struct scan_value value_of(const char *text)
{
    struct scan_value v = {0};

    ck_assert_ok(scan_document((struct slice){text, strlen(text)}, &v, NULL));
    return v;
}

static char *repeat(const char *before, const char *middle, const char *after, size_t times)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i < times; i++)
        fputs(before, f);
    fputs(middle, f);
    for (size_t i = 0; i < times; i++)
        fputs(after, f);
    fclose(f);
    return text;
}

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

START_TEST(json_test_suite_is_read_as_it_asks)
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

START_TEST(every_beginning_of_a_document_is_refused)
{
    static const char doc[] = "{\"a\":[1,-2.5e+3,\"\\u00e9\\\\ \xc3\xa9\",true,null],\"b\":{}}";

    is_accepted(SLICE(doc));
    for (size_t n = 0; n < sizeof(doc) - 1; n++)
        ck_assert_err(scan((struct slice){doc, n}, NULL), TOK_JSON);
}
END_TEST

START_TEST(structure_out_of_form_is_refused)
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

START_TEST(numbers_out_of_form_are_refused)
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
               SCAN_DEPTH / 2 * 6);
    wide[0] = '[', wide[1] = '1';
    wide[2] = ',', wide[strlen(wide) - 1] = ']';
    is_accepted((struct slice){wide, strlen(wide)});
    free(in), free(over), free(mixed), free(mixed_over), free(wide);
}
END_TEST

/* ---- strings ---- */

START_TEST(bad_utf8_is_refused)
{
    static const struct {
        const char *bytes;
        bool good;
    } rows[] = {
        {"\xc2\x80", true},
        {"\xdf\xbf", true},
        {"\xe0\xa0\x80", true},
        {"\xed\x9f\xbf", true},
        {"\xee\x80\x80", true},
        {"\xef\xbf\xbf", true},
        {"\xf0\x90\x80\x80", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\x7f", true},
        {"\xef\xbb\xbf", true},
        {"\x80", false},
        {"\xbf", false},
        {"\xc0\x80", false},
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xed\xa0\x80", false},
        {"\xed\xbf\xbf", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"\xfe", false},
        {"\xc2", false},
        {"\xe2\x82", false},
        {"\xf0\x9f\x98", false},
        {"\xc2\xc2", false},
        {"\xe2\x82\x28", false},
        {"\xf0\x9f\x28\x80", false},
        {"\xf0\x9f\x98\xc0", false},
        {"\xc2\x00", false},
    };
    char doc[32];

    for (size_t i = 0; i < N(rows); i++) {
        /* At every place of the eight bytes that are looked at together. */
        for (int before = 0; before < 10; before++) {
            int n =
                snprintf(doc, sizeof(doc), "\"%.*s%s\"", before, "0123456789", rows[i].bytes);

            if (rows[i].good)
                is_accepted((struct slice){doc, (size_t)n});
            else
                is_refused((struct slice){doc, (size_t)n}, "bad UTF-8", (size_t)before + 1);
        }
    }
}
END_TEST

START_TEST(raw_control_characters_are_refused)
{
    for (int c = 0; c < 0x20; c++) {
        for (int before = 0; before < 10; before++) {
            char doc[] = "\"0123456789abcdef\"";

            doc[before + 1] = (char)c;
            is_refused(SLICE(doc), "control character in a string", (size_t)before + 1);
        }
    }
}
END_TEST

START_TEST(every_byte_is_judged_alike_at_every_place)
{
    for (int c = 1; c < 0x100; c++) {
        enum tok_err first = TOK_OK;

        for (int before = 0; before < 20; before++) {
            char doc[] = "\"0123456789abcdef01234567\"";
            enum tok_err err;

            doc[before + 1] = (char)c;
            err = scan(SLICE(doc), NULL);
            if (before == 0)
                first = err;
            ck_assert_msg(c == '"' || c == '\\' || err == first, "byte %02x at %d", c, before);
        }
        ck_assert_int_eq(first == TOK_OK, c >= 0x20 && c < 0x80 && c != '"' && c != '\\');
    }
}
END_TEST

START_TEST(escapes_are_decoded)
{
    static const struct {
        const char *text;
        struct slice bytes;
    } rows[] = {
        {"\"\"", {"", 0}},
        {"\"plain\"", {"plain", 5}},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", {"\"\\/\b\f\n\r\t", 8}},
        {"\"\\u0041\\u00e9\\u20AC\"", {"A\xc3\xa9\xe2\x82\xac", 6}},
        {"\"\\uD83D\\ude00\"", {"\xf0\x9f\x98\x80", 4}},
        {"\"\\ud800\\udc00\"", {"\xf0\x90\x80\x80", 4}},
        {"\"\\uDBFF\\uDFFF\"", {"\xf4\x8f\xbf\xbf", 4}},
        {"\"a\\u0000b\"", {"a\0b", 3}},
        {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
         {"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 11}},
        {"\"x\\\\u0041\"", {"x\\u0041", 7}},
    };
    char bytes[64];
    size_t n;

    for (size_t i = 0; i < N(rows); i++) {
        struct scan_value v = value_of(rows[i].text);
        struct slice cut = {rows[i].bytes.p, rows[i].bytes.n - 1};

        ck_assert_ok(scan_string(v, bytes, rows[i].bytes.n, &n));
        ck_assert(slice_eq((struct slice){bytes, n}, rows[i].bytes));
        ck_assert_uint_le(n, v.text.n - 2);
        ck_assert(scan_string_is(v, rows[i].bytes));
        if (rows[i].bytes.n == 0)
            continue;
        n = 77;
        ck_assert_err(scan_string(v, bytes, cut.n, &n), TOK_TOO_LONG);
        ck_assert_uint_eq(n, 77);
        ck_assert(!scan_string_is(v, cut));
    }
    ck_assert(!scan_string_is(value_of("\"\\u0041\""), SLICE("AB")));
    ck_assert(!scan_string_is(value_of("\"\\u0041\""), SLICE("B")));
    ck_assert(!scan_string_is(value_of("5"), SLICE("")));
    ck_assert_err(scan_string(value_of("[]"), bytes, sizeof(bytes), &n), TOK_CLAIM_TYPE);
}
END_TEST

START_TEST(unknown_escapes_are_refused)
{
    REFUSED("\"\\a\"", "bad escape", 1);
    REFUSED("\"\\'\"", "bad escape", 1);
    REFUSED("\"\\U0041\"", "bad escape", 1);
    REFUSED("\"\\x41\"", "bad escape", 1);
    REFUSED("\"\\u004\"", "bad escape", 1);
    REFUSED("\"\\u004g\"", "bad escape", 1);
    REFUSED("\"\\u 041\"", "bad escape", 1);
    REFUSED("\"\\u+041\"", "bad escape", 1);
    REFUSED("\"\\ud83d\\u12\"", "bad escape", 7);
    REFUSED("\"\\", "bad escape", 1);
    REFUSED("\"\\u0041", "string without an end", 7);
    REFUSED("\"\\\"", "string without an end", 3);
    REFUSED("\"\\\0\"", "bad escape", 1);
}
END_TEST

/* ---- duplicates ---- */

START_TEST(duplicate_members_are_refused_at_every_level)
{
    REFUSED("{\"a\":1,\"a\":1}", "duplicate member", 7);
    REFUSED("{\"a\":1,\"b\":2,\"a\":3}", "duplicate member", 13);
    REFUSED("{\"x\":{\"a\":1,\"a\":2}}", "duplicate member", 12);
    REFUSED("[[{\"x\":[{\"a\":1,\"a\":2}]}]]", "duplicate member", 15);
    REFUSED("{\"\":1,\"\":2}", "duplicate member", 6);
    /* Also after an inner object's names came and went. */
    REFUSED("{\"a\":{\"a\":1,\"b\":2,\"c\":3},\"a\":2}", "duplicate member", 25);
    REFUSED("{\"b\":{\"a\":{}},\"c\":0,\"b\":2}", "duplicate member", 20);
    ACCEPTED("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1},\"c\":[{\"a\":1},{\"a\":1}]}");
}
END_TEST

START_TEST(names_are_compared_after_escapes)
{
    REFUSED("{\"a\":1,\"\\u0061\":2}", "duplicate member", 7);
    REFUSED("{\"\\u0061\":1,\"a\":2}", "duplicate member", 12);
    REFUSED("{\"s\\u0075b\":1,\"\\u0073ub\":2}", "duplicate member", 14);
    REFUSED("{\"\\/\":1,\"/\":2}", "duplicate member", 8);
    REFUSED("{\"\\u00e9\":1,\"\xc3\xa9\":2}", "duplicate member", 12);
    REFUSED("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", "duplicate member", 18);
    REFUSED("{\"\\u000a\":1,\"\\n\":2}", "duplicate member", 12);
    REFUSED("{\"\\u00E9\":1,\"\\u00e9\":2}", "duplicate member", 12);
    ACCEPTED("{\"a\":1,\"\\\\u0061\":2,\"A\":3,\"aa\":4}");
}
END_TEST

START_TEST(a_name_with_u0000_never_equals_a_shorter_one)
{
    static const char doc[] = "{\"sub\":1,\"sub\\u0000x\":2,\"sub\\u0000\":3,\"\\u0000sub\":4}";
    struct scan_member members[4];
    size_t n;
    int64_t number;

    ck_assert_ok(scan_object(SLICE(doc), members, 4, &n, NULL));
    ck_assert_uint_eq(n, 4);
    ck_assert_ok(scan_integer(*scan_find(members, n, "sub"), &number));
    ck_assert_int_eq(number, 1);
    ck_assert_ptr_null(scan_find(members + 1, n - 1, "sub"));
    REFUSED("{\"sub\\u0000x\":1,\"sub\\u0000x\":2}", "duplicate member", 16);
}
END_TEST

/* Names in an order made from the seed; the last repeats the one at again (or none). */
static char *many_names(size_t n, size_t again, bool escaped)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i <= n; i++) {
        size_t name = (i == n ? again : i) * 7919 % 10007;

        if (i == n && again == SIZE_MAX)
            break;
        fprintf(f, "%c\"%s%zu\":0", i == 0 ? '{' : ',', escaped && i % 3 ? "\\u006b" : "k",
                name);
    }
    fputs("}", f);
    fclose(f);
    return text;
}

START_TEST(a_duplicate_is_found_among_many_names)
{
    for (size_t n = 1; n < 200; n += 13) {
        for (size_t again = 0; again < n; again++) {
            char *doc = many_names(n, again, again % 2);

            ck_assert_err(scan((struct slice){doc, strlen(doc)}, NULL), TOK_JSON);
            free(doc);
        }
        char *doc = many_names(n, SIZE_MAX, n % 2);

        is_accepted((struct slice){doc, strlen(doc)});
        free(doc);
    }
}
END_TEST

START_TEST(names_that_are_open_at_once_are_bounded)
{
    char *full = many_names(SCAN_NAMES, SIZE_MAX, false);
    char *over = many_names(SCAN_NAMES + 1, SIZE_MAX, false);
    char *again = repeat("{\"a\":0,\"b\":0},", "0]", "", SCAN_NAMES);
    char *listed = malloc(strlen(again) + 2);
    struct scan_fault fault = {0};

    is_accepted((struct slice){full, strlen(full)});
    ck_assert_err(scan((struct slice){over, strlen(over)}, &fault), TOK_JSON);
    ck_assert_str_eq(fault.what, "too many members");
    /* Closed objects give their room back. */
    ck_assert_ptr_nonnull(listed);
    listed[0] = '[';
    memcpy(listed + 1, again, strlen(again) + 1);
    is_accepted((struct slice){listed, strlen(listed)});
    free(full), free(over), free(again), free(listed);
}
END_TEST

/* ---- lone surrogates ---- */

START_TEST(lone_surrogates_are_refused)
{
    REFUSED("\"\\ud800\"", "lone surrogate", 1);
    REFUSED("[\"\\udfff\"]", "lone surrogate", 2);
    REFUSED("[\"\\ud800\\ud800\\udc00\"]", "lone surrogate", 2);
    REFUSED("[\"\\ud800\\udc00\\udc00\"]", "lone surrogate", 14);
    REFUSED("[\"\\ud800x\"]", "lone surrogate", 2);
    REFUSED("[\"\\ud800\\n\"]", "lone surrogate", 2);
    REFUSED("[\"\\udc00\\ud800\"]", "lone surrogate", 2);
    REFUSED("{\"\\ud800\":1}", "lone surrogate", 2);
    REFUSED("{\"a\":[\"\\ud800\"]}", "lone surrogate", 7);
    REFUSED("{\"a\":{\"b\":\"\\ud800\"}}", "lone surrogate", 11);
    REFUSED("[{\"b\":\"\\ud800\"}]", "lone surrogate", 7);
}
END_TEST

static void is_field_error(const char *doc, uint32_t code, const char *member, size_t at)
{
    struct scan_member members[8];
    struct scan_fault fault = {0};
    size_t n = 77;

    ck_assert_err(scan_object((struct slice){doc, strlen(doc)}, members, 8, &n, &fault),
                  TOK_JSON);
    ck_assert_str_eq(fault.what, "lone surrogate");
    ck_assert_uint_eq(fault.surrogate, code);
    ck_assert(slice_is(fault.member, member));
    ck_assert_uint_eq(fault.at, at);
    ck_assert_uint_eq(n, 77);
}

START_TEST(a_lone_surrogate_in_an_outer_string_names_its_member)
{
    is_field_error("{\"username\":\"a\\uD800b\"}", 0xd800, "\"username\"", 14);
    is_field_error("{\"x\":1,\"p\":\"\\udfff\"}", 0xdfff, "\"p\"", 12);
    is_field_error("{\"a\":\"\\ud801\",\"b\":\"\\ud802\"}", 0xd801, "\"a\"", 6);
    is_field_error("{\"a\\n\":\"\\ud801\\udc00\\udc01\"} ", 0xdc01, "\"a\\n\"", 20);
}
END_TEST

START_TEST(any_other_fault_is_told_before_a_lone_surrogate)
{
    REFUSED("{\"a\":\"\\ud800\",}", "no member name", 14);
    REFUSED("{\"a\":\"\\ud800\"", "the text ends too early", 13);
    REFUSED("{\"a\":\"\\ud800\"} x", "text after the value", 15);
    REFUSED("{\"a\":\"\\ud800\\x\"}", "bad escape", 12);
    REFUSED("{\"a\":\"\\ud800\xff\"}", "bad UTF-8", 12);
    REFUSED("{\"a\":\"\\ud800\",\"a\":1}", "duplicate member", 14);
    REFUSED("{\"a\":\"\\ud800\",\"b\":[\"\\ud801\"]}", "lone surrogate", 20);
    REFUSED("{\"a\":\"\\ud800\",\"\\ud801\":1}", "lone surrogate", 15);
}
END_TEST

/* ---- walking ---- */

START_TEST(members_come_in_order)
{
    static const char doc[] = " { \"a\" : 1 , \"b\":[ {\"c\":\"]}\\\"\"} , 2 "
                              "],\"d\":{\"e\":{}},\"f\\u0067\":\"{\" } ";
    static const char *const texts[] = {"1", "[ {\"c\":\"]}\\\"\"} , 2 ]", "{\"e\":{}}",
                                        "\"{\""};
    struct scan_member members[4], member;
    struct scan_value v = value_of(doc);
    size_t n = 0, pos = 0;

    ck_assert_ok(scan_object(SLICE(doc), members, 4, &n, NULL));
    ck_assert_uint_eq(n, 4);
    for (size_t i = 0; i < n; i++) {
        ck_assert(slice_is(members[i].value.text, texts[i]));
        ck_assert(scan_next_member(v, &pos, &member));
        ck_assert(slice_eq(member.name.text, members[i].name.text));
        ck_assert(slice_eq(member.value.text, members[i].value.text));
        ck_assert_int_eq(member.value.type, members[i].value.type);
        ck_assert_int_eq(member.name.escaped, members[i].name.escaped);
    }
    ck_assert(!scan_next_member(v, &pos, &member));
    ck_assert(!scan_next_member(v, &pos, &member));
    ck_assert(members[3].name.escaped);
    ck_assert_ptr_eq(scan_find(members, n, "fg"), &members[3].value);
    ck_assert_ptr_eq(scan_find(members, n, "a"), &members[0].value);
    ck_assert_ptr_null(scan_find(members, n, "c"));
    ck_assert_ptr_null(scan_find(members, n, ""));
    ck_assert_ptr_null(scan_find(members, n, "f"));
    ck_assert_ptr_null(scan_find(members, 0, "a"));
}
END_TEST

START_TEST(elements_come_in_order)
{
    struct scan_value v = value_of(" [ 1 ,\"]\",[[],[2]] , {\"a\":[3]},true,-1.5e3 ] ");
    static const char *const texts[] = {"1",           "\"]\"", "[[],[2]]",
                                        "{\"a\":[3]}", "true",  "-1.5e3"};
    struct scan_value element;
    size_t pos = 0, none = 0;

    for (size_t i = 0; i < N(texts); i++) {
        ck_assert(scan_next_element(v, &pos, &element));
        ck_assert(slice_is(element.text, texts[i]));
    }
    ck_assert(!scan_next_element(v, &pos, &element));
    ck_assert(!scan_next_element(value_of("[ ]"), &none, &element));
    ck_assert(!scan_next_element(value_of("{\"a\":1}"), &none, &element));
    ck_assert(!scan_next_element(value_of("\"[1]\""), &none, &element));
}
END_TEST

START_TEST(scan_object_takes_objects_that_fit)
{
    struct scan_member members[2];
    struct scan_fault fault = {0};
    size_t n = 77;

    ck_assert_err(scan_object(SLICE("[1]"), members, 2, &n, &fault), TOK_JSON);
    ck_assert_str_eq(fault.what, "not an object");
    ck_assert_err(scan_object(SLICE("null"), members, 2, &n, NULL), TOK_JSON);
    ck_assert_err(scan_object(SLICE("{\"a\":1,\"b\":2,\"c\":3}"), members, 2, &n, &fault),
                  TOK_JSON);
    ck_assert_str_eq(fault.what, "too many members");
    ck_assert_uint_eq(fault.at, 13);
    ck_assert_uint_eq(n, 77);
    ck_assert_ok(
        scan_object(SLICE("{\"a\":{\"x\":1,\"y\":2,\"z\":3},\"b\":2}"), members, 2, &n, NULL));
    ck_assert_uint_eq(n, 2);
    ck_assert_ok(scan_object(SLICE("{}"), members, 2, &n, NULL));
    ck_assert_uint_eq(n, 0);
}
END_TEST

/* ---- numbers ---- */

START_TEST(times_are_rounded_as_asked)
{
    static const struct {
        const char *text;
        int64_t floor, ceil;
    } rows[] = {
        {"0", 0, 0},
        {"-0", 0, 0},
        {"0.0", 0, 0},
        {"-0.0", 0, 0},
        {"1.0", 1, 1},
        {"1.5", 1, 2},
        {"1.000000000000000000000000000001", 1, 2},
        {"0.1", 0, 1},
        {"-0.1", -1, 0},
        {"-1.5", -2, -1},
        {"-1.0", -1, -1},
        {"1700000000", 1700000000, 1700000000},
        {"1700000000.999", 1700000000, 1700000001},
        {"9007199254740991", INT64_C(9007199254740991), INT64_C(9007199254740991)},
        {"-9007199254740991", -INT64_C(9007199254740991), -INT64_C(9007199254740991)},
        {"9007199254740991.000", INT64_C(9007199254740991), INT64_C(9007199254740991)},
        {"9007199254740990.5", INT64_C(9007199254740990), INT64_C(9007199254740991)},
        {"-9007199254740990.5", -INT64_C(9007199254740991), -INT64_C(9007199254740990)},
    };
    int64_t got;

    for (size_t i = 0; i < N(rows); i++) {
        ck_assert_ok(scan_time(value_of(rows[i].text), SCAN_FLOOR, &got));
        ck_assert_int_eq(got, rows[i].floor);
        ck_assert_ok(scan_time(value_of(rows[i].text), SCAN_CEIL, &got));
        ck_assert_int_eq(got, rows[i].ceil);
    }
}
END_TEST

START_TEST(times_out_of_range_or_type_are_refused)
{
    static const char *const texts[] = {
        "9007199254740992",
        "-9007199254740992",
        "9007199254740991.1",
        "-9007199254740991.1",
        "99999999999999999999",
        "18446744073709551616",
        "18446744073709551617",
        "1e3",
        "1E3",
        "1.5e3",
        "1e0",
        "0e0",
        "0.0e5",
        "\"1700000000\"",
        "true",
        "false",
        "null",
        "[1]",
        "{\"a\":1}",
    };
    int64_t got = 77;

    for (size_t i = 0; i < N(texts); i++) {
        ck_assert_err(scan_time(value_of(texts[i]), SCAN_FLOOR, &got), TOK_CLAIM_TYPE);
        ck_assert_err(scan_time(value_of(texts[i]), SCAN_CEIL, &got), TOK_CLAIM_TYPE);
        ck_assert_err(scan_integer(value_of(texts[i]), &got), TOK_CLAIM_TYPE);
    }
    ck_assert_err(scan_integer(value_of("1.0"), &got), TOK_CLAIM_TYPE);
    ck_assert_err(scan_integer(value_of("1.5"), &got), TOK_CLAIM_TYPE);
    ck_assert_int_eq(got, 77);
    ck_assert_ok(scan_integer(value_of("-9007199254740991"), &got));
    ck_assert_int_eq(got, -INT64_C(9007199254740991));
    ck_assert_ok(scan_integer(value_of("-0"), &got));
    ck_assert_int_eq(got, 0);
}
END_TEST

/* ---- time ---- */

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* Nanoseconds that 8 KiB may take: a quarter was measured, and a list that is searched from its
 * front takes twice as much. Valgrind and the sanitizers are slow by themselves. */
static int64_t time_limit(void)
{
    const char *preload = getenv("LD_PRELOAD");
    bool slowed = SANITIZED || (preload && strstr(preload, "vgpreload"));

    return slowed ? 100000000 : 1000000;
}

/* The least of ten runs, in nanoseconds of this process alone. */
static int64_t time_of(struct slice doc)
{
    int64_t least = INT64_MAX;

    for (int i = 0; i < 10; i++) {
        struct timespec from, to;
        struct scan_value v;
        int64_t took;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        ck_assert_ok(scan_document(doc, &v, NULL));
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        took = (to.tv_sec - from.tv_sec) * INT64_C(1000000000) + (to.tv_nsec - from.tv_nsec);
        least = took < least ? took : least;
    }
    return least;
}

START_TEST(no_choice_of_names_makes_scan_slow)
{
    static const struct {
        const char *format; /* of a name's number; the names of a row sort in any order */
        size_t n;
        int step;
    } rows[] = {
        {"%zu", 1000, 1},           /* as short as they come, each put last */
        {"%zu", 1000, -1},          /* each put first */
        {"aaaaaaaa%04zu", 450, -1}, /* equal beginnings */
        {"\\u0061\\u0061\\u0061\\u0061%04zu", 240, -1},
    };

    for (size_t row = 0; row < N(rows); row++) {
        char *doc = NULL, format[64];
        size_t n = 0;
        int64_t took;
        FILE *f = open_memstream(&doc, &n);

        ck_assert_ptr_nonnull(f);
        snprintf(format, sizeof(format), "%%c\"%s\":1", rows[row].format);
        for (size_t i = 0; i < rows[row].n; i++) {
            size_t name = rows[row].step > 0 ? i : rows[row].n - i;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            fprintf(f, format, i == 0 ? '{' : ',', name);
#pragma GCC diagnostic pop
        }
        fputc('}', f);
        fclose(f);
        took = time_of((struct slice){doc, n});
        fprintf(stderr, "# %zu bytes, %zu names: %lld us\n", n, rows[row].n,
                (long long)(took / 1000));
        ck_assert_msg(took < time_limit(), "%lld ns", (long long)took);
        free(doc);
    }
}
END_TEST

UNIT_MAIN("scan", json_test_suite_is_read_as_it_asks,
          every_kind_of_value_is_yielded_with_its_text, text_around_the_value_is_refused,
          every_beginning_of_a_document_is_refused, structure_out_of_form_is_refused,
          numbers_out_of_form_are_refused, nesting_is_bounded, bad_utf8_is_refused,
          raw_control_characters_are_refused, every_byte_is_judged_alike_at_every_place,
          escapes_are_decoded, unknown_escapes_are_refused,
          duplicate_members_are_refused_at_every_level, names_are_compared_after_escapes,
          a_name_with_u0000_never_equals_a_shorter_one, a_duplicate_is_found_among_many_names,
          names_that_are_open_at_once_are_bounded, lone_surrogates_are_refused,
          a_lone_surrogate_in_an_outer_string_names_its_member,
          any_other_fault_is_told_before_a_lone_surrogate, members_come_in_order,
          elements_come_in_order, scan_object_takes_objects_that_fit,
          times_are_rounded_as_asked, times_out_of_range_or_type_are_refused,
          no_choice_of_names_makes_scan_slow)
