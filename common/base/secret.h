/*
 * Bytes that must not outlive their use: passwords, tokens, private keys. A struct secret owns
 * its bytes, is wiped when freed, and is compared in constant time. Declare it with
 * CLEANUP(secret_clear) and `= {0}`.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

struct secret {
    char *p; /* NULL when empty; the byte p[n] is always NUL, not counted */
    size_t n;
};

/* A wiped copy of bytes is made; NULs inside are kept. *ret must be empty. TOK_NO_MEMORY. */
enum tok_err secret_copy(struct slice bytes, struct secret *ret) MUST_CHECK;

/* Room for n bytes, zeroed. *ret must be empty. TOK_NO_MEMORY. */
enum tok_err secret_alloc(size_t n, struct secret *ret) MUST_CHECK;

/* Wipes and frees; safe on an empty one and twice. */
void secret_clear(struct secret *s);

/* Wipes bytes somewhere else, in a way the compiler keeps. p may be NULL when n is 0. */
void secret_wipe(void *p, size_t n);

/* True when both have the same bytes; time depends on the lengths alone. */
bool secret_equal(struct slice a, struct slice b);

static inline struct slice secret_slice(const struct secret *s)
{
    return (struct slice){s->p ? s->p : "", s->n};
}
