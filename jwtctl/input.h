/*
 * Tokens from a descriptor, byte for byte: NUL and newlines count. What is over the longest
 * token is read and thrown away, so that the writer never gets a broken pipe and memory stays
 * bounded.
 */
#pragma once

#include "common/base/secret.h"
#include "common/token/policy.h"

struct input {
    int fd;
    struct secret chunk; /* read ahead */
    size_t at, end;      /* within the chunk */
    struct secret token; /* the last one; longer ones are cut to INPUT_MAX */
    size_t n;            /* its bytes */
};

/* More than any policy takes: a token cut to this is refused for its length. */
#define INPUT_MAX (POLICY_LENGTH_MAX + 2)

enum tok_err input_open(int fd, struct input *ret) MUST_CHECK;
void input_close(struct input *in);

/* All that is left; exactly one final newline is taken off. TOK_FILE: read failed. */
enum tok_err input_whole(struct input *in, struct slice *ret, struct errmsg *errmsg) MUST_CHECK;

/* The next line without its newline; *ret_end when there is none. A last line without a newline
 * is one, unless it is empty. */
enum tok_err input_line(struct input *in, struct slice *ret, bool *ret_end,
                        struct errmsg *errmsg) MUST_CHECK;
