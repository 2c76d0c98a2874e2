#include "tests/unit/json/scan_unit.h"

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
        /* At each of several offsets. */
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

START_TEST(every_byte_is_checked_alike_at_every_place)
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
        /* json-c decodes this one to U+FFFD. */
        {"\"\\ud837\\udd1e\"", {"\xf0\x9d\xb4\x9e", 4}},
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

START_TEST(any_other_fault_is_reported_before_a_lone_surrogate)
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

UNIT_MAIN("scan_string", bad_utf8_is_refused, raw_control_characters_are_refused,
          every_byte_is_checked_alike_at_every_place, escapes_are_decoded,
          unknown_escapes_are_refused, lone_surrogates_are_refused,
          a_lone_surrogate_in_an_outer_string_names_its_member,
          any_other_fault_is_reported_before_a_lone_surrogate)
