/*
 * application/x-www-form-urlencoded (WHATWG URL standard, 5.1), strictly: "name=value"
 * separated by '&'; '+' is a space, %XX a byte, and the decoded text must be UTF-8. A percent
 * sign without two hexadecimal digits, a control character or a byte beyond ASCII is an error.
 */
#pragma once

#include "common/base/slice.h"

struct form {
    struct slice bytes;
    char *room; /* of the caller, as large as bytes; moved past the values decoded into it */
    size_t at;  /* bytes read */
    const char *fault; /* what is wrong; NULL: nothing */
};

/* The next pair, decoded into the room. False at the end and at an error. */
bool form_next(struct form *form, struct slice *ret_name, struct slice *ret_value);

/* Well-formed UTF-8 (RFC 3629 4). */
bool form_is_utf8(struct slice s);
