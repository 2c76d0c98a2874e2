/*
 * A turn: the handlers of the first TURN_MAX queued requests run in one transaction. Requests
 * queue up while the event loop has anything else to do, unless TURN_MAX wait or root does: a
 * request of root is in the next turn. After the commit `revoked` is published if a session was
 * revoked, except by MaxSessionsPerUser; then the answers are sent. When the store fails, the
 * whole turn is rolled back, every request in it is answered WIRE_UNAVAILABLE, and the store is
 * opened again.
 */
#pragma once

#include "jwtd/issuer/loop.h"

int turn_init(struct loop *l);

/* Queues a request for the next turn. */
void turn_add(struct issuer_request *r);
