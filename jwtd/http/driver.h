/*
 * Drives connections through their states (connection.h): waits for an event, lets one step of
 * the connection happen, and acts on its result. Frees each connection at its end.
 */
#pragma once

#include "jwtd/http/connection.h"

/* Takes over fd, an accepted connection. refusal: it is over a limit and gets a 503. */
void driver_open(struct server *server, int fd, const struct peer *peer, bool refusal);

/* Closes every connection. */
void driver_end(struct server *server);
