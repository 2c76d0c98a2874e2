#include "jwtctl/safe_text.h"

#include "common/base/text.h"
#include "common/base/utf8.h"

#include <inttypes.h>

#define NO_CHARACTER 0xfffd

/* clang-format off */
static const struct {
    uint32_t first, last;
} unsafe[] = {
    {0x00, 0x1f},       /* C0 */
    {0x7f, 0x9f},       /* DEL, C1 */
    {0xad, 0xad},       /* soft hyphen */
    {0x61c, 0x61c},     /* Arabic letter mark */
    {0x180e, 0x180e},   /* Mongolian vowel separator */
    {0x200b, 0x200f},   /* zero width, left-to-right and right-to-left marks */
    {0x2028, 0x202e},   /* separators, embeddings and overrides of direction */
    {0x2060, 0x206f},   /* invisible operators, isolates */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xfff9, 0xfffb},   /* interlinear annotations */
    {0xe0000, 0xe007f}, /* tags */
};
/* clang-format on */

static bool is_safe(uint32_t code)
{
    for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
        if (code >= unsafe[i].first && code <= unsafe[i].last)
            return false;
    return true;
}

/* Of n well-formed bytes. */
static uint32_t decode(const char *p, size_t n)
{
    uint32_t code = (unsigned char)p[0];

    if (n > 1)
        code &= 0xffU >> (n + 1);
    for (size_t i = 1; i < n; i++)
        code = code << 6 | ((unsigned char)p[i] & 0x3f);
    return code;
}

bool safe_text_next(struct slice *text, struct safe_character *ret)
{
    size_t n;

    if (text->n == 0)
        return false;
    n = utf8_length(text->p, text->p + text->n);
    ret->bytes = (struct slice){text->p, n ? n : 1};
    ret->code = n ? decode(text->p, n) : NO_CHARACTER;
    ret->safe = n && is_safe(ret->code);
    *text = slice_skip(*text, ret->bytes.n);
    return true;
}

void safe_text_print(FILE *out, struct slice text)
{
    struct safe_character c;

    while (safe_text_next(&text, &c))
        (void)fwrite(c.safe ? c.bytes.p : "?", 1, c.safe ? c.bytes.n : 1, out);
}

/* RFC 8259 7: beyond U+FFFF as two surrogates. */
static void print_escape(FILE *out, uint32_t code)
{
    if (code > 0xffff)
        (void)fprintf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + ((code - 0x10000) >> 10),
                      0xdc00 + ((code - 0x10000) & 0x3ff));
    else
        (void)fprintf(out, "\\u%04" PRIx32, code);
}

void safe_text_print_json(FILE *out, struct slice json)
{
    struct safe_character c;

    while (safe_text_next(&json, &c)) {
        if (c.safe)
            (void)fwrite(c.bytes.p, 1, c.bytes.n, out);
        else if (c.code < 0x80 && text_is_space((char)c.code))
            (void)fputc(' ', out);
        else
            print_escape(out, c.code);
    }
}
