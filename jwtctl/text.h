/*
 * A text that grows in memory that is wiped: requests with a password in them, the cache,
 * lines of JSON. A failed allocation is remembered and told once, by text_err at the end.
 */
#pragma once

#include "common/base/secret.h"

struct text {
    struct secret room;
    size_t n; /* bytes used */
    bool failed;
};

void text_clear(struct text *t);
void text_add(struct text *t, struct slice bytes);
void text_puts(struct text *t, const char *s);

/* For a terminal, what others have chosen: printable ASCII without blanks, all else is '?';
 * nothing at all is "-". */
void text_plain(struct text *t, struct slice bytes);

/* As a JSON string with its quotes. Bytes over 0x7f go out as they are: whoever reads it
 * judges the UTF-8. */
void text_json(struct text *t, struct slice bytes);
void text_json_int(struct text *t, int64_t value);

/* A well-formed JSON value without the blanks between its parts; strings and numbers keep
 * their spelling. */
void text_compact(struct text *t, struct slice json);

struct slice text_slice(const struct text *t);
enum tok_err text_err(const struct text *t) MUST_CHECK;

/* Writes it and a newline to standard output, and flushes. False when that failed (told). */
bool text_print_line(struct text *t) MUST_CHECK;

/* The decoded bytes of a string member of a JSON object. TOK_JSON when there is none. */
enum tok_err text_member(struct slice json, const char *name, struct secret *ret) MUST_CHECK;

/* A whole number that is a member of a JSON object. TOK_JSON when there is none. */
enum tok_err text_integer(struct slice json, const char *name, int64_t *ret) MUST_CHECK;
