/*
 * The command line of ssh(1), in its parts.
 */
#pragma once

#include <stddef.h>

/* Words of an argument vector, which ends with NULL. */
struct word_vector {
    char **v;
    size_t n;
};

void words_add(struct word_vector *w, const char *text);
void words_clear(struct word_vector *w);

/* Adds the options of argv that are about the connection, and not about the session in it
 * (-n, -s, -t, -T), and then "--" and the host. Ends the program by bad_usage() when there is
 * no host, or an option is unknown or excludes a session or a shared connection (such as -f, -M
 * and -W). */
void ssh_arguments_connection(int argc, char **argv, struct word_vector *ret);
