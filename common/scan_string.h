/*
 * Strings of JSON text (RFC 8259 7), for scan alone: checking one while it is read, and
 * ordering two that were checked. Nothing is copied or allocated.
 */
#pragma once

#include "scan.h"

/* What was met in a string on the way to its closing quote. */
struct scan_string_seen {
    const char *lone; /* the first lone surrogate's backslash, or NULL */
    uint32_t lone_code;
    const char *bad; /* when refused: where, and what (static) */
    const char *what;
};

/* at is an opening quote before end. Yields the string with its quotes. A lone surrogate is
 * told in *seen and refused by the caller, who knows what the string is. TOK_JSON. */
enum tok_err scan_string_check(const char *at, const char *end, struct scan_value *ret,
                               struct scan_string_seen *seen) MUST_CHECK;

/* Below, equal to or above 0 as a's decoded characters come before, equal or follow b's. Both
 * were checked and hold no lone surrogate. */
int scan_string_order(const struct scan_value *a, const struct scan_value *b) MUST_CHECK;
