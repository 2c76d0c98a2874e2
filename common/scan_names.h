/*
 * The names of one object of a JSON text, for scan alone: is one there twice? Few are kept as
 * they come; more are sorted, which, unlike hashing, leaves nobody names to choose that make it
 * slow.
 */
#pragma once

#include "scan.h"

/* A name by its place in the text. */
struct scan_name {
    uint32_t at, n; /* quotes included */
    bool escaped;
    uint64_t begin; /* its first eight bytes as they are spelled */
};

/* Adds a name of text to the n of its object, which has room. False, and nothing is added: it
 * is among them, compared after escapes. */
bool scan_names_add(struct scan_name *names, size_t n, const struct scan_value *name,
                    struct slice text) MUST_CHECK;
