/*
 * Bytes that must not stay in memory: passwords, tokens, private keys. A struct secret owns its
 * bytes, which are wiped when it is cleared. Declare it with CLEANUP(secret_clear) and `= {0}`.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

struct secret {
    char *p; /* NULL when empty; p[n] is a NUL that is not counted */
    size_t n;
};

/* Makes a copy, with any NUL inside. *ret must be empty. TOK_NO_MEMORY. */
enum tok_err secret_copy(struct slice bytes, struct secret *ret) MUST_CHECK;

/* Allocates n bytes of zeros. *ret must be empty. TOK_NO_MEMORY. */
enum tok_err secret_alloc(size_t n, struct secret *ret) MUST_CHECK;

/* Wipes and frees. An empty secret may be cleared, too. */
void secret_clear(struct secret *s);

/* Wipes bytes elsewhere; the compiler does not optimize it away. p may be NULL when n is 0. */
void secret_wipe(void *p, size_t n);

/* Compares in a time that depends on the lengths alone. */
bool secret_equal(struct slice a, struct slice b);

static inline struct slice secret_slice(const struct secret *s)
{
    return (struct slice){s->p ? s->p : "", s->n};
}
