#include "common/base/base64url.h"

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of each letter and the mark that it is one; 0 for a byte that is not a letter. */
#define LETTER 0x80
static const uint8_t values[256] = {
    ['A'] = LETTER | 0,  ['B'] = LETTER | 1,  ['C'] = LETTER | 2,  ['D'] = LETTER | 3,
    ['E'] = LETTER | 4,  ['F'] = LETTER | 5,  ['G'] = LETTER | 6,  ['H'] = LETTER | 7,
    ['I'] = LETTER | 8,  ['J'] = LETTER | 9,  ['K'] = LETTER | 10, ['L'] = LETTER | 11,
    ['M'] = LETTER | 12, ['N'] = LETTER | 13, ['O'] = LETTER | 14, ['P'] = LETTER | 15,
    ['Q'] = LETTER | 16, ['R'] = LETTER | 17, ['S'] = LETTER | 18, ['T'] = LETTER | 19,
    ['U'] = LETTER | 20, ['V'] = LETTER | 21, ['W'] = LETTER | 22, ['X'] = LETTER | 23,
    ['Y'] = LETTER | 24, ['Z'] = LETTER | 25, ['a'] = LETTER | 26, ['b'] = LETTER | 27,
    ['c'] = LETTER | 28, ['d'] = LETTER | 29, ['e'] = LETTER | 30, ['f'] = LETTER | 31,
    ['g'] = LETTER | 32, ['h'] = LETTER | 33, ['i'] = LETTER | 34, ['j'] = LETTER | 35,
    ['k'] = LETTER | 36, ['l'] = LETTER | 37, ['m'] = LETTER | 38, ['n'] = LETTER | 39,
    ['o'] = LETTER | 40, ['p'] = LETTER | 41, ['q'] = LETTER | 42, ['r'] = LETTER | 43,
    ['s'] = LETTER | 44, ['t'] = LETTER | 45, ['u'] = LETTER | 46, ['v'] = LETTER | 47,
    ['w'] = LETTER | 48, ['x'] = LETTER | 49, ['y'] = LETTER | 50, ['z'] = LETTER | 51,
    ['0'] = LETTER | 52, ['1'] = LETTER | 53, ['2'] = LETTER | 54, ['3'] = LETTER | 55,
    ['4'] = LETTER | 56, ['5'] = LETTER | 57, ['6'] = LETTER | 58, ['7'] = LETTER | 59,
    ['8'] = LETTER | 60, ['9'] = LETTER | 61, ['-'] = LETTER | 62, ['_'] = LETTER | 63};

void base64url_encode(struct slice in, char *ret)
{
    const uint8_t *p = (const uint8_t *)in.p;
    size_t left = in.n;
    uint32_t bits;

    for (; left >= 3; left -= 3, p += 3) {
        bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        *ret++ = letters[bits >> 18];
        *ret++ = letters[bits >> 12 & 63];
        *ret++ = letters[bits >> 6 & 63];
        *ret++ = letters[bits & 63];
    }
    if (left > 0) {
        bits = (uint32_t)p[0] << 16 | (left == 2 ? (uint32_t)p[1] << 8 : 0);
        *ret++ = letters[bits >> 18];
        *ret++ = letters[bits >> 12 & 63];
        if (left == 2)
            *ret = letters[bits >> 6 & 63];
    }
}

/* The 24 bits of four letters. *marks keeps its top bit when they are letters. */
static inline uint32_t join(const uint8_t *p, uint8_t *marks)
{
    uint8_t a = values[p[0]], b = values[p[1]], c = values[p[2]], d = values[p[3]];

    *marks &= a & b & c & d;
    return (uint32_t)(a & 63) << 18 | (uint32_t)(b & 63) << 12 | (uint32_t)(c & 63) << 6 |
           (d & 63);
}

enum tok_err base64url_decode(struct slice in, void *ret, size_t size, size_t *ret_n)
{
    const uint8_t *p = (const uint8_t *)in.p;
    uint8_t *out = ret, marks = LETTER;
    size_t n = BASE64URL_BYTES(in.n), tail = in.n % 4;
    uint32_t bits;

    if (tail == 1 || n > size)
        return TOK_BASE64;
    for (size_t i = 0; i < in.n / 4; i++, p += 4) {
        bits = join(p, &marks);
        *out++ = (uint8_t)(bits >> 16);
        *out++ = (uint8_t)(bits >> 8);
        *out++ = (uint8_t)bits;
    }
    if (tail > 0) {
        /* Letters of value 0 in place of the missing ones; the bits that belong to no byte
         * must be zero. */
        const uint8_t last[4] = {p[0], p[1], tail == 3 ? p[2] : 'A', 'A'};

        bits = join(last, &marks);
        *out++ = (uint8_t)(bits >> 16);
        if (tail == 3)
            *out++ = (uint8_t)(bits >> 8);
        if (tail == 3 ? bits & 0xff : bits & 0xffff)
            return TOK_BASE64;
    }
    if (!(marks & LETTER))
        return TOK_BASE64;
    *ret_n = n;
    return TOK_OK;
}

bool base64url_is_text(struct slice in)
{
    uint8_t marks = LETTER;
    size_t i = 0;
    const uint8_t *p = (const uint8_t *)in.p;

    for (; i + 4 <= in.n; i += 4)
        (void)join(p + i, &marks);
    for (; i < in.n; i++)
        marks &= values[p[i]];
    return marks;
}
