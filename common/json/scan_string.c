#include "common/json/scan_string.h"

#include "common/base/utf8.h"

#include <string.h>

/* A bit a byte of n, at most a window. */
static uint64_t marks_bytewise(const char *p, size_t n)
{
    uint64_t marks = 0;

    for (size_t i = 0; i < n; i++)
        marks |= (uint64_t)!scan_is_plain(p[i]) << i;
    return marks;
}

#ifdef __SSE2__
#include <emmintrin.h>

/* A bit a byte of sixteen. Signed: what is no ASCII is below the blank, too. */
static inline uint64_t marks_of_16(const char *p)
{
    __m128i c = _mm_loadu_si128((const void *)p);
    __m128i low = _mm_cmpgt_epi8(_mm_set1_epi8(' '), c);
    __m128i quote = _mm_cmpeq_epi8(c, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(c, _mm_set1_epi8('\\'));

    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(low, quote), slash));
}

static uint64_t marks_of_window(const char *p)
{
    return marks_of_16(p) | marks_of_16(p + 16) << 16 | marks_of_16(p + 32) << 32 |
           marks_of_16(p + 48) << 48;
}
#else
static uint64_t marks_of_window(const char *p)
{
    return marks_bytewise(p, SCAN_WINDOW);
}
#endif

/* The marks of n bytes from p on, fewer than a window, which are the text's last. What of them
 * is seen again is forgotten. */
static uint64_t marks_of_rest(const struct scan_window *w, const char *p, size_t n)
{
    if (w->end - w->start >= SCAN_WINDOW)
        return marks_of_window(w->end - SCAN_WINDOW) >> (SCAN_WINDOW - n);
    return marks_bytewise(p, n);
}

void scan_window_move(struct scan_window *w, const char *p)
{
    size_t n = (size_t)(w->end - p);

    w->from = p;
    w->marks = n < SCAN_WINDOW ? marks_of_rest(w, p, n) : marks_of_window(p);
    if (n - 1 < SCAN_WINDOW)
        w->marks |= UINT64_C(1) << (n - 1);
}

static bool is_high(uint32_t code)
{
    return code >= 0xd800 && code <= 0xdbff;
}

static bool is_low(uint32_t code)
{
    return code >= 0xdc00 && code <= 0xdfff;
}

