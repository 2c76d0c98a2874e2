/*
 * The directory of the client's state: $XDG_STATE_HOME/jwt, by default ~/.local/state/jwt.
 *
 * It is opened component by component, and each must be a directory of root or of the effective
 * user that not every user can write to, unless it is sticky. Symbolic links of root are
 * followed up to HOME or XDG_STATE_HOME, and none below. HOME itself must belong to the
 * effective user: sudo and su can leave another user's in the environment. Where one of these
 * does not hold, nothing is created or changed.
 */
#pragma once

#include "common/base/error.h"

/* *ret_fd: the directory, mode 0700; -1 when it is missing and not to be created. *ret_path is
 * malloc'ed. TOK_FILE with a message. */
enum tok_err state_dir_open(bool create, int *ret_fd, char **ret_path,
                            struct errmsg *errmsg) MUST_CHECK;
