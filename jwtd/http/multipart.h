/*
 * multipart/form-data (RFC 7578, RFC 2046 5.1) with text fields, strictly: nothing before the
 * first boundary or after the last, no padding, each part with one Content-Disposition that is
 * form-data with a name. Refused: files (filename=), parts that are not plain UTF-8 text, and
 * encoded parts. Values are slices of the body.
 */
#pragma once

#include "common/base/slice.h"

#define MULTIPART_BOUNDARY_MAX 70 /* RFC 2046 5.1.1 */

struct multipart {
    struct slice bytes;
    struct slice boundary; /* of Content-Type */
    size_t at;             /* bytes read */
    bool ended;            /* the last boundary was read */
    const char *fault;     /* what is wrong; NULL: nothing */
};

/* The next field. False at the end and at an error. */
bool multipart_next(struct multipart *m, struct slice *ret_name, struct slice *ret_value);