/* Four hexadecimal digits. */
static bool read_hex(const char *p, uint32_t *ret)
{
    uint32_t code = 0;

    for (size_t i = 0; i < 4; i++) {
        uint32_t c = (unsigned char)p[i];

        if (c - '0' < 10U)
            code = code << 4 | (c - '0');
        else if ((c | 0x20) - 'a' < 6U)
            code = code << 4 | ((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *ret = code;
    return true;
}

/* The code of a \uXXXX that starts at p. */
static bool read_unicode(const char *p, const char *end, uint32_t *ret)
{
    return end - p >= 6 && p[0] == '\\' && p[1] == 'u' && read_hex(p + 2, ret);
}

/* What a one-letter escape stands for; -1: there is no such escape. */
static int short_escape(char letter)
{
    switch (letter) {
    case '"':
    case '\\':
    case '/':
        return letter;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return -1;
    }
}

/* Bytes of the escape whose backslash is at p; 0: none is there. */
static size_t check_escape(const char *p, const char *end, struct scan_string_seen *seen)
{
    uint32_t code, next;

    if (end - p >= 2 && short_escape(p[1]) >= 0)
        return 2;
    if (!read_unicode(p, end, &code))
        return 0;
    if (is_high(code) && read_unicode(p + 6, end, &next) && is_low(next))
        return 12;
    if ((is_high(code) || is_low(code)) && !seen->lone) {
        seen->lone = p;
        seen->lone_code = code;
    }
    return 6;
}

static enum tok_err refuse(struct scan_string_seen *seen, const char *at, const char *what)
{
    seen->bad = at;
    seen->what = what;
    return TOK_JSON;
}

enum tok_err scan_string_check(const char *at, const char *end, struct scan_value *ret,
                               struct scan_string_seen *seen)
{
    const char *p = at + 1;
    bool escaped = false;
    size_t n;

    *seen = (struct scan_string_seen){0};
    for (p = scan_string_plain(p, end); p < end && *p != '"';
         p = scan_string_plain(p + n, end)) {
        if (*p == '\\') {
            escaped = true;
            n = check_escape(p, end, seen);
            if (n == 0)
                return refuse(seen, p, "bad escape");
        } else if ((unsigned char)*p < 0x20) {
            return refuse(seen, p, "control character in a string");
        } else {
            n = utf8_length(p, end);
            if (n == 0)
                return refuse(seen, p, "bad UTF-8");
        }
    }
    if (p == end)
        return refuse(seen, p, "string without an end");
    *ret = (struct scan_value){
        .text = {at, (size_t)(p + 1 - at)}, .type = SCAN_STRING, .escaped = escaped};
    return TOK_OK;
}

/* The character of the escape at *p, of a checked string; *p moves past it. */
static uint32_t next_escape(const char **p, const char *end)
{
    uint32_t code = 0, low = 0;
    int letter = short_escape((*p)[1]);

    if (letter >= 0) {
        *p += 2;
        return (uint32_t)letter;
    }
    (void)read_unicode(*p, end, &code);
    *p += 6;
    if (!is_high(code))
        return code;
    (void)read_unicode(*p, end, &low);
    *p += 6;
    return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

/* Writes a character as UTF-8 and returns its bytes. */
static size_t put_utf8(uint32_t c, char ret[4])
{
    if (c < 0x80) {
        ret[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        ret[0] = (char)(0xc0 | c >> 6);
        ret[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        ret[0] = (char)(0xe0 | c >> 12);
        ret[1] = (char)(0x80 | (c >> 6 & 0x3f));
        ret[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    ret[0] = (char)(0xf0 | c >> 18);
    ret[1] = (char)(0x80 | (c >> 12 & 0x3f));
    ret[2] = (char)(0x80 | (c >> 6 & 0x3f));
    ret[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* A reader of a checked string's decoded bytes, a piece at a time: the text up to an escape, or
 * one escape's character. */
struct reader {
    const char *p, *end;
    char decoded[4];
};

static struct reader reader_of(const struct scan_value *v)
{
    struct slice raw = scan_string_raw(*v);

    return (struct reader){.p = raw.p, .end = raw.p + raw.n};
}

/* The next piece, empty at the end; good until the next call. */
static struct slice next_piece(struct reader *r)
{
    size_t left = (size_t)(r->end - r->p);
    const char *piece = r->p, *escape;

    if (left > 0 && *piece == '\\')
        return (struct slice){r->decoded, put_utf8(next_escape(&r->p, r->end), r->decoded)};
    escape = memchr(piece, '\\', left);
    r->p = escape ? escape : r->end;
    return (struct slice){piece, (size_t)(r->p - piece)};
}

/* Compares two runs by their common length and takes that off both. */
static int order_common(struct slice *a, struct slice *b)
{
    size_t n = a->n < b->n ? a->n : b->n;
    int order = n > 0 ? memcmp(a->p, b->p, n) : 0;

    *a = (struct slice){a->p + n, a->n - n};
    *b = (struct slice){b->p + n, b->n - n};
    return order;
}

/* A shorter one comes before those it begins. */
static int order_plain(struct slice a, struct slice b)
{
    int order = order_common(&a, &b);

    return order != 0 ? order : (a.n > 0) - (b.n > 0);
}

/* The bytes that either stands for, one piece after the other. */
static int order_decoded(struct reader ra, struct reader rb)
{
    struct slice pa = next_piece(&ra), pb = next_piece(&rb);

    while (pa.n > 0 && pb.n > 0) {
        int order = order_common(&pa, &pb);

        if (order != 0)
            return order;
        if (pa.n == 0)
            pa = next_piece(&ra);
        if (pb.n == 0)
            pb = next_piece(&rb);
    }
    return (pa.n > 0) - (pb.n > 0);
}

struct scan_value scan_string_at(const char *at, const char *end)
{
    const char *p = at + 1;
    bool escaped = false;

    for (; p < end && *p != '"'; p++) {
        if (*p == '\\') {
            escaped = true;
            p++;
        }
    }
    return (struct scan_value){
        .text = {at, (size_t)(p + 1 - at)}, .type = SCAN_STRING, .escaped = escaped};
}

int scan_string_order(const struct scan_value *a, const struct scan_value *b)
{
    if (!a->escaped && !b->escaped)
        return order_plain(scan_string_raw(*a), scan_string_raw(*b));
    return order_decoded(reader_of(a), reader_of(b));
}

bool scan_string_is(struct scan_value v, struct slice bytes)
{
    struct reader r;
    struct slice piece;

    if (v.type != SCAN_STRING)
        return false;
    if (!v.escaped)
        return slice_eq(scan_string_raw(v), bytes);
    r = reader_of(&v);
    for (piece = next_piece(&r); piece.n > 0; piece = next_piece(&r)) {
        if (piece.n > bytes.n || memcmp(piece.p, bytes.p, piece.n) != 0)
            return false;
        bytes = (struct slice){bytes.p + piece.n, bytes.n - piece.n};
    }
    return bytes.n == 0;
}

/* A checked string has no NUL in it, so the text ends where it must. */
bool scan_string_is_text(const struct scan_value *v, const char *text)
{
    struct slice raw;

    if (v->escaped || v->type != SCAN_STRING)
        return scan_string_is(*v, slice_of(text));
    raw = scan_string_raw(*v);
    return strncmp(text, raw.p, raw.n) == 0 && text[raw.n] == '\0';
}

static enum tok_err copy_raw(struct slice raw, char *ret, size_t size, size_t *ret_n)
{
    if (raw.n > size)
        return TOK_TOO_LONG;
    memcpy(ret, raw.p, raw.n);
    *ret_n = raw.n;
    return TOK_OK;
}

enum tok_err scan_string(struct scan_value v, char *ret, size_t size, size_t *ret_n)
{
    struct reader r;
    struct slice piece;
    size_t n = 0;

    if (v.type != SCAN_STRING)
        return TOK_CLAIM_TYPE;
    if (!v.escaped)
        return copy_raw(scan_string_raw(v), ret, size, ret_n);
    r = reader_of(&v);
    for (piece = next_piece(&r); piece.n > 0; piece = next_piece(&r)) {
        if (piece.n > size - n)
            return TOK_TOO_LONG;
        memcpy(ret + n, piece.p, piece.n);
        n += piece.n;
    }
    *ret_n = n;
    return TOK_OK;
}
