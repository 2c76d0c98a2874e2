#include "tests/unit/unit.h"

#include <string.h>

#include "common/base/base64url.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static enum tok_err decode(const char *text, size_t *ret_n)
{
    char bytes[64];

    return base64url_decode((struct slice){text, strlen(text)}, bytes, sizeof(bytes), ret_n);
}

/* RFC 4648 10 without padding, RFC 7515 appendix C, and each letter. */
static const struct {
    struct slice bytes;
    const char *text;
} vectors[] = {
    {{"", 0}, ""},
    {{"f", 1}, "Zg"},
    {{"fo", 2}, "Zm8"},
    {{"foo", 3}, "Zm9v"},
    {{"foob", 4}, "Zm9vYg"},
    {{"fooba", 5}, "Zm9vYmE"},
    {{"foobar", 6}, "Zm9vYmFy"},
    {{"\x03\xec\xff\xe0\xc1", 5}, "A-z_4ME"},
    {{"\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41\x14\x93\x51\x55\x97\x61\x96\x9b\x71"
      "\xd7\x9f\x82\x18\xa3\x92\x59\xa7\xa2\x9a\xab\xb2\xdb\xaf\xc3\x1c\xb3\xd3\x5d\xb7\xe3\x9e"
      "\xbb\xf3\xdf\xbf",
      48},
     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"},
};

START_TEST(the_vectors_are_encoded_and_decoded)
{
    for (size_t i = 0; i < N(vectors); i++) {
        size_t letters = strlen(vectors[i].text), n = 77;
        char text[80], bytes[80];

        memset(text, '#', sizeof(text));
        ck_assert_uint_eq(BASE64URL_LEN(vectors[i].bytes.n), letters);
        ck_assert_uint_eq(BASE64URL_BYTES(letters), vectors[i].bytes.n);
        base64url_encode(vectors[i].bytes, text);
        ck_assert_mem_eq(text, vectors[i].text, letters);
        ck_assert_int_eq(text[letters], '#');
        ck_assert_ok(
            base64url_decode((struct slice){text, letters}, bytes, vectors[i].bytes.n, &n));
        ck_assert(slice_eq((struct slice){bytes, n}, vectors[i].bytes));
    }
}
END_TEST

START_TEST(decode_reverses_encode)
{
    unsigned char bytes[200];
    char text[BASE64URL_LEN(200)], back[200];
    uint32_t seed = 1;
    size_t n;

    for (size_t round = 0; round < 5000; round++) {
        size_t size = round % sizeof(bytes);

        for (size_t i = 0; i < size; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (unsigned char)(seed >> 24);
        }
        base64url_encode((struct slice){(char *)bytes, size}, text);
        ck_assert_ok(
            base64url_decode((struct slice){text, BASE64URL_LEN(size)}, back, size, &n));
        ck_assert_uint_eq(n, size);
        ck_assert_mem_eq(back, bytes, size);
    }
}
END_TEST

START_TEST(padding_is_refused)
{
    size_t n;

    ck_assert_err(decode("Zg==", &n), TOK_BASE64);
    ck_assert_err(decode("Zg=", &n), TOK_BASE64);
    ck_assert_err(decode("Zm8=", &n), TOK_BASE64);
    ck_assert_err(decode("Zm9v=", &n), TOK_BASE64);
    ck_assert_err(decode("=", &n), TOK_BASE64);
}
END_TEST

START_TEST(a_length_that_holds_no_bytes_is_refused)
{
    size_t n;

    ck_assert_err(decode("A", &n), TOK_BASE64);
    ck_assert_err(decode("AAAAA", &n), TOK_BASE64);
    ck_assert_err(decode("AAAAAAAAA", &n), TOK_BASE64);
    /* Also when letters follow beyond the length. */
    for (size_t letters = 1; letters < 16; letters += 4) {
        char bytes[16];
        struct slice text = {"AAAAAAAAAAAAAAAA", letters};

        ck_assert_err(base64url_decode(text, bytes, sizeof(bytes), &n), TOK_BASE64);
    }
}
END_TEST

/* Of the 64 letters, only those whose unused bits are zero may be the last one. */
START_TEST(stray_bits_are_refused)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t n;

    for (size_t i = 0; i < 64; i++) {
        char two[] = {'_', letters[i], '\0'}, three[] = {'_', '_', letters[i], '\0'};

        ck_assert_err(decode(two, &n), i % 16 == 0 ? TOK_OK : TOK_BASE64);
        ck_assert_err(decode(three, &n), i % 4 == 0 ? TOK_OK : TOK_BASE64);
    }
}
END_TEST

