/*
 * The connections of those who ask: accepted, their peer checked, one question read, 40 s to
 * its end. A fault of the wire is logged and ends the connection without an answer.
 */
#pragma once

#include "jwtd/issuer/issuer.h"

/* Makes the lists empty. */
void listen_init(struct issuer *x);

/* Takes the listening socket over. 0 or -errno. */
int listen_start(struct issuer *x, int fd);

/* A connection has ended: there is room for another. */
void listen_resume(struct issuer *x);

/* Ends all connections, without answers. */
void listen_end(struct issuer *x);
