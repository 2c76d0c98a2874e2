/*
 * What the PAM stack of a service contains, found as libpam finds it: the service file, or
 * "other"; @include, include and substack followed. Only lines of type auth count. The files
 * belong to the administrator and are trusted as libpam trusts them.
 */
#pragma once

#include <stdbool.h>

#define PAM_FAILLOCK_DIR "/run/faillock"

/* Calls visit with the directory of the tallies (dir= of the line, of faillock.conf, or the
 * default) for each line of pam_faillock, until it returns false. False when it did, or when a
 * file exists and cannot be read. confdir: where the service files are; NULL: /etc/pam.d and
 * /usr/lib/pam.d. */
bool pam_stack_each_faillock(const char *service, const char *confdir,
                             bool (*visit)(void *arg, const char *dir), void *arg);
