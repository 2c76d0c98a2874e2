/*
 * A writer of compact JSON into a buffer of the caller. Bytes that do not fit are counted, not
 * written: a first pass without a buffer yields the size, a second one fills a buffer of
 * exactly that size. So a buffer never grows, and no copy of a secret is left in an old one.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/secret.h"

struct emit {
    char *p;     /* NULL: only count */
    size_t size; /* room at p */
    size_t n;    /* bytes so far; more than size: some did not fit */
    bool inside; /* the object has a member: the next one needs a comma */
};

/* Bytes or a C string as they are, without quotes. */
void emit_bytes(struct emit *out, struct slice bytes);
void emit_text(struct emit *out, const char *text);

/* A JSON string. The bytes must be UTF-8; quote, backslash and control characters are escaped
 * (RFC 8259 7). */
void emit_string(struct emit *out, struct slice bytes);

void emit_integer(struct emit *out, int64_t value);

/* base64url letters, without quotes. */
void emit_base64url(struct emit *out, struct slice bytes);

/* '{' and '}' */
void emit_begin(struct emit *out);
void emit_end(struct emit *out);

/* A comma if needed, the name and ':'. The caller emits the value. */
void emit_member(struct emit *out, const char *name);

/* A member with a string as its value; the second one encodes it in base64url. */
void emit_member_string(struct emit *out, const char *name, struct slice value);
void emit_member_base64url(struct emit *out, const char *name, struct slice value);

/* What fn writes, each time the same, as text of just this size. *ret must be empty.
 * TOK_NO_MEMORY. */
typedef void emit_fn(struct emit *out, const void *arg);
enum tok_err emit_secret(emit_fn *fn, const void *arg, struct secret *ret) MUST_CHECK;
