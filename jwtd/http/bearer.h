/*
 * The access token in Authorization (RFC 6750 2.1), as simplejwt's JWTAuthentication reads it,
 * and the refusals of the protected views.
 */
#pragma once

#include "jwtd/http/connection.h"

/* The token, a slice of the request. False: the connection has its 401. */
bool bearer_read(struct connection *c, struct slice *ret_token);

/* What jwtd-issuer said, in a protected view's words; its status is not WIRE_OK. */
void bearer_refuse(struct connection *c, const struct wire_message *answer);
