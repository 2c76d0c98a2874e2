/*
 * Fields of a body by their kinds: what narrow's words, names, seconds and flag may be.
 */
#include "common/base/cleanup.h"
#include "jwtd/http/body.h"
#include "tests/unit/unit.h"

#include <string.h>

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"

/* Reads one optional field "f" of this kind. */
static enum body_error read_one(const char *type, const char *text, enum body_kind kind,
                                struct body *body, struct body_field *ret)
{
    enum body_verdict verdict;

    *ret = (struct body_field){.name = "f", .kind = kind, .optional = true, .trim = true};
    verdict = body_read((struct slice){type, strlen(type)}, (struct slice){text, strlen(text)},
                        ret, 1, body);
    ck_assert(verdict == BODY_GOOD || verdict == BODY_BAD_FIELDS);
    return ret->error;
}

static void is_text(const char *text, enum body_kind kind, const char *want)
{
    CLEANUP(body_clear) struct body body = {0};
    struct body_field field;

    ck_assert_msg(read_one(JSON, text, kind, &body, &field) == BODY_OK, "%s", text);
    ck_assert_msg(slice_is(field.value, want), "%s", text);
}

static void is_number(const char *type, const char *text, enum body_kind kind, uint64_t want)
{
    CLEANUP(body_clear) struct body body = {0};
    struct body_field field;

    ck_assert_msg(read_one(type, text, kind, &body, &field) == BODY_OK, "%s", text);
    ck_assert_msg(field.number == want, "%s: %llu", text, (unsigned long long)field.number);
}

static void is_bad(const char *type, const char *text, enum body_kind kind,
                   enum body_error want)
{
    CLEANUP(body_clear) struct body body = {0};
    struct body_field field;
    enum body_error got = read_one(type, text, kind, &body, &field);

    ck_assert_msg(got == want, "%s: %s", text, body_error_text(got));
}

START_TEST(an_optional_field_may_be_missing_and_is_empty)
{
    for (int kind = BODY_TEXT; kind <= BODY_FLAG; kind++) {
        CLEANUP(body_clear) struct body body = {0};
        struct body_field field;

        ck_assert_int_eq(read_one(JSON, "{}", (enum body_kind)kind, &body, &field), BODY_OK);
        ck_assert(!field.given && field.value.n == 0 && field.number == 0);
        is_bad(JSON, "{\"f\":null}", (enum body_kind)kind, BODY_IS_NULL);
    }
}
END_TEST

START_TEST(words_have_one_blank_between)
{
    is_text("{\"f\":\"pam:sudo\"}", BODY_WORDS, "pam:sudo");
    is_text("{\"f\":\" a !#[]~ \"}", BODY_WORDS, "a !#[]~");
    is_bad(JSON, "{\"f\":\"a  b\"}", BODY_WORDS, BODY_NO_WORDS);
    is_bad(JSON, "{\"f\":\"a\\tb\"}", BODY_WORDS, BODY_NO_WORDS);
    is_bad(JSON, "{\"f\":\"a\\\"b\"}", BODY_WORDS, BODY_NO_WORDS);
    is_bad(JSON, "{\"f\":\"a\\\\b\"}", BODY_WORDS, BODY_NO_WORDS);
    is_bad(JSON, "{\"f\":\"\\u00e4\"}", BODY_WORDS, BODY_NO_WORDS);
    is_bad(JSON, "{\"f\":\"a\\u0000\"}", BODY_WORDS, BODY_HAS_NUL);
    is_bad(JSON, "{\"f\":[\"a\"]}", BODY_WORDS, BODY_NO_STRING);
    is_bad(FORM, "f=a%0Ab", BODY_WORDS, BODY_NO_WORDS);
}
END_TEST

START_TEST(names_are_one_or_a_list)
{
    is_text("{\"f\":\"box\"}", BODY_NAMES, "box");
    is_text("{\"f\":[\"box\"]}", BODY_NAMES, "box");
    is_text("{\"f\":[\"\\u0061\",\" b \",7,\"https:\\/\\/c\"]}", BODY_NAMES, "a b 7 https://c");
    is_text("{\"f\":[1,2,3,\"\\u00e4\"]}", BODY_NAMES, "1 2 3 \xc3\xa4");
    is_bad(JSON, "{\"f\":[]}", BODY_NAMES, BODY_EMPTY_LIST);
    is_bad(JSON, "{\"f\":[\"a\",\"\"]}", BODY_NAMES, BODY_BLANK);
    is_bad(JSON, "{\"f\":[\"a\",null]}", BODY_NAMES, BODY_IS_NULL);
    is_bad(JSON, "{\"f\":[\"a\",true]}", BODY_NAMES, BODY_NO_STRING);
    is_bad(JSON, "{\"f\":[[\"a\"]]}", BODY_NAMES, BODY_NO_STRING);
    is_bad(JSON, "{\"f\":{\"a\":1}}", BODY_NAMES, BODY_NO_STRING);
    is_bad(JSON, "{\"f\":[\"a b\"]}", BODY_NAMES, BODY_NO_WORDS);
    is_bad(JSON, "{\"f\":\"a b\"}", BODY_NAMES, BODY_NO_WORDS);
}
END_TEST

