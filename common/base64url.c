#include "base64url.h"

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Has bits outside of six, so that four values or'ed tell of a stranger among them. */
#define NO_LETTER 0x40U

static inline uint32_t value_of(char letter)
{
    uint32_t c = (unsigned char)letter;

    if (c - 'a' < 26U)
        return c - 'a' + 26;
    if (c - 'A' < 26U)
        return c - 'A';
    if (c - '0' < 10U)
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : NO_LETTER;
}

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

/* The last two or three letters, whose unused bits must be zero. */
static enum tok_err decode_tail(const char *p, size_t n, unsigned char *out)
{
    uint32_t a = value_of(p[0]), b = value_of(p[1]), c = n == 3 ? value_of(p[2]) : 0;

    if ((a | b | c) & NO_LETTER)
        return TOK_BASE64;
    if (n == 2 ? b & 0x0f : c & 0x03)
        return TOK_BASE64;
    out[0] = (unsigned char)(a << 2 | b >> 4);
    if (n == 3)
        out[1] = (unsigned char)(b << 4 | c >> 2);
    return TOK_OK;
}

enum tok_err base64url_decode(struct slice in, void *ret, size_t size, size_t *ret_n)
{
    const char *p = in.p;
    unsigned char *out = ret;
    size_t tail = in.n % 4;
    size_t n = in.n / 4 * 3 + BASE64URL_BYTES(tail);

    if (tail == 1 || n > size)
        return TOK_BASE64;
    for (size_t left = in.n; left >= 4; left -= 4, p += 4) {
        uint32_t a = value_of(p[0]), b = value_of(p[1]), c = value_of(p[2]), d = value_of(p[3]);

        if ((a | b | c | d) & NO_LETTER)
            return TOK_BASE64;
        *out++ = (unsigned char)(a << 2 | b >> 4);
        *out++ = (unsigned char)(b << 4 | c >> 2);
        *out++ = (unsigned char)(c << 6 | d);
    }
    if (tail > 0 && decode_tail(p, tail, out) != TOK_OK)
        return TOK_BASE64;
    *ret_n = n;
    return TOK_OK;
}

bool base64url_is_text(struct slice in)
{
    for (size_t i = 0; i < in.n; i++) {
        if (value_of(in.p[i]) == NO_LETTER)
            return false;
    }
    return true;
}
