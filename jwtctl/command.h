/*
 * The commands of jwtctl: one row each in main.c; command_X() is in command_X.c, where commands
 * of one group ("key list", "key new") share a file. A command gets its own argument vector,
 * with argv[0] the name that messages start with ("jwtctl login"), and returns the exit status
 * of the program. Answers go to standard output, errors to standard error.
 */
#pragma once

#include <stdbool.h>
#include <stdlib.h>

/* EXIT_SUCCESS is 0. EXIT_FAILURE, 1: refused (an invalid token, a wrong password, no session),
 * or the server is unreachable. */
#define EXIT_USAGE 2  /* the command line is wrong */
#define EXIT_CONFIG 3 /* keys or settings are missing, unreadable or wrong */

typedef int command_fn(int argc, char **argv);

command_fn command_askpass, command_config_check, command_config_show, command_doctor,
    command_key_export, command_key_import, command_key_list, command_key_new,
    command_key_new_epoch, command_key_retire, command_key_rotate, command_login,
    command_logout, command_revoke, command_run, command_sessions, command_show, command_status,
    command_sync, command_token, command_verify;
