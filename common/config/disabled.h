/*
 * The switch that turns token logins off on a host: while anything has the name DISABLED_PATH,
 * pam_jwt refuses every token, and `jwtctl verify` reports the same. Passwords and the daemons
 * are not affected.
 */
#pragma once

#include "common/base/error.h"

#define DISABLED_PATH "/etc/jwt/disabled"

/* TOK_OK: there is no such name. TOK_DISABLED: there is, a file, directory or link of any owner
 * and content. TOK_FILE: this cannot be determined, so tokens must be refused. The errors come
 * with a sentence. */
enum tok_err disabled_check(struct errmsg *errmsg) MUST_CHECK;
