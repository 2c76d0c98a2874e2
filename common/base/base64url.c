#include "common/base/base64url.h"

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of each letter plus one; 0 for a byte that is not a letter. */
static const uint8_t values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,
    ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
    ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
    ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
    ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
    ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
    ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
    ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63,
    ['_'] = 64,
};

void base64url_encode(struct slice in, char *ret)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;

    for (size_t i = 0; i < in.n; i++) {
        bits = bits << 8 | (uint8_t)in.p[i];
        for (n_bits += 8; n_bits >= 6; n_bits -= 6)
            *ret++ = letters[bits >> (n_bits - 6) & 63];
    }
    if (n_bits > 0)
        *ret = letters[bits << (6 - n_bits) & 63];
}

enum tok_err base64url_decode(struct slice in, void *ret, size_t size, size_t *ret_n)
{
    size_t n = BASE64URL_BYTES(in.n);
    uint8_t *out = ret;
    uint32_t bits = 0;
    unsigned n_bits = 0;

    if (in.n % 4 == 1 || n > size)
        return TOK_BASE64;
    for (size_t i = 0; i < in.n; i++) {
        uint8_t value = values[(uint8_t)in.p[i]];

        if (value == 0)
            return TOK_BASE64;
        bits = bits << 6 | (uint32_t)(value - 1);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            *out++ = (uint8_t)(bits >> n_bits);
        }
    }
    /* Bits of the last letter that belong to no byte. */
    if (bits & ((1U << n_bits) - 1))
        return TOK_BASE64;
    *ret_n = n;
    return TOK_OK;
}

bool base64url_is_text(struct slice in)
{
    for (size_t i = 0; i < in.n; i++)
        if (values[(uint8_t)in.p[i]] == 0)
            return false;
    return true;
}
