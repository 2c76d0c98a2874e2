#include "common/base/utf8.h"

#include "tests/unit/unit.h"

/* Encodes a code point in n bytes, whether that is its right length or not. */
static void encode(uint32_t code, size_t n, char ret[4])
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n; i-- > 1; code >>= 6)
        ret[i] = (char)(0x80 | (code & 0x3f));
    ret[0] = (char)(lead[n] | code);
}

static size_t right_length(uint32_t code)
{
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

START_TEST(every_character_is_well_formed_in_its_shortest_form_only)
{
    char bytes[4];

    for (uint32_t code = 0; code <= 0x1fffff; code++) {
        bool character = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);

        for (size_t n = right_length(code); n <= 4; n++) {
            size_t want = character && n == right_length(code) ? n : 0;

            encode(code, n, bytes);
            if (utf8_length(bytes, bytes + n) != want)
                ck_abort_msg("U+%04X in %zu bytes", code, n);
        }
    }
}
END_TEST

START_TEST(a_sequence_that_is_cut_or_broken_is_refused)
{
    static const char *const whole[] = {"\xc3\xad", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    char bytes[4];

    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(whole[i]);

        for (size_t cut = 1; cut < n; cut++)
            ck_assert_uint_eq(utf8_length(whole[i], whole[i] + cut), 0);
        for (size_t at = 1; at < n; at++) {
            memcpy(bytes, whole[i], n);
            bytes[at] = 'a';
            ck_assert_uint_eq(utf8_length(bytes, bytes + n), 0);
            bytes[at] = (char)0xc3;
            ck_assert_uint_eq(utf8_length(bytes, bytes + n), 0);
        }
    }
}
END_TEST

START_TEST(a_byte_that_starts_no_character_is_refused)
{
    for (int c = 0x80; c <= 0xff; c++) {
        char bytes[4] = {(char)c, (char)0x8f, (char)0x8f, (char)0x8f};
        bool starts = (c >= 0xc2 && c <= 0xdf) || (c >= 0xe1 && c <= 0xef) || c > 0xf0;

        ck_assert_int_eq(utf8_length(bytes, bytes + 4) > 0, starts && c <= 0xf4);
    }
}
END_TEST

UNIT_MAIN("utf8", every_character_is_well_formed_in_its_shortest_form_only,
          a_sequence_that_is_cut_or_broken_is_refused,
          a_byte_that_starts_no_character_is_refused)
