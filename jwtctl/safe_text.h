/*
 * Text of unknown origin for a terminal. Not safe are the C0 and C1 control characters and DEL,
 * characters that change the direction of text or are invisible, line and paragraph separators,
 * and bytes that are no UTF-8.
 */
#pragma once

#include "common/base/slice.h"

#include <stdio.h>

struct safe_character {
    struct slice bytes; /* at least one */
    uint32_t code;      /* U+FFFD for a byte that is no UTF-8 */
    bool safe;
};

/* Takes the next character off the text. False at its end. */
bool safe_text_next(struct slice *text, struct safe_character *ret);

/* Prints the text with '?' for each character that is not safe. */
void safe_text_print(FILE *out, struct slice text);

/* Prints JSON text with such characters as \u escapes, which in strings mean the same, and
 * white space between the strings as spaces. */
void safe_text_print_json(FILE *out, struct slice json);
