/*
 * application/x-www-form-urlencoded (the WHATWG URL standard, 5.1), strictly: "name=value" with
 * '&' between; '+' is a space, %XX a byte, and what is decoded must be UTF-8. A percent sign
 * without two hex digits, a control character or a byte beyond ASCII ends the reading.
 */
#pragma once

#include "common/base/slice.h"

struct form {
    struct slice bytes;
    char *room; /* the caller's; as large as bytes. Moves on as values are decoded into it. */
    size_t at;  /* bytes read */
    const char *fault; /* a clause; NULL: none */
};

/* The next pair, decoded into the room. False at the end, or at a fault. */
bool form_next(struct form *form, struct slice *ret_name, struct slice *ret_value);

/* UTF-8 (RFC 3629 4): no surrogates, nothing longer than it need be. */
bool form_is_utf8(struct slice s);
