/*
 * Command line options as a table: a row for each option, an empty row at the end. Parser, help
 * and completions read the same rows.
 */
#pragma once

#include "common/base/error.h"

#define OPTION_ROWS_MAX 24

/* Exactly one of flag, value and parse is set. */
struct option_row {
    const char *name;     /* without the dashes */
    const char *argument; /* names its value in help: "FILE"; completions know some of these
                             words (see complete.c). NULL: it takes no value. */
    const char *help;     /* in one line */
    char letter;          /* the short form; 0: none */
    bool *flag;           /* set to true */
    const char **value;   /* set to the value, the last one given */
    /* Called for each value; ends by bad_usage() when it is wrong. */
    void (*parse)(const char *command, const char *value, void *arg);
    void *arg;
};

/* -o json and -o text, and --json, for *to, a bool. */
#define OPTION_OUTPUT(to)                                                                      \
    {"output", "json|text",           "print JSON, or text (the default)",                     \
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
