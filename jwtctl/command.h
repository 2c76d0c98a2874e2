/*
 * The commands of jwtctl: one row each in commands.c, from which help and completions are made
 * too; command_X() is in command_X.c, where commands of one group ("key list", "key new") share
 * a file. A command gets its own argument vector, with argv[0] the name that messages start
 * with
 * ("jwtctl login"), and returns the exit status of the program. Answers go to standard output,
 * errors to standard error.
 */
#pragma once

#include <stdbool.h>
#include <stdlib.h>

/* EXIT_SUCCESS is 0. EXIT_FAILURE, 1: refused (an invalid token, a wrong password, no session),
 * or the server is unreachable. */
#define EXIT_USAGE 2  /* the command line is wrong */
#define EXIT_CONFIG 3 /* keys or settings are missing, unreadable or wrong */

typedef int command_fn(int argc, char **argv);

struct command {
    const char *group; /* the first of two words, or NULL */
    const char *name;
    const char *operands; /* after the options: "[USER]"; completions know the words in capitals
                             (see complete.c) */
    const char *summary;
    command_fn *run; /* reads its options by arguments_parse() */
};

/* The table; the last row is empty. */
extern const struct command commands[];

/* The command that the first argument names, or the first two; NULL: none. *ret_words: the
 * number of these arguments. */
const struct command *command_find(int argc, char **argv, int *ret_words);

/* The command whose argv[0] this is, "jwtctl key list". */
const struct command *command_of(const char *name);

/* Runs the command that the arguments name. */
int run_command(int argc, char **argv);

bool command_is_group(const char *word);

/* "key list". */
#define COMMAND_NAME_MAX 32
const char *command_name(const struct command *c, char ret[COMMAND_NAME_MAX]);

/* Prints an error about arguments that name no command, with the nearest one, and exits with
 * EXIT_USAGE. */
void command_unknown(int argc, char **argv) __attribute__((noreturn));

command_fn command_askpass, command_config_check, command_config_apply_names,
    command_config_show, command_doctor, command_help, command_issue, command_key_export,
    command_key_import, command_key_list, command_key_new, command_key_new_epoch,
    command_key_retire, command_key_rotate, command_login, command_logout, command_revoke,
    command_run, command_servers, command_sessions, command_sessions_end, command_show,
    command_status, command_store_copy, command_store_migrate, command_sync, command_token,
    command_use, command_verify;
