/*
 * The table of requests: what each needs before its turn, and its handler.
 */
#pragma once

#include "jwtd/issuer/request.h"

/* NULL: not a request to jwtd-issuer. */
const struct request_type *request_type_find(enum wire_op op);
