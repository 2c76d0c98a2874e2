/*
 * Bodies of POST: what Django REST framework would say of each.
 */
#include "common/base/cleanup.h"
#include "jwtd/http/body.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"
#define MULTI "multipart/form-data; boundary=x"
#define PART(name, value)                                                                      \
    "--x\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define LAST "--x--\r\n"
#define WITH(head) PART("password", "p") "--x\r\n" head "\r\n\r\nalice\r\n" LAST
#define DISPOSITION "Content-Disposition: form-data; name=username"

struct row {
    const char *type; /* NULL: none was sent */
    struct slice body;
    enum body_verdict want;
    enum body_error username, password;
};

#define ROW(type, body, ...) type, {body, sizeof(body) - 1}, __VA_ARGS__
#define GOOD(type, body) ROW(type, body, BODY_GOOD, BODY_OK, BODY_OK)
#define BAD(type, body, username, password) ROW(type, body, BODY_BAD_FIELDS, username, password)
#define OTHER(type, body, verdict) ROW(type, body, verdict, BODY_OK, BODY_OK)

static const struct row rows[] = {
    {GOOD(JSON, "{\"username\":\"alice\",\"password\":\"pw\"}")},
    {GOOD("application/JSON; charset=utf-8", "{\"username\":\"alice\",\"password\":\"pw\"}")},
    {GOOD(JSON, " {\"password\":\"pw\",\"x\":[{}],\"username\":\"alice\"}\n")},
    {GOOD(JSON, "{\"username\":5,\"password\":1.50}")},
    {GOOD(JSON, "{\"username\":\"a\",\"password\":\" \"}")},
    {GOOD(JSON, "{\"user\\u006eame\":\"a\",\"password\":\"p\"}")},
    {BAD(JSON, "{}", BODY_REQUIRED, BODY_REQUIRED)},
    {BAD(JSON, "", BODY_REQUIRED, BODY_REQUIRED)},
    {BAD("text/plain", "", BODY_REQUIRED, BODY_REQUIRED)},
    {BAD(NULL, "", BODY_REQUIRED, BODY_REQUIRED)},
    {BAD(JSON, "{\"username\":null}", BODY_IS_NULL, BODY_REQUIRED)},
    {BAD(JSON, "{\"username\":\"\",\"password\":\"\"}", BODY_BLANK, BODY_BLANK)},
    {BAD(JSON, "{\"username\":\" \\t\\n\",\"password\":null}", BODY_BLANK, BODY_IS_NULL)},
    {BAD(JSON, "{\"username\":true,\"password\":false}", BODY_NO_STRING, BODY_NO_STRING)},
    {BAD(JSON, "{\"username\":[],\"password\":{}}", BODY_NO_STRING, BODY_NO_STRING)},
    {BAD(JSON, "{\"username\":[\"a\"],\"password\":\"p\"}", BODY_NO_STRING, BODY_OK)},
    {BAD(JSON, "{\"username\":\"a\\u0000\",\"password\":\"\\u0000p\"}", BODY_HAS_NUL,
         BODY_HAS_NUL)},
    {BAD(JSON, "{\"username\":\"\\ud800\",\"password\":\"p\"}", BODY_SURROGATE, BODY_OK)},
    {BAD(JSON, "{\"username\":\"a\",\"password\":\"x\\udfff\"}", BODY_OK, BODY_SURROGATE)},
    {BAD(JSON, "{\"username\\u0000\":\"a\",\"password\":\"p\"}", BODY_REQUIRED, BODY_OK)},
    {BAD(JSON, "{\"Username\":\"a\",\"password\":\"p\"}", BODY_REQUIRED, BODY_OK)},
    {OTHER(JSON, "[]", BODY_NO_OBJECT)},
    {OTHER(JSON, "\"x\"", BODY_NO_OBJECT)},
    {OTHER(JSON, "1", BODY_NO_OBJECT)},
    {OTHER(JSON, "1.5", BODY_NO_OBJECT)},
    {OTHER(JSON, "true", BODY_NO_OBJECT)},
    {OTHER(JSON, "null", BODY_NO_OBJECT)},
    {OTHER(JSON, " ", BODY_UNPARSED)},
    {OTHER(JSON, "{", BODY_UNPARSED)},
    {OTHER(JSON, "{}x", BODY_UNPARSED)},
    {OTHER(JSON, "{}\0", BODY_UNPARSED)},
    {OTHER(JSON, "{'username':1}", BODY_UNPARSED)},
    {OTHER(JSON, "{\"username\":NaN}", BODY_UNPARSED)},
    {OTHER(JSON, "{\"username\":\"\xff\",\"password\":\"p\"}", BODY_UNPARSED)},
    {OTHER(JSON, "{\"username\":\"a\nb\",\"password\":\"p\"}", BODY_UNPARSED)},
    {OTHER(JSON, "{\"username\":\"a\",\"username\":\"b\",\"password\":\"p\"}", BODY_UNPARSED)},
    {OTHER(JSON, "{\"username\":\"a\",\"user\\u006eame\":\"b\"}", BODY_UNPARSED)},
    {OTHER(JSON, "\xef\xbb\xbf{}", BODY_UNPARSED)},
    {OTHER(JSON, "username=alice&password=pw", BODY_UNPARSED)},
    {OTHER(JSON, "{\"x\":{\"username\":\"\\ud800\"},\"password\":\"p\"}", BODY_UNPARSED)},
    {OTHER("text/plain", "{}", BODY_UNSUPPORTED)},
    {OTHER(NULL, "{}", BODY_UNSUPPORTED)},
    {OTHER("", "{}", BODY_UNSUPPORTED)},
    {OTHER("application/json2", "{}", BODY_UNSUPPORTED)},
    {OTHER("application/jsonx; a=b", "{}", BODY_UNSUPPORTED)},
    {OTHER("multipart/mixed; boundary=x", "--x--", BODY_UNSUPPORTED)},
    {GOOD(FORM, "username=alice&password=pw")},
    {GOOD(FORM, "password=p%26w+%2b&&username=alice&x")},
    {GOOD(FORM, "username=alice&password=%C3%A4")},
    {GOOD(FORM, "username=alice&password=a=b")},
    {BAD(FORM, "", BODY_REQUIRED, BODY_REQUIRED)},
    {BAD(FORM, "username", BODY_BLANK, BODY_REQUIRED)},
    {BAD(FORM, "username=+&password=", BODY_BLANK, BODY_BLANK)},
    {BAD(FORM, "username=a%00&password=p", BODY_HAS_NUL, BODY_OK)},
    {OTHER(FORM, "username=a&username=b&password=p", BODY_UNPARSED)},
    {OTHER(FORM, "username=%", BODY_UNPARSED)},
    {OTHER(FORM, "username=%4", BODY_UNPARSED)},
    {OTHER(FORM, "username=%zz", BODY_UNPARSED)},
    {OTHER(FORM, "username=a b", BODY_UNPARSED)},
    {OTHER(FORM, "username=a\n", BODY_UNPARSED)},
    {OTHER(FORM, "username=a\0", BODY_UNPARSED)},
    {OTHER(FORM, "username=\xc3\xa4", BODY_UNPARSED)},
    {OTHER(FORM, "username=%ff", BODY_UNPARSED)},
    {OTHER(FORM, "username=%c0%80", BODY_UNPARSED)},
    {OTHER(FORM, "username=%ed%a0%80", BODY_UNPARSED)},
    {OTHER(FORM, "username=%f4%90%80%80", BODY_UNPARSED)},
    {OTHER(FORM, "username=%e2%82", BODY_UNPARSED)},
    {GOOD(MULTI, PART("username", "alice") PART("password", "pw") LAST)},
    {GOOD(MULTI, PART("password", "p\r\n--\r\n--y\r\n") PART("username", "a") "--x--")},
    {GOOD("multipart/form-data; boundary=\"x\"", PART("z", "") WITH(DISPOSITION))},
    {GOOD(MULTI, WITH(DISPOSITION "\r\nContent-Type: text/plain; charset=UTF-8"))},
    {GOOD(MULTI, WITH("X: y\r\ncontent-disposition: Form-Data;name=username"))},
    {GOOD(MULTI, WITH(DISPOSITION "\r\nContent-Transfer-Encoding: 8bit"))},
    {BAD(MULTI, LAST, BODY_REQUIRED, BODY_REQUIRED)},
    {BAD(MULTI, "--x--", BODY_REQUIRED, BODY_REQUIRED)},
    {BAD(MULTI, PART("username", "") LAST, BODY_BLANK, BODY_REQUIRED)},
    {BAD(MULTI, PART("username", "a\0") LAST, BODY_HAS_NUL, BODY_REQUIRED)},
    {OTHER(MULTI, PART("username", "a") PART("username", "b") LAST, BODY_UNPARSED)},
    {OTHER(MULTI, PART("username", "\xff") LAST, BODY_UNPARSED)},
    {OTHER(MULTI, "x", BODY_UNPARSED)},
    {OTHER(MULTI, "--y--", BODY_UNPARSED)},
    {OTHER(MULTI, "preamble\r\n" PART("username", "a") LAST, BODY_UNPARSED)},
    {OTHER(MULTI, "\r\n" PART("username", "a") LAST, BODY_UNPARSED)},
    {OTHER(MULTI, PART("username", "a") LAST "epilogue", BODY_UNPARSED)},
    {OTHER(MULTI, PART("username", "a"), BODY_UNPARSED)},
    {OTHER(MULTI, PART("username", "a") "--x", BODY_UNPARSED)},
    {OTHER(MULTI, PART("username", "a") "--x-", BODY_UNPARSED)},
    {OTHER(MULTI, PART("username", "a\r\n--xy"), BODY_UNPARSED)},
    {OTHER(MULTI, "--x \r\n" DISPOSITION "\r\n\r\na\r\n" LAST, BODY_UNPARSED)},
    {OTHER(MULTI, "--x\n" DISPOSITION "\n\na\n--x--", BODY_UNPARSED)},
    {OTHER(MULTI, "--x\r\n" DISPOSITION, BODY_UNPARSED)},
    {OTHER(MULTI, WITH("X: y"), BODY_UNPARSED)},
    {OTHER(MULTI, WITH(DISPOSITION "; filename=f"), BODY_UNPARSED)},
    {OTHER(MULTI, WITH("Content-Disposition: form-data; filename=username"), BODY_UNPARSED)},
    {OTHER(MULTI, WITH(DISPOSITION " x"), BODY_UNPARSED)},
    {OTHER(MULTI, WITH(DISPOSITION "; x"), BODY_UNPARSED)},
    {OTHER(MULTI, WITH(DISPOSITION "\r\nContent-Disposition: form-data"), BODY_UNPARSED)},
    {OTHER(MULTI, WITH(DISPOSITION "; name=username"), BODY_UNPARSED)},
    {OTHER(MULTI, WITH(DISPOSITION "; filename*=utf-8''f"), BODY_UNPARSED)},
    {OTHER(MULTI, WITH(DISPOSITION "\r\n" DISPOSITION), BODY_UNPARSED)},
    {OTHER(MULTI, WITH("Content-Disposition: form-data"), BODY_UNPARSED)},
    {OTHER(MULTI, WITH("Content-Disposition: attachment; name=username"), BODY_UNPARSED)},
    {OTHER(MULTI, WITH(" " DISPOSITION), BODY_UNPARSED)},
    {OTHER(MULTI, WITH(DISPOSITION "\r\n X"), BODY_UNPARSED)},
    {OTHER(MULTI, WITH(DISPOSITION "\r\nX : y"), BODY_UNPARSED)},
    {OTHER(MULTI, WITH(DISPOSITION "\r\nX: \x01"), BODY_UNPARSED)},
    {OTHER(MULTI, WITH(DISPOSITION "\r\nContent-Type: text/html"), BODY_UNPARSED)},
    {OTHER(MULTI, WITH(DISPOSITION "\r\nContent-Type: text/plain; charset=latin1"),
           BODY_UNPARSED)},
    {OTHER(MULTI, WITH(DISPOSITION "\r\nContent-Transfer-Encoding: base64"), BODY_UNPARSED)},
    {OTHER("multipart/form-data", LAST, BODY_UNPARSED)},
    {OTHER("multipart/form-data; boundary=\"\"", LAST, BODY_UNPARSED)},
    {OTHER("multipart/form-data; boundary=\"\"", "----", BODY_UNPARSED)},
    {OTHER("multipart/form-data; "
           "boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
           "--", BODY_UNPARSED)},
};