/* The value of a letter in table 2 of RFC 4648, or -1. */
static int value_of(int c)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = c ? strchr(letters, c) : NULL;

    return at ? (int)(at - letters) : -1;
}

/* Decodes n letters 'A', one of them replaced by c, into a block of exactly the right size. */
static void check_one_byte(char *text, size_t n, size_t at, int c)
{
    size_t size = BASE64URL_BYTES(n), got = 77;
    char *bytes = malloc(size);
    char want[128] = "";
    int value = value_of(c);
    enum tok_err err;

    ck_assert_ptr_nonnull(bytes);
    text[at] = (char)c;
    ck_assert_int_eq(base64url_is_text((struct slice){text, n}), value >= 0);
    err = base64url_decode((struct slice){text, n}, bytes, size, &got);
    if (value < 0)
        ck_assert_err(err, TOK_BASE64);
    if (value >= 0 && (at + 1 < n || n % 4 == 0)) {
        unsigned bits =
            (unsigned)value << 10 >> at * 6 % 8; /* the first byte it is in, on top */

        ck_assert_ok(err);
        ck_assert_uint_eq(got, size);
        want[at * 6 / 8] = (char)(bits >> 8);
        if (at * 6 / 8 + 1 < size)
            want[at * 6 / 8 + 1] = (char)bits;
        ck_assert_mem_eq(bytes, want, size);
    }
    text[at] = 'A';
    free(bytes);
}

START_TEST(every_byte_at_every_place_is_a_letter_or_refused)
{
    static const size_t lengths[] = {2,  3,  4,  6,  7,  8,  10, 11, 31, 32,
                                     34, 35, 36, 62, 63, 64, 66, 96, 99};

    for (size_t i = 0; i < N(lengths); i++) {
        size_t n = lengths[i];
        char *text = malloc(n);

        ck_assert_ptr_nonnull(text);
        memset(text, 'A', n);
        for (size_t at = 0; at < n; at++)
            for (int c = 0; c < 0x100; c++)
                check_one_byte(text, n, at, c);
        free(text);
    }
}
END_TEST

START_TEST(output_that_does_not_fit_is_refused)
{
    char bytes[4] = "###";
    size_t n = 77;

    ck_assert_err(base64url_decode(SLICE("Zm9v"), bytes, 2, &n), TOK_BASE64);
    ck_assert_err(base64url_decode(SLICE("Zg"), bytes, 0, &n), TOK_BASE64);
    ck_assert_err(base64url_decode(SLICE("Zm9vYg"), bytes, 3, &n), TOK_BASE64);
    ck_assert_str_eq(bytes, "###");
    ck_assert_uint_eq(n, 77);
    ck_assert_ok(base64url_decode(SLICE("Zm9v"), bytes, 3, &n));
    ck_assert_uint_eq(n, 3);
}
END_TEST

START_TEST(an_empty_text_decodes_to_no_bytes)
{
    size_t n = 77;

    ck_assert_ok(base64url_decode((struct slice){NULL, 0}, NULL, 0, &n));
    ck_assert_uint_eq(n, 0);
    ck_assert(base64url_is_text((struct slice){NULL, 0}));
    base64url_encode((struct slice){NULL, 0}, NULL);
}
END_TEST

UNIT_MAIN("base64url", the_vectors_are_encoded_and_decoded, decode_reverses_encode,
          padding_is_refused, a_length_that_holds_no_bytes_is_refused, stray_bits_are_refused,
          every_byte_at_every_place_is_a_letter_or_refused, output_that_does_not_fit_is_refused,
          an_empty_text_decodes_to_no_bytes)
