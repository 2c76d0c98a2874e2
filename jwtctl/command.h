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

int command_askpass(int argc, char **argv);
int command_config_check(int argc, char **argv);
int command_config_show(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_key_export(int argc, char **argv);
int command_key_import(int argc, char **argv);
int command_key_list(int argc, char **argv);
int command_key_new(int argc, char **argv);
int command_key_new_epoch(int argc, char **argv);
int command_key_retire(int argc, char **argv);
int command_key_rotate(int argc, char **argv);
int command_login(int argc, char **argv);
int command_logout(int argc, char **argv);
int command_revoke(int argc, char **argv);
int command_run(int argc, char **argv);
int command_sessions(int argc, char **argv);
int command_show(int argc, char **argv);
int command_status(int argc, char **argv);
int command_sync(int argc, char **argv);
int command_token(int argc, char **argv);
int command_verify(int argc, char **argv);
