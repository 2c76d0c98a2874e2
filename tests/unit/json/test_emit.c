#include "common/base/cleanup.h"
#include "common/json/emit.h"
#include "common/json/json.h"
#include "tests/unit/unit.h"

#include <string.h>

START_TEST(an_object_is_compact_and_in_order)
{
    char text[128] = {0};
    struct emit out = {.p = text, .size = sizeof(text)};

    emit_begin(&out);
    emit_member_string(&out, "a", SLICE("b"));
    emit_member(&out, "n");
    emit_integer(&out, INT64_MIN);
    emit_member_base64url(&out, "x", SLICE("\xff\xff"));
    emit_end(&out);
    ck_assert_str_eq(text, "{\"a\":\"b\",\"n\":-9223372036854775808,\"x\":\"__8\"}");
    ck_assert_uint_eq(out.n, strlen(text));
}
END_TEST

START_TEST(all_ascii_bytes_survive_a_round_trip)
{
    char raw[128], text[1024], back[128];
    struct emit out = {.p = text, .size = sizeof(text)};
    struct scan_value v;
    size_t n;

    for (size_t i = 0; i < sizeof(raw); i++)
        raw[i] = (char)i;
    emit_string(&out, (struct slice){raw, sizeof(raw)});
    ck_assert_uint_le(out.n, sizeof(text));
    ck_assert_ok(scan_document((struct slice){text, out.n}, &v, NULL));
    ck_assert_ok(scan_string(v, back, sizeof(back), &n));
    ck_assert_uint_eq(n, sizeof(raw));
    ck_assert_mem_eq(back, raw, n);
}
END_TEST

static void emit_sample(struct emit *out, const void *arg)
{
    (void)arg;
    emit_begin(out);
    emit_member_string(out, "quote", SLICE("\"\n"));
    emit_member_base64url(out, "x", SLICE("abcd"));
    emit_end(out);
}

START_TEST(output_that_does_not_fit_is_counted_and_not_written)
{
    struct emit count = {0};

    emit_sample(&count, NULL);
    for (size_t room = 0; room <= count.n; room++) {
        char text[64];
        struct emit out = {.p = text, .size = room};

        memset(text, '#', sizeof(text));
        emit_sample(&out, NULL);
        ck_assert_uint_eq(out.n, count.n);
        for (size_t i = room; i < sizeof(text); i++)
            ck_assert_int_eq(text[i], '#');
    }
}
END_TEST

START_TEST(a_secret_has_the_size_of_what_is_emitted)
{
    CLEANUP(secret_clear) struct secret text = {0};

    ck_assert_ok(emit_secret(emit_sample, NULL, &text));
    ck_assert_str_eq(text.p, "{\"quote\":\"\\\"\\u000a\",\"x\":\"YWJjZA\"}");
    ck_assert_uint_eq(text.n, strlen(text.p));
}
END_TEST

UNIT_MAIN("emit", an_object_is_compact_and_in_order, all_ascii_bytes_survive_a_round_trip,
          output_that_does_not_fit_is_counted_and_not_written,
          a_secret_has_the_size_of_what_is_emitted)
