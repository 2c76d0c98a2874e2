/*
 * Argument vectors for ssh(1) and other programs.
 */
#pragma once

#include <stdbool.h>

/* argv with more behind argv[0]; malloc'ed. more ends with NULL. */
char **arguments_insert(int argc, char **argv, const char *const *more);

/* The index behind the host and the options of ssh, which may stand behind the host, too. Ends
 * the program by bad_usage() when there is no host, or an option is unknown or excludes a
 * session or a shared connection (such as -f, -M and -W). With change, options about the
 * session
 * (-n, -s, -t) become -T in place. */
int ssh_arguments_command(int argc, char **argv, bool change);
