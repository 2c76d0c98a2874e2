/*
 * What a verdict of jwtd-issuer other than WIRE_OK is over HTTP: one table of status, words and
 * code. A protected view words a token's faults otherwise than an endpoint that is given one.
 */
#pragma once

#include "jwtd/http/connection.h"

enum outcome_view { OUTCOME_ENDPOINT, OUTCOME_PROTECTED };

/* Fills *reply for this answer, whose status is not WIRE_OK. */
void outcome_reply(struct reply *reply, const struct wire_message *answer,
                   enum outcome_view view);

/* 429 in DRF's words. */
void outcome_throttled(struct reply *reply, uint64_t seconds);

/* 401, the answer to every password that buys nothing. */
void outcome_denied(struct reply *reply);
