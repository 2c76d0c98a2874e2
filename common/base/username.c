#include "common/base/username.h"

#include "common/base/utf8.h"

/* White space, control characters and what Unicode calls default ignorable: a name that
 * contains one looks like another name, or like two. */
static const struct {
    uint32_t first, last;
} excluded[] = {
    {0x0, 0x20},      {'/', '/'},         {':', ':'},         {0x7f, 0xa0},
    {0xad, 0xad},     {0x34f, 0x34f},     {0x61c, 0x61c},     {0x115f, 0x1160},
    {0x1680, 0x1680}, {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x2000, 0x200f},
    {0x2028, 0x202f}, {0x205f, 0x206f},   {0x2800, 0x2800},   {0x3000, 0x3000},
    {0x3164, 0x3164}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
    {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

/* The code point of a well-formed character of n bytes. */
static uint32_t code_of(const char *p, size_t n)
{
    uint32_t code = n == 1 ? (unsigned char)*p : (unsigned char)*p & (0x7fU >> n);

    for (size_t i = 1; i < n; i++)
        code = code << 6 | ((unsigned char)p[i] & 0x3f);
    return code;
}

bool username_valid(struct slice name)
{
    const char *end = name.p + name.n;
    size_t n;

    if (name.n == 0 || name.n > USER_NAME_MAX || *name.p == '-' || slice_is(name, ".") ||
        slice_is(name, ".."))
        return false;
    for (const char *p = name.p; p < end; p += n) {
        n = utf8_length(p, end);
        if (n == 0)
            return false;
        for (size_t i = 0; i < sizeof(excluded) / sizeof(excluded[0]); i++)
            if (code_of(p, n) >= excluded[i].first && code_of(p, n) <= excluded[i].last)
                return false;
    }
    return true;
}
