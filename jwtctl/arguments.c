#include "jwtctl/arguments.h"

#include "jwtctl/command.h"
#include "jwtctl/output.h"

#include <getopt.h>

/* getopt returns the number of the row, counted from 1, which is never '?' or -1. */
static int make_long_options(const struct option_row *rows, struct option *ret)
{
    int n = 0;

    for (; rows[n].name && n < OPTION_ROWS_MAX; n++)
        ret[n] = (struct option){rows[n].name, rows[n].flag ? no_argument : required_argument,
                                 NULL, n + 1};
    return n;
}

static int apply_option(const char *command, const struct option_row *row)
{
    if (row->flag)
        *row->flag = true;
    else if (row->value)
        *row->value = optarg;
    else
        return row->parse(command, optarg, row->arg);
    return EXIT_SUCCESS;
}

int arguments_parse(int argc, char **argv, const struct option_row *rows, int max_operands)
{
    struct option long_options[OPTION_ROWS_MAX + 1] = {0};
    int n = make_long_options(rows, long_options), c, status;

    while ((c = getopt_long(argc, argv, max_operands == ARGUMENTS_COMMAND ? "+" : "",
                            long_options, NULL)) != -1) {
        if (c < 1 || c > n)
            return EXIT_USAGE; /* getopt has printed the error */
        status = apply_option(argv[0], &rows[c - 1]);
        if (status)
            return status;
    }
    if (max_operands != ARGUMENTS_COMMAND && argc - optind > max_operands)
        return bad_usage(argv[0], "unexpected argument '%s'", argv[optind + max_operands]);
    return EXIT_SUCCESS;
}
