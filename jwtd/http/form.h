/*
 * The pairs of name and value of a form, strictly. Pure.
 *
 * application/x-www-form-urlencoded (WHATWG URL standard, 5.1): "name=value" separated by '&';
 * '+' is a space, %XX a byte, and the decoded text must be UTF-8. A percent sign without two
 * hexadecimal digits, a control character or a byte beyond ASCII is an error.
 *
 * multipart/form-data (RFC 7578, RFC 2046 5.1) with text fields: nothing before the first
 * boundary or after the last, no padding, each part with one Content-Disposition that is
 * form-data with a name. Refused: files (filename=), parts that are not plain UTF-8 text, and
 * encoded parts.
 */
#pragma once

#include "common/base/slice.h"

struct form {
    struct slice bytes;
    char *room; /* urlencoded: as large as bytes; moved past the values decoded into it */
    struct slice boundary; /* multipart: of Content-Type */
    bool ended;            /* multipart: the last boundary was read */
    size_t at;             /* bytes read */
    const char *fault;     /* what is wrong; NULL: nothing */
};

/* The next pair, urlencoded or of a part. False at the end and at an error. */
bool form_next(struct form *form, struct slice *ret_name, struct slice *ret_value);
bool form_next_part(struct form *form, struct slice *ret_name, struct slice *ret_value);

/* Well-formed UTF-8 (RFC 3629 4). */
bool form_is_utf8(struct slice s);
