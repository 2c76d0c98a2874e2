/*
 * What happens to a request between its arrival and its turn: its token is verified, and
 * jwtd-login is asked about its password or account.
 */
#pragma once

#include "jwtd/issuer/loop.h"

/* The message of this request has been read. */
void dispatch_request(struct issuer_request *r);

/* on_reply of the login client; arg is the loop. */
void dispatch_login_reply(void *arg, const struct login_inquiry *q,
                          const struct login_reply *reply);
