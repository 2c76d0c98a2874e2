/*
 * Compact JSON out, into room the caller has. What is written is always counted, and only what
 * fits is written: a first pass over too little room, or none, gives the size, a second one
 * fills exactly that. So a secret among the values is never left behind in a buffer that grew.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

#include <string.h>

struct emit {
    char *p;     /* NULL: count only */
    size_t size; /* room at p */
    size_t n;    /* bytes so far; over size: some did not fit */
    bool inside; /* the object has a member already: a comma is due */
};

/* Where n more bytes go, or NULL when they have no room; counts them either way. */
static inline char *emit_take(struct emit *out, size_t n)
{
    bool fits = out->p && out->n <= out->size && n <= out->size - out->n;
    char *at = fits ? out->p + out->n : NULL;

    out->n += n;
    return at;
}

/* As they are. Inline, like the next: of a literal nothing is left but a few stores. */
static inline void emit_bytes(struct emit *out, struct slice bytes)
{
    char *at = emit_take(out, bytes.n);

    if (at && bytes.n)
        memcpy(at, bytes.p, bytes.n);
}

/* A C string as it is: punctuation, true. */
static inline void emit_text(struct emit *out, const char *text)
{
    emit_bytes(out, slice_of(text));
}

/* A JSON string with its quotes. Bytes must be UTF-8; quote, backslash and control characters
 * are escaped (RFC 8259 7). */
void emit_string(struct emit *out, struct slice bytes);

void emit_integer(struct emit *out, int64_t value);

/* base64url letters, without quotes. */
void emit_base64url(struct emit *out, struct slice bytes);

/* '{' */
void emit_begin(struct emit *out);

/* A comma where one is due, the name, ':'. The value is the caller's next call. */
void emit_member(struct emit *out, const char *name);

/* A whole member whose value is a string. */
void emit_member_string(struct emit *out, const char *name, struct slice value);

/* The same, its value in base64url. */
void emit_member_base64url(struct emit *out, const char *name, struct slice value);

/* '}' */
void emit_end(struct emit *out);
