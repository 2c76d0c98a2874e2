#include "common/base/secret.h"

#include <stdlib.h>

enum tok_err secret_alloc(size_t n, struct secret *ret)
{
    char *p;

    if (n == SIZE_MAX)
        return TOK_NO_MEMORY;
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

bool secret_equal(struct slice a, struct slice b)
{
    /* volatile: the compiler must not stop at the first difference. */
    const volatile char *pa = a.p, *pb = b.p;
    int differ = 0;

    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        differ |= pa[i] ^ pb[i];
    return differ == 0;
}
