/*
 * Reads the arguments of a command by the table of its options.
 */
#pragma once

#include "jwtctl/option_row.h"

/* -o json and -o text, and --json, for *to, a bool. */
#define OPTION_OUTPUT(to)                                                                      \
    {"output", "json|text",           "the form of what is printed",                           \
     'o',      .parse = parse_output, .arg = (to)},                                            \
    {                                                                                          \
        "json", NULL, "the same as -o json", .flag = (to)                                      \
    }

void parse_output(const char *command, const char *value, void *arg);

/* max_operands: the arguments from the first operand on are another command's. */
#define ARGUMENTS_COMMAND (-1)

/* Reads the options, also those that every command has: --quiet, unless another command is run,
 * --help and --version. optind is the first operand then. Ends the program after an error. */
void arguments_parse(int argc, char **argv, const struct option_row *rows, int max_operands);
