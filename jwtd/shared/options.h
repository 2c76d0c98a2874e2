/*
 * The command line of a daemon. Every daemon has --config=FILE, --check-config, --version and
 * --help; a table names the options that it has besides them.
 */
#pragma once

#include <stdbool.h>

#define DAEMON_OPTIONS_MAX 12

struct daemon_option {
    const char *name;   /* without the dashes */
    const char **value; /* --name=VALUE is stored here; NULL: the option is a flag */
    bool *flag;         /* set to true by --name */
};

struct daemon_program {
    const char *name;  /* "jwtd" */
    const char *usage; /* the whole text of --help */
    /* At most DAEMON_OPTIONS_MAX; a row without a name ends the table. */
    const struct daemon_option *options;
};

/* Reads the command line. True: go on, with the settings file *ret_config. False: exit with
 * *ret_code: 0 after --version, --help and a --check-config that found no error, 1 after one
 * that did, 2 when the command line is wrong, which standard error explains. */
bool daemon_options_read(int argc, char **argv, const struct daemon_program *program,
                         const char **ret_config, int *ret_code);
