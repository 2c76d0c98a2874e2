/*
 * A row of a command's options; the table ends with an empty row. Parser (arguments.h), help
 * and completions read the same rows.
 */
#pragma once

#include <stdbool.h>

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
