/*
 * simplejwt's sliding tokens: one token that is shown and exchanged both, with two ends, exp
 * and refresh_exp. Each belongs to a session of its own, so that logging out ends it.
 */
#pragma once

#include "jwtd/issuer/job.h"

/* Mints the session's token and says it. What was said: WIRE_OK or why not. */
enum wire_status sliding_say(struct issuer *x, struct job *job,
                             const struct store_session *session);

/* The step of a sliding refresh: the same token with new times, until its refresh_exp. */
enum step sliding_step(struct issuer *x, struct job *job);
