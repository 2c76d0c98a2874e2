/*
 * --help, made from the table of the commands and the tables of their options.
 */
#pragma once

#include "jwtctl/option_row.h"

#include <stdio.h>

/* The commands; of one group only, unless it is NULL. */
void print_help(FILE *out, const char *group);

/* name: as in messages, "jwtctl login". */
void print_command_help(const char *name, const struct option_row *rows);
