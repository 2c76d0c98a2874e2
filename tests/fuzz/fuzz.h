/*
 * What the harnesses share: a promise that is broken ends the process, and bytes of the input
 * are taken from its front.
 */
#pragma once

#include "common/base/slice.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool held)
{
    if (!held)
        abort();
}

/* 0 when there is none left. */
static inline unsigned take_byte(struct slice *in)
{
    unsigned c;

    if (in->n == 0)
        return 0;
    c = (unsigned char)*in->p;
    in->p++;
    in->n--;
    return c;
}

/* At most n bytes. */
static inline struct slice take_bytes(struct slice *in, size_t n)
{
    struct slice taken = {in->p, n < in->n ? n : in->n};

    in->p += taken.n;
    in->n -= taken.n;
    return taken;
}

/* A copy that ends where its allocation ends, so that ASan sees each byte read behind it; free
 * it. */
static inline char *exact_copy(struct slice bytes)
{
    char *copy = malloc(bytes.n ? bytes.n : 1);

    must(copy != NULL);
    if (bytes.n)
        memcpy(copy, bytes.p, bytes.n);
    return copy;
}
