/*
 * Command line options as a table: a row for each option, an empty row at the end.
 */
#pragma once

#include "common/base/error.h"

#define OPTION_ROWS_MAX 8

/* Exactly one of flag, value and parse is set. */
struct option_row {
    const char *name;   /* without the dashes */
    bool *flag;         /* the option takes no value: set to true */
    const char **value; /* set to the value, the last one given */
    /* Called for each value. EXIT_SUCCESS, or the exit status after an error it has printed. */
    int (*parse)(const char *command, const char *value, void *arg);
    void *arg;
};

/* max_operands: the arguments from the first operand on are another command's. */
#define ARGUMENTS_COMMAND (-1)

/* Reads the options; optind is the first operand then. EXIT_SUCCESS; otherwise an error was
 * printed and its exit status is returned. */
int arguments_parse(int argc, char **argv, const struct option_row *rows,
                    int max_operands) MUST_CHECK;
