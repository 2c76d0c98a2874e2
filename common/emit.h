/*
 * Compact JSON out, into room the caller has. What is written is always counted, and only what
 * fits is written: a first pass over no room at all gives the size, a second one fills exactly
 * that. So a secret among the values is never left behind in a buffer that grew.
 */
#pragma once

#include "error.h"

struct emit {
    char *p;     /* NULL: count only */
    size_t size; /* room at p */
    size_t n;    /* bytes so far; over size: some did not fit */
    bool inside; /* the object has a member already */
};

/* As they are. */
void emit_bytes(struct emit *out, struct slice bytes);

/* A C string as it is: punctuation, true. */
void emit_text(struct emit *out, const char *text);

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
