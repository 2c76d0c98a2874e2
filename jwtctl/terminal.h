/*
 * Secrets from a person or a pipe, straight into wiped memory, past stdio's buffers.
 */
#pragma once

#include "common/base/secret.h"

#define TERMINAL_LINE_MAX 4096 /* bytes of a line that is taken */

/* Writes the prompt to /dev/tty and reads a line from it, without its newline; with echo off
 * the terminal is as before afterwards, also when a signal ends the program. TOK_FILE: no
 * terminal, end of file, or a line that is too long. */
enum tok_err terminal_ask(const char *prompt, bool echo, struct secret *ret,
                          struct errmsg *errmsg) MUST_CHECK;

/* One line of a descriptor, without its newline; the end of the file ends it too. Nothing past
 * the newline is read. TOK_FILE: nothing there, too long, or the read failed. */
enum tok_err terminal_read_line(int fd, struct secret *ret, struct errmsg *errmsg) MUST_CHECK;