/* A list of so many names of 63 letters; with the blanks it is 64 * n - 1 long. */
static void list_of(int n, char *ret)
{
    char *p = stpcpy(ret, "{\"f\":[");

    for (int i = 0; i < n; i++) {
        *p++ = i > 0 ? ',' : ' ';
        *p++ = '"';
        memset(p, 'x', 63);
        p = stpcpy(p + 63, "\"");
    }
    (void)stpcpy(p, "]}");
}

START_TEST(names_together_have_a_limit)
{
    char text[8192];

    for (int n = 64; n <= 65; n++) {
        CLEANUP(body_clear) struct body body = {0};
        struct body_field field;
        enum body_error want = n == 64 ? BODY_OK : BODY_TOO_LONG;

        list_of(n, text);
        ck_assert_int_eq(read_one(JSON, text, BODY_NAMES, &body, &field), want);
    }
}
END_TEST

START_TEST(seconds_are_an_integer_or_a_span)
{
    is_number(JSON, "{\"f\":60}", BODY_SECONDS, 60);
    is_number(JSON, "{\"f\":\"60s\"}", BODY_SECONDS, 60);
    is_number(JSON, "{\"f\":\" 1h 30min \"}", BODY_SECONDS, 5400);
    is_number(JSON, "{\"f\":2147483647}", BODY_SECONDS, INT32_MAX);
    is_number(JSON, "{\"f\":2147483648}", BODY_SECONDS, INT32_MAX);
    is_number(JSON, "{\"f\":99999999999999999999999999999999999999}", BODY_SECONDS, INT32_MAX);
    is_number(JSON, "{\"f\":\"100000d\"}", BODY_SECONDS, INT32_MAX);
    is_number(FORM, "f=2min", BODY_SECONDS, 120);
    is_bad(JSON, "{\"f\":0}", BODY_SECONDS, BODY_TOO_SMALL);
    is_bad(JSON, "{\"f\":-1}", BODY_SECONDS, BODY_TOO_SMALL);
    is_bad(JSON, "{\"f\":\"999ms\"}", BODY_SECONDS, BODY_TOO_SMALL);
    is_bad(JSON, "{\"f\":1.0}", BODY_SECONDS, BODY_NO_INTEGER);
    is_bad(JSON, "{\"f\":1e2}", BODY_SECONDS, BODY_NO_INTEGER);
    is_bad(JSON, "{\"f\":\"1.5h\"}", BODY_SECONDS, BODY_NO_INTEGER);
    is_bad(JSON, "{\"f\":\"1month\"}", BODY_SECONDS, BODY_NO_INTEGER);
    is_bad(JSON, "{\"f\":true}", BODY_SECONDS, BODY_NO_INTEGER);
    is_bad(JSON, "{\"f\":[60]}", BODY_SECONDS, BODY_NO_INTEGER);
}
END_TEST

START_TEST(a_flag_is_true_or_false_and_in_a_form_a_word_for_it)
{
    is_number(JSON, "{\"f\":true}", BODY_FLAG, 1);
    is_number(JSON, "{\"f\":false}", BODY_FLAG, 0);
    is_number(FORM, "f=true", BODY_FLAG, 1);
    is_number(FORM, "f=On", BODY_FLAG, 1);
    is_number(FORM, "f=0", BODY_FLAG, 0);
    is_number(FORM, "f=no", BODY_FLAG, 0);
    is_bad(FORM, "f=maybe", BODY_FLAG, BODY_NO_FLAG);
    is_bad(JSON, "{\"f\":\"true\"}", BODY_FLAG, BODY_NO_FLAG);
    is_bad(JSON, "{\"f\":1}", BODY_FLAG, BODY_NO_FLAG);
    is_bad(JSON, "{\"f\":[]}", BODY_FLAG, BODY_NO_FLAG);
}
END_TEST

START_TEST(each_error_has_a_sentence_of_its_own)
{
    for (int a = BODY_REQUIRED; a <= BODY_NO_FLAG; a++)
        for (int b = BODY_REQUIRED; b < a; b++)
            ck_assert_str_ne(body_error_text((enum body_error)a),
                             body_error_text((enum body_error)b));
    ck_assert_str_eq(body_error_text(BODY_OK), "");
}
END_TEST

UNIT_MAIN("body_field", an_optional_field_may_be_missing_and_is_empty,
          words_have_one_blank_between, names_are_one_or_a_list, names_together_have_a_limit,
          seconds_are_an_integer_or_a_span, a_flag_is_true_or_false_and_in_a_form_a_word_for_it,
          each_error_has_a_sentence_of_its_own)
