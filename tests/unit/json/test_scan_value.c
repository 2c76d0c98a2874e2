#include "tests/unit/json/scan_unit.h"

/* ---- iteration ---- */

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
    ck_assert_ptr_eq(scan_find(members, n, SLICE("fg")), &members[3].value);
    ck_assert_ptr_eq(scan_find(members, n, SLICE("a")), &members[0].value);
    ck_assert_ptr_null(scan_find(members, n, SLICE("c")));
    ck_assert_ptr_null(scan_find(members, n, SLICE("")));
    ck_assert_ptr_null(scan_find(members, n, SLICE("f")));
    ck_assert_ptr_null(scan_find(members, 0, SLICE("a")));
}
END_TEST

START_TEST(the_empty_name_is_found_like_any_other)
{
    static const char *const texts[] = {"{\"\":0}", "{\"a\":1,\"\":0}",
                                        "{\"\":0,\"\\u0000\":1}"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct scan_member members[2];
        const struct scan_value *found;
        size_t n;

        ck_assert_ok(
            scan_object((struct slice){texts[i], strlen(texts[i])}, members, 2, &n, NULL));
        found = scan_find(members, n, SLICE(""));
        ck_assert_msg(found && slice_is(found->text, "0"), "%s", texts[i]);
    }
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

START_TEST(scan_object_accepts_objects_that_fit)
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

START_TEST(times_are_rounded_as_requested)
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

UNIT_MAIN("scan_value", the_empty_name_is_found_like_any_other, members_come_in_order,
          elements_come_in_order, scan_object_accepts_objects_that_fit,
          times_are_rounded_as_requested, times_out_of_range_or_type_are_refused)
