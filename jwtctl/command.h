/*
 * What jwtctl can do: one row a command in main.c, one file a command. A command gets its own
 * argument vector (argv[0] is what messages start with, "jwtctl login") and returns the exit
 * status of the program. Answers go to standard output, complaints to standard error.
 */
#pragma once

#include <stdlib.h>

/* EXIT_SUCCESS 0, EXIT_FAILURE 1: no (a refused token, a wrong password, no session). */
#define EXIT_USAGE 2  /* the command line is wrong */
#define EXIT_BROKEN 3 /* keys or settings are out of reach or wrong */

int command_askpass(int argc, char **argv);
int command_config_check(int argc, char **argv);
int command_config_show(int argc, char **argv);
int command_key_export(int argc, char **argv);
int command_key_import(int argc, char **argv);
int command_key_list(int argc, char **argv);
int command_key_new(int argc, char **argv);
int command_key_retire(int argc, char **argv);
int command_key_rotate(int argc, char **argv);
int command_login(int argc, char **argv);
int command_logout(int argc, char **argv);
int command_revoke(int argc, char **argv);
int command_run(int argc, char **argv);
int command_sessions(int argc, char **argv);
int command_show(int argc, char **argv);
int command_status(int argc, char **argv);
int command_token(int argc, char **argv);
int command_verify(int argc, char **argv);

/* askpass without jwtctl's own words in front: what ssh and sudo start. */
int askpass_answer(const char *prompt);
