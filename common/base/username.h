/* The names of local users that a token, a setting or a request may name. */
#pragma once

#include "common/base/slice.h"

#define USER_NAME_MAX 255 /* bytes */
#define USER_NAME_FORM                                                                         \
    "1 to 255 bytes of UTF-8 without '/', ':', blanks, control and invisible characters, not " \
    "beginning with '-'"

/* True for a name of this form but "." and "..". Whether there is such an account is for
 * getpwnam, which must return the same bytes. */
bool username_valid(struct slice name);