static struct slice type_of(const struct row *row)
{
    return (struct slice){row->type, row->type ? strlen(row->type) : 0};
}

START_TEST(each_body_is_accepted_or_refused_as_listed)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct body_field fields[] = {{.name = "username", .trim = true}, {.name = "password"}};
        CLEANUP(body_clear) struct body body = {0};
        enum body_verdict got = body_read(type_of(&rows[i]), rows[i].body, fields, 2, &body);

        ck_assert_msg(got == rows[i].want, "row %zu, %s: %d, not %d", i, rows[i].body.p, got,
                      rows[i].want);
        if (got != BODY_GOOD && got != BODY_BAD_FIELDS)
            continue;
        ck_assert_msg(fields[0].error == rows[i].username, "row %zu: username %d", i,
                      fields[0].error);
        ck_assert_msg(fields[1].error == rows[i].password, "row %zu: password %d", i,
                      fields[1].error);
    }
}
END_TEST

static void values_are(const char *type, const char *text, const char *username,
                       const char *password)
{
    struct body_field fields[] = {{.name = "username", .trim = true}, {.name = "password"}};
    CLEANUP(body_clear) struct body body = {0};

    ck_assert_int_eq(body_read((struct slice){type, strlen(type)},
                               (struct slice){text, strlen(text)}, fields, 2, &body),
                     BODY_GOOD);
    ck_assert_msg(slice_is(fields[0].value, username), "%s: username", text);
    ck_assert_msg(slice_is(fields[1].value, password), "%s: password", text);
}

