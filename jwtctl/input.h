/*
 * Tokens and keys from standard input, byte for byte: NULs and newlines count. What exceeds the
 * longest token is read and dropped, so that the writer gets no SIGPIPE and memory stays
 * bounded.
 */
#pragma once

#include "common/base/secret.h"
#include "common/token/policy.h"

/* Longer than any policy allows: a token cut to this length is refused for its length. */
#define INPUT_MAX (POLICY_LENGTH_MAX + 2)

struct input {
    struct secret buffer; /* of stdin, so that it can be wiped */
    struct secret text;   /* what was read last */
};

/* Only once in a process: input_close closes stdin. */
void input_open(struct input *ret);
void input_close(struct input *in);

/* All of it without one final newline. *ret lives until the next call. TOK_FILE with a message:
 * a read failed. */
enum tok_err input_whole(struct input *in, struct slice *ret, struct errmsg *errmsg) MUST_CHECK;

/* The next line without its newline, which the last line need not have. At the end ret->p is
 * NULL. */
enum tok_err input_line(struct input *in, struct slice *ret, struct errmsg *errmsg) MUST_CHECK;
