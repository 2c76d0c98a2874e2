#include "common/base/base64url.h"

#include "common/base/base64url_wide.h"

#include <string.h>

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* What a letter says at each of four places: its six bits there, and that it is a letter, so
 * that four values or'ed together tell of a stranger among them, which has the value 0. */
/* A designator can't stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
#define L(letter, value, shift)                                                                \
    [letter] = ((uint32_t)(value) << (shift)) | (LETTER << ((shift) / 6))
/* NOLINTEND(bugprone-macro-parentheses) */
#define LETTER (UINT32_C(1) << 24)
#define FOUR_LETTERS (UINT32_C(15) << 24)
#define ALPHABET(s)                                                                            \
    L('A', 0, s), L('B', 1, s), L('C', 2, s), L('D', 3, s), L('E', 4, s), L('F', 5, s),        \
        L('G', 6, s), L('H', 7, s), L('I', 8, s), L('J', 9, s), L('K', 10, s), L('L', 11, s),  \
        L('M', 12, s), L('N', 13, s), L('O', 14, s), L('P', 15, s), L('Q', 16, s),             \
        L('R', 17, s), L('S', 18, s), L('T', 19, s), L('U', 20, s), L('V', 21, s),             \
        L('W', 22, s), L('X', 23, s), L('Y', 24, s), L('Z', 25, s), L('a', 26, s),             \
        L('b', 27, s), L('c', 28, s), L('d', 29, s), L('e', 30, s), L('f', 31, s),             \
        L('g', 32, s), L('h', 33, s), L('i', 34, s), L('j', 35, s), L('k', 36, s),             \
        L('l', 37, s), L('m', 38, s), L('n', 39, s), L('o', 40, s), L('p', 41, s),             \
        L('q', 42, s), L('r', 43, s), L('s', 44, s), L('t', 45, s), L('u', 46, s),             \
        L('v', 47, s), L('w', 48, s), L('x', 49, s), L('y', 50, s), L('z', 51, s),             \
        L('0', 52, s), L('1', 53, s), L('2', 54, s), L('3', 55, s), L('4', 56, s),             \
        L('5', 57, s), L('6', 58, s), L('7', 59, s), L('8', 60, s), L('9', 61, s),             \
        L('-', 62, s), L('_', 63, s)

static const uint32_t values[4][256] = {
    {ALPHABET(18)}, {ALPHABET(12)}, {ALPHABET(6)}, {ALPHABET(0)}};

void base64url_encode(struct slice in, char *ret)
{
    const unsigned char *p = (const unsigned char *)in.p;
    size_t left = in.n;

    for (; left >= 3; left -= 3, p += 3) {
        uint32_t bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];

        *ret++ = letters[bits >> 18];
        *ret++ = letters[bits >> 12 & 63];
        *ret++ = letters[bits >> 6 & 63];
        *ret++ = letters[bits & 63];
    }
    if (left > 0) {
        uint32_t bits = (uint32_t)p[0] << 16 | (left == 2 ? (uint32_t)p[1] << 8 : 0);

        *ret++ = letters[bits >> 18];
        *ret++ = letters[bits >> 12 & 63];
        if (left == 2)
            *ret = letters[bits >> 6 & 63];
    }
}

/* 24 bits, and FOUR_LETTERS when they are letters. */
static inline uint32_t quad(const char *p)
{
    return values[0][(uint8_t)p[0]] | values[1][(uint8_t)p[1]] | values[2][(uint8_t)p[2]] |
           values[3][(uint8_t)p[3]];
}

static inline void put(uint32_t bits, uint8_t *out)
{
    out[0] = (uint8_t)(bits >> 16);
    out[1] = (uint8_t)(bits >> 8);
    out[2] = (uint8_t)bits;
}

/* The last two or three letters, the third one a letter that means zero when it is missing. The
 * bits that no byte has are then the byte that follows, which must be zero. */
static inline bool decode_tail(const char *p, size_t n, uint8_t *out)
{
    const char third = n == 3 ? p[2] : letters[0];
    uint32_t bits = values[0][(uint8_t)p[0]] | values[1][(uint8_t)p[1]] |
                    values[2][(uint8_t)third] | values[3][(uint8_t)letters[0]];

    if (bits < FOUR_LETTERS || (n == 2 ? bits & 0xffff : bits & 0xff))
        return false;
    out[0] = (uint8_t)(bits >> 16);
    if (n == 3)
        out[1] = (uint8_t)(bits >> 8);
    return true;
}

enum tok_err base64url_decode(struct slice in, void *ret, size_t size, size_t *ret_n)
{
    size_t tail = in.n % 4, done = in.n - tail, left;
    size_t n = in.n / 4 * 3 + BASE64URL_BYTES(tail);
    uint32_t all = FOUR_LETTERS;
    const char *p;
    uint8_t *out;

    if (tail == 1 || n > size || !base64url_wide(in.p, &done, ret))
        return TOK_BASE64;
    p = in.p + done;
    out = (uint8_t *)ret + done / 4 * 3;
    for (left = in.n - done; left >= 4; left -= 4, p += 4, out += 3) {
        uint32_t bits = quad(p);

        all &= bits;
        put(bits, out);
    }
    if (all != FOUR_LETTERS || (tail > 0 && !decode_tail(p, tail, out)))
        return TOK_BASE64;
    *ret_n = n;
    return TOK_OK;
}

/* Sixteen letters side by side; vectors of the compiler's, which every machine has. */
typedef uint8_t lane16 __attribute__((vector_size(16)));

#define BLOCK sizeof(lane16)

/* Which of them lie in [first, first + n), as 0 or all bits each. */
static inline lane16 in_range(lane16 c, uint8_t first, uint8_t n)
{
    return (lane16)((c - first) < n);
}

static inline lane16 load(const char *p)
{
    lane16 c;

    memcpy(&c, p, sizeof(c));
    return c;
}

static inline bool any_zero(lane16 mask)
{
    uint64_t half[2];

    memcpy(half, &mask, sizeof(half));
    return (half[0] & half[1]) != UINT64_MAX;
}

static inline lane16 known_letters(const char *p)
{
    lane16 c = load(p);

    return in_range(c | 0x20, 'a', 26) | in_range(c, '0', 10) | (lane16)(c == '-') |
           (lane16)(c == '_');
}

bool base64url_is_text(struct slice in)
{
    char text[BLOCK];
    lane16 known = (lane16){0} == 0;

    for (size_t i = 0; i + BLOCK <= in.n; i += BLOCK)
        known &= known_letters(in.p + i);
    if (in.n >= BLOCK)
        return !any_zero(known & known_letters(in.p + in.n - BLOCK));
    memset(text, letters[0], sizeof(text));
    if (in.n > 0)
        memcpy(text, in.p, in.n);
    return !any_zero(known_letters(text));
}
