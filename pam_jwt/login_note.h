/*
 * The end of the token that opened a login, for session_limit. Where a program authenticates in
 * a child process (sshd's keyboard-interactive), the parent that opens the session has only the
 * PAM environment, which pam_env can change by a user's file. So each accepted token leaves a
 * file in LOGIN_NOTES, named by the process id and start time of the parent, with the token's
 * exp as its mtime.
 *
 * Without root, or without /run/jwt, there are no notes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LOGIN_NOTES "/run/jwt/logins" /* of root, 0700 */

/* Writes the note for this process, or removes it (exp 0). Removes those of expired tokens. */
void login_note_set(pid_t session, int64_t exp);

/* The note for this process. False: no child of it left one. */
bool login_note_read(pid_t session, int64_t *ret_exp);
