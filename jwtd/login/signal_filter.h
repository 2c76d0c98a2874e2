/*
 * A seccomp filter after which this process, and every program that it starts, can send no
 * signal, and change no limit and no priority of another process. PAM modules run behind it:
 * under root's uid, which pam_faillock needs, they could end any process of root, and otherwise
 * the checks of other users.
 */
#pragma once

#include <stdbool.h>

/* False, with errno set, when the kernel refuses it. There is no way back. */
bool signal_filter_install(void);
