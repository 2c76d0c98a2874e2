/*
 * A pointer to bytes and their length; it does not own them. A slice may hold NUL and need not
 * end in one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *p; /* may be NULL when n is 0 */
    size_t n;
};

/* The slice of a string literal. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

/* The slice of a C string. */
static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

/* Not in constant time: secrets are compared by secret_equal. Names mostly differ in the first
 * byte, and then memcmp is not called. */
static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || (a.p[0] == b.p[0] && memcmp(a.p, b.p, a.n) == 0));
}

/* Compares with a C string. A NUL among the bytes is an ordinary byte. The first byte is
 * compared first, which mostly avoids strlen. */
static inline bool slice_is(struct slice a, const char *s)
{
    return (a.n == 0 || a.p[0] == s[0]) && slice_eq(a, slice_of(s));
}

/* What follows the first n bytes; n is at most s.n. */
static inline struct slice slice_skip(struct slice s, size_t n)
{
    return n > 0 ? (struct slice){s.p + n, s.n - n} : s;
}

/* Splits at the first c, which goes into neither part. False when the text has no c; the
 * outputs are then untouched. Either may be the variable that text came from. */
bool slice_cut(struct slice text, char c, struct slice *ret_head, struct slice *ret_tail);

/* Reads a decimal number. False for an empty text, any other character, or over 64 bits. */
bool slice_digits(struct slice text, uint64_t *ret);

/* The length to print with "%.*s": that of the text, at most most. */
int slice_shown(struct slice text, size_t most);
