/*
 * A seccomp filter after which this process, and every program that it starts, cannot send
 * signals, and cannot change the limits or the priority of another process. It is installed
 * before PAM modules run: with uid 0, which pam_faillock needs, they could otherwise end any
 * process of root, and without it the checks of other users.
 */
#pragma once

#include <stdbool.h>

/* False, with errno set, when the kernel refuses it. It cannot be removed. */
bool signal_filter_install(void);
