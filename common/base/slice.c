#include "common/base/slice.h"

bool slice_cut(struct slice text, char c, struct slice *ret_head, struct slice *ret_tail)
{
    const char *at = text.n > 0 ? memchr(text.p, c, text.n) : NULL;
    size_t head = at ? (size_t)(at - text.p) : 0;

    if (!at)
        return false;
    *ret_head = (struct slice){text.p, head};
    *ret_tail = slice_skip(text, head + 1);
    return true;
}

bool slice_digits(struct slice text, uint64_t *ret)
{
    uint64_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(text.p[i] - '0'), &n))
            return false;
    }
    if (text.n > 0)
        *ret = n;
    return text.n > 0;
}

int slice_shown(struct slice text, size_t most)
{
    return (int)(text.n < most ? text.n : most);
}
