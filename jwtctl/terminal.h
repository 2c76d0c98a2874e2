/*
 * Secrets from a terminal or a pipe, read without stdio into memory that is wiped.
 */
#pragma once

#include "common/base/secret.h"

#define TERMINAL_LINE_MAX 4096 /* bytes */

/* Writes the prompt to /dev/tty and reads a line, without its newline. Without echo, the
 * terminal's settings are restored also when a signal ends the program. TOK_FILE with a
 * message: no terminal, end of file, or a line that is too long. */
enum tok_err terminal_ask(const char *prompt, bool echo, struct secret *ret,
                          struct errmsg *errmsg) MUST_CHECK;

/* Reads one line, without its newline, which may be missing at the end of the file; nothing
 * after it is read. TOK_FILE with a message: end of file, too long, or a failed read. */
enum tok_err terminal_read_line(int fd, struct secret *ret, struct errmsg *errmsg) MUST_CHECK;
