/*
 * What is plain is read by a shorter way (scan_plain.h), which a blank after the document
 * shuts: both must say the same of every text.
 */
#include "tests/unit/json/scan_unit.h"

#define MEMBERS 16

struct verdict {
    enum tok_err err;
    struct scan_member members[MEMBERS];
    size_t n;
    struct scan_fault fault;
};

static bool same_span(const struct scan_value *a, const char *text_a,
                      const struct scan_value *b, const char *text_b)
{
    return a->text.p - text_a == b->text.p - text_b && a->text.n == b->text.n &&
           a->type == b->type && a->escaped == b->escaped;
}

/* Where a fault is; the blank moves the end. */
static size_t place_of(const struct scan_fault *fault, size_t n)
{
    return fault->at < n ? fault->at : n;
}

static const char *difference(const struct verdict *a, const char *text_a,
                              const struct verdict *b, const char *text_b, size_t n)
{
    if (a->err != b->err)
        return "the verdict";
    if (a->err != TOK_OK) {
        if (strcmp(a->fault.what, b->fault.what) != 0)
            return "the reason";
        return place_of(&a->fault, n) != place_of(&b->fault, n) ? "the place" : NULL;
    }
    if (a->n != b->n)
        return "the number of members";
    for (size_t i = 0; i < a->n; i++) {
        const struct scan_member *x = &a->members[i], *y = &b->members[i];

        if (!same_span(&x->name, text_a, &y->name, text_b) || x->begin != y->begin)
            return "a name";
        if (!same_span(&x->value, text_a, &y->value, text_b))
            return "a value";
    }
    return NULL;
}

/* In blocks of just their size, so that ASan sees one byte too far. */
static void both_ways_agree(const char *text, size_t n)
{
    char *plain = malloc(n), *with_blank = malloc(n + 1);
    struct verdict short_way = {0}, long_way = {0};
    const char *differs;

    ck_assert(plain && with_blank);
    memcpy(plain, text, n);
    memcpy(with_blank, text, n);
    with_blank[n] = ' ';
    short_way.err = scan_object((struct slice){plain, n}, short_way.members, MEMBERS,
                                &short_way.n, &short_way.fault);
    long_way.err = scan_object((struct slice){with_blank, n + 1}, long_way.members, MEMBERS,
                               &long_way.n, &long_way.fault);
    differs = difference(&short_way, plain, &long_way, with_blank, n);
    ck_assert_msg(!differs, "%s differs: %.*s", differs ? differs : "", (int)n, text);
    free(plain);
    free(with_blank);
}

static const char payload[] =
    "{\"token_type\":\"access\",\"exp\":1900000600,\"iat\":1900000000,"
    "\"jti\":\"AZAgYSBqdGkgb2Ygb3Vycw\",\"sub\":\"alice\","
    "\"iss\":\"https://login.example.org\",\"aud\":\"jwt-host\","
    "\"sid\":\"AZAgYSBzaWQgb2Ygb3Vycw\"}";

START_TEST(a_payload_with_any_byte_changed_is_read_alike_both_ways)
{
    char text[sizeof(payload)];

    memcpy(text, payload, sizeof(text));
    for (size_t at = 0; at < sizeof(payload) - 1; at++) {
        for (int c = 0; c < 0x100; c++) {
            text[at] = (char)c;
            both_ways_agree(text, sizeof(text) - 1);
        }
        text[at] = payload[at];
    }
}
END_TEST

START_TEST(a_payload_with_bytes_taken_out_or_twice_is_read_alike_both_ways)
{
    const size_t whole = sizeof(payload) - 1;
    char text[2 * sizeof(payload)];

    for (size_t from = 0; from < whole; from++) {
        for (size_t n = 1; from + n <= whole && n <= 40; n++) {
            memcpy(text, payload, from);
            memcpy(text + from, payload + from + n, whole - from - n);
            both_ways_agree(text, whole - n);
            memcpy(text, payload, from + n);
            memcpy(text + from + n, payload + from, whole - from);
            both_ways_agree(text, whole + n);
        }
    }
}
END_TEST

/* Strings end, and have something in them that is not plain, at every place of a window. */
START_TEST(strings_of_every_length_are_read_alike_both_ways)
{
    static const char *const odd[] = {"",     "\\n",      "\\u0061", "\\",
                                      "\x1f", "\xc3\xa9", "\xff",    "\""};

    for (size_t n = 0; n < 200; n++) {
        for (size_t i = 0; i < N(odd); i++) {
            char text[512];
            int size = snprintf(text, sizeof(text), "{\"a\":\"%0*d%s\",\"b\":\"%s\"}", (int)n,
                                0, odd[i], odd[(i + 1) % N(odd)]);

            both_ways_agree(text, (size_t)size);
            size = snprintf(text, sizeof(text), "{\"%0*d%s\":\"x\",\"%0*d\":\"y\"}", (int)n, 0,
                            odd[i], (int)n, 0);
            both_ways_agree(text, (size_t)size);
        }
    }
}
END_TEST

START_TEST(numbers_of_every_length_are_read_alike_both_ways)
{
    for (int digits = 1; digits <= 20; digits++) {
        for (int c = 0; c < 0x100; c++) {
            char text[64];
            int n = snprintf(text, sizeof(text), "{\"a\":%.*s_,\"b\":9}", digits,
                             "12345678901234567890");

            text[strlen("{\"a\":") + (size_t)digits] = (char)c;
            both_ways_agree(text, (size_t)n);
        }
    }
}
END_TEST

START_TEST(objects_within_are_read_alike_both_ways)
{
    static const char *const texts[] = {
        "{\"a\":{\"a\":1,\"b\":\"x\"},\"a\":2}",
        "{\"a\":{\"a\":1,\"a\":\"x\"},\"b\":2}",
        "{\"a\":[{\"a\":12345678},{\"a\":123456789}],\"b\":\"y\"}",
        "{\"a\":1,\"b\":{\"c\":{\"d\":\"e\"}}}",
        "{\"a\":1,\"b\":{\"c\":{\"d\":\"e\"}}",
        "{\"a\":1}}",
        "{\"a\":1}{\"a\":1}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":0,\"b\":-1,\"c\":01}",
        "{\"a\":\"b\"\"c\":\"d\"}",
        "{\"a\" :1, \"b\": 2,\"c\":3 }",
    };

    for (size_t i = 0; i < N(texts); i++)
        both_ways_agree(texts[i], strlen(texts[i]));
}
END_TEST

/* As many as may be kept, and one more. */
START_TEST(as_many_members_as_there_is_room_for_are_read_alike_both_ways)
{
    for (size_t members = MEMBERS - 2; members <= MEMBERS + 2; members++) {
        char text[512] = "{";
        size_t n = 1;

        for (size_t i = 0; i < members; i++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "\"%c\":%zu,", (int)('a' + i),
                                  i + 1);
        text[n - 1] = '}';
        both_ways_agree(text, n);
    }
}
END_TEST

UNIT_MAIN("scan_plain", a_payload_with_any_byte_changed_is_read_alike_both_ways,
          a_payload_with_bytes_taken_out_or_twice_is_read_alike_both_ways,
          strings_of_every_length_are_read_alike_both_ways,
          numbers_of_every_length_are_read_alike_both_ways,
          objects_within_are_read_alike_both_ways,
          as_many_members_as_there_is_room_for_are_read_alike_both_ways)
