#include "common/json/scan_internal.h"

#include "common/base/text.h"
#include "common/base/utf8.h"

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
        int digit = text_hex_digit(p[i]);

        if (digit < 0)
            return false;
        code = code << 4 | (uint32_t)digit;
    }
    *ret = code;
    return true;
}

/* The code of a \uXXXX that starts at p. */
static bool read_unicode(const char *p, const char *end, uint32_t *ret)
{
    return end - p >= 6 && p[0] == '\\' && p[1] == 'u' && read_hex(p + 2, ret);
}

/* The character that a one-letter escape stands for; -1: there is no such escape. */
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

/* The length of the escape at p, which is a backslash; 0: it is no escape. */
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

/* ASCII that stands for itself. */
static inline bool is_plain(char c)
{
    return (unsigned char)c - 0x20U < 0x60U && c != '"' && c != '\\';
}

enum tok_err scan_string_check(const char *at, const char *end, struct scan_value *ret,
                               struct scan_string_seen *seen)
{
    const char *p = at + 1;
    bool escaped = false;
    size_t n;

    *seen = (struct scan_string_seen){0};
    for (;; p += n) {
        while (p < end && is_plain(*p))
            p++;
        if (p == end)
            return refuse(seen, p, "string without an end");
        if (*p == '"')
            break;
        if ((unsigned char)*p < 0x20)
            return refuse(seen, p, "control character in a string");
        n = *p == '\\' ? check_escape(p, end, seen) : utf8_length(p, end);
        if (n == 0)
            return refuse(seen, p, *p == '\\' ? "bad escape" : "bad UTF-8");
        escaped = escaped || *p == '\\';
    }
    *ret = (struct scan_value){
        .text = {at, (size_t)(p + 1 - at)}, .type = SCAN_STRING, .escaped = escaped};
    return TOK_OK;
}

const char *scan_string_end(const char *at)
{
    const char *p = at + 1;

    while (*p != '"')
        p += *p == '\\' ? 2 : 1;
    return p + 1;
}

/* Writes a character as UTF-8 and returns its length. */
static size_t put_utf8(uint32_t c, char ret[4])
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n; i-- > 1; c >>= 6)
        ret[i] = (char)(0x80 | (c & 0x3f));
    ret[0] = (char)(lead[n] | c);
    return n;
}

/* Reads the decoded bytes of a checked string without lone surrogates, one after the other. */
struct reader {
    const char *p;
    char escape[4]; /* the bytes of the last escape */
    size_t n, next; /* how many they are, and which is next */
};

static struct reader reader_at(const char *quote)
{
    return (struct reader){.p = quote + 1};
}

static void read_escape(struct reader *r)
{
    int letter = short_escape(r->p[1]);
    uint32_t code = 0, low = 0;

    if (letter >= 0) {
        code = (uint32_t)letter;
        r->p += 2;
    } else {
        (void)read_hex(r->p + 2, &code);
        r->p += 6;
    }
    if (is_high(code)) {
        (void)read_hex(r->p + 2, &low);
        r->p += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    r->n = put_utf8(code, r->escape);
    r->next = 0;
}

/* -1 at the end of the string. */
static int next_byte(struct reader *r)
{
    if (r->next == r->n && *r->p == '\\')
        read_escape(r);
    if (r->next < r->n)
        return (unsigned char)r->escape[r->next++];
    return *r->p == '"' ? -1 : (unsigned char)*r->p++;
}

int scan_string_order(const char *a, const char *b)
{
    struct reader ra, rb;
    int ca, cb;

    /* Names seldom have escapes. */
    while (a[1] == b[1] && a[1] != '"' && a[1] != '\\') {
        a++;
        b++;
    }
    ra = reader_at(a);
    rb = reader_at(b);
    do {
        ca = next_byte(&ra);
        cb = next_byte(&rb);
    } while (ca == cb && ca >= 0);
    return ca - cb;
}

bool scan_string_is(struct scan_value v, struct slice bytes)
{
    struct reader r;

    if (v.type != SCAN_STRING)
        return false;
    if (!v.escaped)
        return slice_eq(scan_string_raw(v), bytes);
    r = reader_at(v.text.p);
    for (size_t i = 0; i < bytes.n; i++)
        if (next_byte(&r) != (unsigned char)bytes.p[i])
            return false;
    return next_byte(&r) < 0;
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
    size_t n = 0;
    int c;

    if (v.type != SCAN_STRING)
        return TOK_CLAIM_TYPE;
    if (!v.escaped)
        return copy_raw(scan_string_raw(v), ret, size, ret_n);
    r = reader_at(v.text.p);
    while ((c = next_byte(&r)) >= 0) {
        if (n == size)
            return TOK_TOO_LONG;
        ret[n++] = (char)c;
    }
    *ret_n = n;
    return TOK_OK;
}