START_TEST(a_password_is_not_trimmed_and_a_name_is)
{
    values_are(JSON, "{\"username\":\" alice\\n\",\"password\":\" pw \"}", "alice", " pw ");
    values_are(FORM, "username=+alice+&password=+pw+", "alice", " pw ");
}
END_TEST

START_TEST(values_are_decoded)
{
    values_are(JSON, "{\"username\":\"\\u0061\\/b\",\"password\":\"\\ud83d\\ude00\\\"\\\\\"}",
               "a/b", "\xf0\x9f\x98\x80\"\\");
    values_are(FORM, "username=%61%2Fb&password=%F0%9f%98%80+%2B", "a/b", "\xf0\x9f\x98\x80 +");
    values_are(JSON, "{\"username\":5,\"password\":-1.50e3}", "5", "-1.50e3");
}
END_TEST

START_TEST(a_body_that_is_no_object_is_named_as_python_does)
{
    static const struct {
        const char *text, *type;
    } types[] = {{"[]", "list"},   {"\"x\"", "str"},  {"1", "int"},  {"1.5", "float"},
                 {"1e5", "float"}, {"false", "bool"}, {"null", NULL}};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        CLEANUP(body_clear) struct body body = {0};

        ck_assert_int_eq(body_read(SLICE(JSON),
                                   (struct slice){types[i].text, strlen(types[i].text)}, NULL,
                                   0, &body),
                         BODY_NO_OBJECT);
        ck_assert_pstr_eq(body.type, types[i].type);
    }
}
END_TEST

START_TEST(a_surrogate_is_reported_with_its_code)
{
    struct body_field field = {.name = "refresh", .trim = true};
    CLEANUP(body_clear) struct body body = {0};

    ck_assert_int_eq(
        body_read(SLICE(JSON), SLICE("{\"refresh\":\"a\\uD800\"}"), &field, 1, &body),
        BODY_BAD_FIELDS);
    ck_assert_uint_eq(field.surrogate, 0xd800);
}
END_TEST

START_TEST(a_fault_is_reported_with_its_offset)
{
    CLEANUP(body_clear) struct body body = {0};

    ck_assert_int_eq(body_read(SLICE(JSON), SLICE("{\"a\":1,}"), NULL, 0, &body),
                     BODY_UNPARSED);
    ck_assert_str_eq(body.format, "JSON");
    ck_assert_ptr_nonnull(body.what);
    ck_assert_uint_eq(body.at, 7);
}
END_TEST

UNIT_MAIN("body", each_body_is_accepted_or_refused_as_listed,
          a_password_is_not_trimmed_and_a_name_is, values_are_decoded,
          a_body_that_is_no_object_is_named_as_python_does,
          a_surrogate_is_reported_with_its_code, a_fault_is_reported_with_its_offset)
