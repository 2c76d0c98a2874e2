#include "common/base/secret.h"

#include <stdlib.h>
#include <string.h>

enum tok_err secret_alloc(size_t n, struct secret *ret)
{
    char *p;

    if (n == SIZE_MAX)
        return TOK_NO_MEMORY;
    /* Not calloc: glibc's has none of the blocks at hand that its malloc has. */
    p = malloc(n + 1);
    if (!p)
        return TOK_NO_MEMORY;
    memset(p, 0, n);
    p[n] = '\0';
    *ret = (struct secret){.p = p, .n = n};
    return TOK_OK;
}

enum tok_err secret_copy(struct slice bytes, struct secret *ret)
{
    enum tok_err err = secret_alloc(bytes.n, ret);

    if (err == TOK_OK && bytes.n > 0)
        memcpy(ret->p, bytes.p, bytes.n);
    return err;
}

void secret_clear(struct secret *s)
{
    if (s->p)
        explicit_bzero(s->p, s->n + 1);
    free(s->p);
    *s = (struct secret){0};
}

void secret_wipe(void *p, size_t n)
{
    if (n > 0)
        explicit_bzero(p, n);
}

static uint64_t word_at(const char *p, size_t n)
{
    uint64_t word = 0;

    memcpy(&word, p, n);
    return word;
}

bool secret_equal(struct slice a, struct slice b)
{
    /* volatile: no compiler may turn the loop into one that leaves at the first difference. A
     * word at a time, the last one filled up by zeros. */
    volatile uint64_t differ = 0;
    size_t i = 0;

    if (a.n != b.n)
        return false;
    for (; a.n - i >= sizeof(differ); i += sizeof(differ))
        differ = differ | (word_at(a.p + i, sizeof(differ)) ^ word_at(b.p + i, sizeof(differ)));
    if (i < a.n)
        differ = differ | (word_at(a.p + i, a.n - i) ^ word_at(b.p + i, a.n - i));
    return differ == 0;
}
