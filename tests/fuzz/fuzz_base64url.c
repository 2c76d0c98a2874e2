/*
 * Any bytes at all as base64url letters, and as bytes to encode. Beyond "no crash": a second
 * decoder, bit by bit, gives the same verdict and the same bytes, and so it is with what counts
 * as letters; encode(decode(x)) = x and decode(encode(x)) = x; room that is one byte too small
 * is an error; no letter can be changed without a change in what it says.
 */
#include "common/base/base64url.h"
#include "common/base/cleanup.h"
#include "tests/fuzz/fuzz.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool is_letters(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!text.p[i] || !strchr(alphabet, text.p[i]))
            return false;
    return true;
}

/* RFC 4648 5 once more: bits are taken one after the other. False when it is no such text. */
static bool decode_by_bits(struct slice text, unsigned char *ret, size_t *ret_n)
{
    unsigned held = 0, bits = 0;
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        const char *at = text.p[i] ? strchr(alphabet, text.p[i]) : NULL;

        if (!at)
            return false;
        held = (held << 6 | (unsigned)(at - alphabet)) & 0xffff;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        ret[n++] = (unsigned char)(held >> bits);
        held &= (1U << bits) - 1;
    }
    *ret_n = n;
    return bits < 6 && held == 0;
}

static void as_text(struct slice text)
{
    size_t room = BASE64URL_BYTES(text.n), n = 0, model_n = 0;
    CLEANUP(cleanup_free) char *copy = exact_copy(text);
    CLEANUP(cleanup_free) char *bytes = malloc(room + 1);
    CLEANUP(cleanup_free) unsigned char *model = malloc(text.n + 1);
    CLEANUP(cleanup_free) char *again = NULL;
    bool is_text = base64url_is_text((struct slice){copy, text.n});

    must(bytes && model && is_text == is_letters(text));
    bytes[room] = '!';
    if (base64url_decode((struct slice){copy, text.n}, bytes, room, &n) != TOK_OK) {
        must(!decode_by_bits(text, model, &model_n));
        return;
    }
    must(n == room && bytes[room] == '!');
    must(decode_by_bits(text, model, &model_n) && model_n == n);
    must(memcmp(model, bytes, n) == 0);
    must(BASE64URL_LEN(n) == text.n);
    again = malloc(text.n);
    must(again || !text.n);
    base64url_encode((struct slice){bytes, n}, again);
    must(!n || memcmp(again, text.p, text.n) == 0);
    if (n)
        must(base64url_decode(text, bytes, n - 1, &n) == TOK_BASE64);
}

/* Another letter in one place, which the input chooses. */
static void change_one(char *letters, size_t n, struct slice bytes)
{
    unsigned char a = (unsigned char)bytes.p[0], b = (unsigned char)bytes.p[bytes.n - 1];
    size_t at = ((size_t)a << 8 | b) % n, back_n = 0;
    CLEANUP(cleanup_free) char *back = malloc(bytes.n);

    must(back != NULL);
    letters[at] = letters[at] == alphabet[b & 63] ? alphabet[(b + 1) & 63] : alphabet[b & 63];
    if (base64url_decode((struct slice){letters, n}, back, bytes.n, &back_n) == TOK_OK)
        must(back_n == bytes.n && memcmp(back, bytes.p, bytes.n) != 0);
}

static void as_bytes(struct slice bytes)
{
    size_t n = BASE64URL_LEN(bytes.n), back_n = 0;
    CLEANUP(cleanup_free) char *copy = exact_copy(bytes);
    CLEANUP(cleanup_free) char *letters = malloc(n);
    CLEANUP(cleanup_free) char *back = malloc(bytes.n);

    must((letters && back) || !n);
    base64url_encode((struct slice){copy, bytes.n}, letters);
    must(base64url_is_text((struct slice){letters, n}));
    must(base64url_decode((struct slice){letters, n}, back, bytes.n, &back_n) == TOK_OK);
    must(back_n == bytes.n && (!n || memcmp(back, bytes.p, bytes.n) == 0));
    if (n)
        change_one(letters, n, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};

    as_text(in);
    as_bytes(in);
    return 0;
}
