/*
 * The access token in Authorization (RFC 6750 2.1), as simplejwt's JWTAuthentication reads it.
 */
#pragma once

#include "jwtd/http/connection.h"

/* The token, a slice of the request. False: c->reply has the 401. */
bool bearer_read(struct connection *c, struct slice *ret_token);
