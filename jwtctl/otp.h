/*
 * The one-time code of a login: from the terminal, or from a command that prints it.
 */
#pragma once

#include "common/base/secret.h"

/* Asks at the terminal, without echo. TOK_FILE with a message, here and below. */
enum tok_err otp_ask(const char *user, struct secret *ret, struct errmsg *errmsg) MUST_CHECK;

/* Runs `/bin/sh -c COMMAND` with standard input from /dev/null, and reads the first line that
 * it prints. Nothing of the login is passed to it. */
enum tok_err otp_run(const char *command, struct secret *ret, struct errmsg *errmsg) MUST_CHECK;
