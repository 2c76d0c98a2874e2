#include "jwtctl/table.h"

#include "jwtctl/output.h"
#include "jwtctl/safe_text.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#define CUT ".."
#define GAP 2 /* spaces between columns */

void table_add(struct table *t, const char *text)
{
    char **longer = reallocarray(t->cells, t->n + 1, sizeof(*longer));
    char *copy = longer ? strdup(text && text[0] ? text : "-") : NULL;

    if (!copy)
        out_of_memory();
    t->cells = longer;
    t->cells[t->n++] = copy;
}

/* Of a safe character: 2 for East Asian ones, 0 for combining ones. */
static size_t cells_of(const struct safe_character *c)
{
    int n = c->safe ? wcwidth((wchar_t)c->code) : 1;

    return n < 0 ? 1 : (size_t)n;
}

/* The cells of the whole text, or of what fits into max. *ret_bytes: of that. */
static size_t measure(const char *text, size_t max, size_t *ret_bytes)
{
    struct slice rest = slice_of(text);
    struct safe_character c;
    size_t width = 0;

    while (safe_text_next(&rest, &c)) {
        size_t n = cells_of(&c);

        if (width + n > max)
            break;
        width += n;
        *ret_bytes = (size_t)(rest.p - text);
    }
    return width;
}

/* Prints the text, cut to max, and returns its width. */
static size_t print_cell(const char *text, size_t max, bool print)
{
    size_t bytes = 0, width = measure(text, SIZE_MAX, &bytes);
    bool cut = max > 0 && width > max;

    if (cut)
        width = measure(text, max - strlen(CUT), &bytes) + strlen(CUT);
    if (print) {
        safe_text_print(stdout, (struct slice){text, bytes});
        printf("%s", cut ? CUT : "");
    }
    return width;
}

static const char *cell_at(const struct table *t, size_t row, size_t column)
{
    return row == 0 ? t->columns[column].heading : t->cells[(row - 1) * t->n_columns + column];
}

void table_print(struct table *t)
{
    size_t rows = 1 + t->n / t->n_columns, widths[TABLE_COLUMNS_MAX] = {0};

    /* For wcwidth(). */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    for (size_t i = 0; i < rows * t->n_columns; i++) {
        size_t column = i % t->n_columns;
        size_t width =
            print_cell(cell_at(t, i / t->n_columns, column), t->columns[column].max, false);

        if (width > widths[column])
            widths[column] = width;
    }
    for (size_t i = 0; i < rows * t->n_columns; i++) {
        size_t column = i % t->n_columns;
        size_t width =
            print_cell(cell_at(t, i / t->n_columns, column), t->columns[column].max, true);

        if (column + 1 < t->n_columns)
            printf("%*s", (int)(widths[column] - width + GAP), "");
        else
            putchar('\n');
    }
    for (size_t i = 0; i < t->n; i++)
        free(t->cells[i]);
    free(t->cells);
    *t = (struct table){0};
}
