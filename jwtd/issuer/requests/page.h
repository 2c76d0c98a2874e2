/*
 * A page of sessions as JSON, for their user and for an administrator.
 */
#pragma once

#include "jwtd/issuer/job.h"

/* Says the page of live sessions that follows the one of the sid `after` (no bytes: the first
 * page). user NULL: everybody's. current: the session that asks, NULL: an administrator asks,
 * who is told whose each is instead. */
enum step page_say(struct issuer *x, struct job *job, const char *user, const uint8_t *current,
                   struct slice after);

/* The step of an administrator's question of this kind. */
enum step page_admin_step(struct issuer *x, struct job *job);
