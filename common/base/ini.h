/*
 * The lines of a settings file, in systemd's INI spelling, read strictly. Blanks (spaces and
 * tabs) around a line, a key and a value do not count; '#' and ';' begin a comment as a line's
 * first mark alone; nothing is quoted, escaped or continued. Refused, with file, line and
 * cause: a byte order mark, bad UTF-8 (RFC 3629), control characters (NUL and carriage return
 * among them), a trailing backslash, a line that is neither section nor KEY=VALUE, a key before
 * the first section. What the sections and keys mean is the caller's question.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

struct ini {
    const char *name;  /* the file's, for sentences */
    struct slice rest; /* not read yet */
    unsigned line;     /* the number of the line read last, from 1 */
    bool in_section;
};

enum ini_kind { INI_END, INI_SECTION, INI_KEY };

/* Slices of the text. */
struct ini_line {
    enum ini_kind kind;
    struct slice section;    /* between the brackets */
    struct slice key, value; /* value.p is never NULL */
};

/* Refuses the line read last with a sentence: "FILE:LINE: ...". */
#define INI_REFUSE(ini, errmsg, fmt, ...)                                                      \
    errmsg_set(errmsg, TOK_SETTINGS, "%s:%u: " fmt, (ini)->name, (ini)->line, __VA_ARGS__)

/* The next line, its bytes checked, blanks at its ends taken off; for files of another form.
 * TOK_SETTINGS. */
enum tok_err ini_next_line(struct ini *ini, struct slice *ret, bool *ret_end,
                           struct errmsg *errmsg) MUST_CHECK;

/* Starts with {.name = ..., .rest = the text}. TOK_SETTINGS. */
enum tok_err ini_next(struct ini *ini, struct ini_line *ret, struct errmsg *errmsg) MUST_CHECK;
