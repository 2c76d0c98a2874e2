/*
 * One turn of the loop is one transaction. Jobs queue up while the loop has anything else to
 * do, then all take their steps between BEGIN and COMMIT; then the list of ended sessions is
 * brought to disk if one of them ended a session; then the answers leave. A turn that fails
 * answers "unavailable" to all in it, and the store is opened again before the next.
 */
#pragma once

#include "jwtd/issuer/job.h"

#define TURN_MAX 128 /* jobs that start a turn at once */

int turn_init(struct issuer *x);

/* Queues a job whose step is set. */
void turn_add(struct issuer *x, struct job *job);

void turn_end(struct issuer *x);
