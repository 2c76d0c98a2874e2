/* The table of stacks and cases against real libpam: which cell opens follows from matrix.h's
 * two lists, and each phase's code is the one that is kept as data.
 *
 *     tests/pam/run BUILD matrix        prints the table anew, for the data */
#include "tests/pam/matrix.h"

#include <stdio.h>
#include <string.h>

#define LINE_SIZE 256
#define OPEN_SESSION 3

static bool opened(const struct matrix_cell *cell)
{
    return cell->code[OPEN_SESSION] == PAM_SUCCESS;
}

static bool should_open(const struct matrix_stack *stack, const struct matrix_case *c)
{
    return (c->needs & stack->takes) == c->needs;
}

static void write_line(const struct matrix_stack *stack, const struct matrix_case *c,
                       const struct matrix_cell *cell, char line[LINE_SIZE])
{
    int n = snprintf(line, LINE_SIZE, "%s\t%s\t%s", stack->name, c->name,
                     opened(cell) ? "yes" : "no");

    for (size_t i = 0; i < MATRIX_PHASES; i++)
        n += snprintf(line + n, LINE_SIZE - (size_t)n, "\t%s", matrix_code_name(cell->code[i]));
    (void)snprintf(line + n, LINE_SIZE - (size_t)n, "\n");
}

/* The data's line for this cell; false: there is none. */
static bool read_line(const char *stack, const char *name, char line[LINE_SIZE])
{
    char start[LINE_SIZE];
    FILE *f = fopen(getenv("PAM_MATRIX_DATA"), "re");
    bool found = false;

    ck_assert_msg(f != NULL, "PAM_MATRIX_DATA can't be read");
    (void)snprintf(start, sizeof(start), "%s\t%s\t", stack, name);
    while (!found && fgets(line, LINE_SIZE, f))
        found = strncmp(line, start, strlen(start)) == 0;
    (void)fclose(f);
    return found;
}

/* How many of a stack's cells are wrong; each is printed. */
static size_t wrong_cells(const struct matrix_stack *stack)
{
    size_t wrong = 0;

    for (size_t i = 0; i < matrix_n_cases; i++) {
        const struct matrix_case *c = &matrix_cases[i];
        struct matrix_cell cell = matrix_run(stack, c);
        char line[LINE_SIZE], want[LINE_SIZE] = "nothing\n";
        bool known = read_line(stack->name, c->name, want);

        write_line(stack, c, &cell, line);
        if (known && strcmp(line, want) == 0 && opened(&cell) == should_open(stack, c))
            continue;
        (void)printf("# %s# should %sopen; the data says %s", line,
                     should_open(stack, c) ? "" : "not ", want);
        wrong++;
    }
    (void)fflush(stdout);
    return wrong;
}

START_TEST(every_cell_of_a_stack_is_as_the_table_says)
{
    const struct matrix_stack *stack = &matrix_stacks[_i];
    size_t wrong = wrong_cells(stack);

    ck_assert_msg(wrong == 0, "%s: %zu of %zu cells differ", stack->name, wrong,
                  matrix_n_cases);
}
END_TEST

START_TEST(the_data_has_no_cell_that_is_not_run)
{
    FILE *f = fopen(getenv("PAM_MATRIX_DATA"), "re");
    char line[LINE_SIZE];
    size_t n = 0;

    ck_assert_msg(f != NULL, "PAM_MATRIX_DATA can't be read");
    while (fgets(line, sizeof(line), f))
        n++;
    (void)fclose(f);
    (void)printf("# %zu stacks x %zu cases, %zu cells\n", matrix_n_stacks, matrix_n_cases,
                 n - 1);
    (void)fflush(stdout);
    ck_assert_uint_eq(n, 1 + matrix_n_stacks * matrix_n_cases);
}
END_TEST

START_TEST(the_table_is_printed)
{
    FILE *f = fopen(getenv("PAM_MATRIX_PRINT"), "ae");

    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i < matrix_n_cases; i++) {
        struct matrix_cell cell = matrix_run(&matrix_stacks[_i], &matrix_cases[i]);
        char line[LINE_SIZE];

        write_line(&matrix_stacks[_i], &matrix_cases[i], &cell, line);
        ck_assert_int_ge(fputs(line, f), 0);
    }
    ck_assert_int_eq(fclose(f), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_data_has_no_cell_that_is_not_run};
    struct unit_loop loop = {every_cell_of_a_stack_is_as_the_table_says, (int)matrix_n_stacks};

    if (!getenv("PAM_MATRIX_PRINT"))
        return rig_run_all("pam_matrix", tests, 1, &loop, 1);
    loop.test = the_table_is_printed;
    return rig_run_all("pam_matrix", NULL, 0, &loop, 1);
}
