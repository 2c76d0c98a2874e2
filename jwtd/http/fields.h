/*
 * The fields of a request's body, or what is wrong with them in Django REST framework's words,
 * all bad fields at once.
 */
#pragma once

#include "jwtd/http/body.h"
#include "jwtd/http/connection.h"

/* False: the body was refused, and the connection has its answer. *ret is to be cleared in any
 * case. n is 0 for an endpoint that takes none: a body has to be one that could be read. */
bool fields_read(struct connection *c, struct body_field *fields, size_t n, struct body *ret);
