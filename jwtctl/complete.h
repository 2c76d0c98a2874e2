/*
 * Completions of the command line, which bash, zsh and fish ask for with
 *
 *     jwtctl __complete WORD...
 *
 * WORD... are those after "jwtctl" up to the cursor; the last one may be empty. Each line of
 * the answer is a word that can stand in its place; then a tab and an explanation, or nothing.
 * The line ":files" stands for the names of files; ":command N" says that the first N words are
 * jwtctl's, and another command follows.
 */
#pragma once

#include "jwtctl/command.h"
#include "jwtctl/option_row.h"

#define COMPLETE "__complete"

/* The words are argv[1] and following. */
int complete_words(int argc, char **argv);

/* The same for the options and operands of a command. */
void complete_arguments(const struct command *c, int argc, char **argv,
                        const struct option_row *rows);
