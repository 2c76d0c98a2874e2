/*
 * A table of text in aligned columns, for standard output. Cells are text of unknown origin:
 * characters that are not safe for a terminal (safe_text.h) become '?'.
 */
#pragma once

#include <stddef.h>

#define TABLE_COLUMNS_MAX 10

struct table_column {
    const char *heading;
    size_t max; /* character cells; a longer text is cut and ends in "..". 0: any */
};

struct table {
    const struct table_column *columns;
    size_t n_columns;
    char **cells; /* row by row */
    size_t n;
};

/* Appends the next cell. NULL and "": "-". */
void table_add(struct table *t, const char *text);

/* Prints and clears it. */
void table_print(struct table *t);
