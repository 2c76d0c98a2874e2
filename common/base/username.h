/* The names of local users that a token, a setting or a request may name. */
#pragma once

#include "common/base/slice.h"

#define USER_NAME_MAX 255 /* bytes */

/* True for a portable user name (POSIX.1-2017 3.437) that may also end in '$': 1 to
 * USER_NAME_MAX bytes of letters, digits, '.', '_' and '-', not beginning with '-', not digits
 * alone (programs take those for a uid), not "." or "..". */
bool username_valid(struct slice name);
