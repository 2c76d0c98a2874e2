/*
 * simplejwt's sliding tokens: one token that is both presented and exchanged, with two ends,
 * exp and refresh_exp. Each has a session of its own, so that a logout ends it.
 */
#pragma once

#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/request.h"

/* Mints the session's token as the answer. */
enum wire_status sliding_reply(struct issuer *x, struct issuer_request *r,
                               const struct store_session *session);
