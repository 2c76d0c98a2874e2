/*
 * A process that answers one request. PAM modules and NSS run in it and nowhere else: it can
 * hang, crash and be killed without harm to the daemon.
 */
#pragma once

#include "jwtd/login/check.h"

/* Starts the process. Its pid, with the reading end of a pipe for its result in *ret_pipe, or
 * -errno. */
pid_t child_start(const struct check_setup *setup, const struct wire_message *request,
                  int *ret_pipe);

/* The result of a process that has exited with status 0. False when it is malformed: a module
 * may have corrupted the process. */
bool child_read(int pipe, struct check_verdict *ret);
