/*
 * A strict reader of settings files in systemd's INI form. Spaces and tabs around a line, a key
 * and a value are ignored. A line that begins with '#' or ';' is a comment. There is no
 * quoting, no escaping and no continuation of lines. Errors, with file and line: a byte order
 * mark, bad UTF-8 (RFC 3629), control characters (including NUL and carriage return), a
 * backslash at the end of a line, a line that is neither [SECTION] nor KEY=VALUE, and a key
 * before the first section. Which sections and keys there are is up to the caller.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

/* Starts as {.name = ..., .rest = the text}. */
struct ini {
    const char *name;  /* of the file, for messages */
    struct slice rest; /* not read yet */
    unsigned line;     /* number of the line read last, from 1 */
    bool in_section;
};

enum ini_kind { INI_END, INI_SECTION, INI_KEY };

/* Slices of the text. */
struct ini_line {
    enum ini_kind kind;
    struct slice section;    /* between the brackets */
    struct slice key, value; /* value.p is never NULL */
};

/* Returns TOK_SETTINGS with a message about the line read last: "FILE:LINE: ...". */
#define INI_REFUSE(ini, errmsg, fmt, ...)                                                      \
    errmsg_set(errmsg, TOK_SETTINGS, "%s:%u: " fmt, (ini)->name, (ini)->line, __VA_ARGS__)

/* The next line, trimmed and checked for bad bytes only, for files in other forms.
 * TOK_SETTINGS. */
enum tok_err ini_next_line(struct ini *ini, struct slice *ret, bool *ret_end,
                           struct errmsg *errmsg) MUST_CHECK;

/* The next section or key. TOK_SETTINGS. */
enum tok_err ini_next(struct ini *ini, struct ini_line *ret, struct errmsg *errmsg) MUST_CHECK;
