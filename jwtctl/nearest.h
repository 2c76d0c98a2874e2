/*
 * "Did you mean": the word of a list that a mistyped one is nearest to.
 */
#pragma once

#include <stdbool.h>

/* Set word, then try each word of the list. */
struct nearest {
    const char *word;
    const char *found; /* NULL: none is near, or two are equally near */
    int edits;
    bool ambiguous;
};

void nearest_try(struct nearest *n, const char *candidate);

/* Three arguments for "%s%s%s": "; did you mean 'WORD'?", or nothing. */
#define NEAREST_HINT(n, prefix)                                                                \
    (n).found ? "; did you mean '" prefix : "", (n).found ? (n).found : "",                    \
        (n).found ? "'?" : ""
