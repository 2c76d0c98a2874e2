/*
 * A turn: the handlers of all queued requests run in one transaction. Requests queue up while
 * the event loop has anything else to do; after the commit `revoked` is published if a session
 * was revoked; then the answers are sent. When the store fails, the whole turn is rolled back,
 * every request in it is answered WIRE_UNAVAILABLE, and the store is opened again.
 */
#pragma once

#include "jwtd/issuer/loop.h"

int turn_init(struct loop *l);

/* Queues a request for the next turn. */
void turn_add(struct issuer_request *r);

void turn_end(struct loop *l);
