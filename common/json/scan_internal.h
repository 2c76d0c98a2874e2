/* What the scan*.c files share. */
#pragma once

#include "common/json/json.h"

/* What scan_string_check() found in a string. */
struct scan_string_seen {
    const char *lone;   /* the backslash of the first lone surrogate, or NULL */
    uint32_t lone_code; /* its code */
    const char *bad;    /* when the string was refused: where */
    const char *what;   /* and why; static */
};

/* Checks the string whose opening quote is at; at is before end. *ret is the string with its
 * quotes. A lone surrogate is no error here: whether it is one depends on what the string is.
 * TOK_JSON. */
enum tok_err scan_string_check(const char *at, const char *end, struct scan_value *ret,
                               struct scan_string_seen *seen) MUST_CHECK;

/* The end of a checked string whose opening quote is at: behind its closing quote. */
const char *scan_string_end(const char *at);

/* Compares the decoded bytes of two checked strings by their opening quotes: below, equal to or
 * above 0. Neither may have a lone surrogate. */
int scan_string_order(const char *a, const char *b) MUST_CHECK;

/* The type of the value whose first byte this is; SCAN_NUMBER when it starts no other. */
enum scan_type scan_type_of(int first);
