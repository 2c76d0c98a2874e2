/*
 * Accepts connections within the limits, and drives them through their states (connection.h):
 * waits for an event, lets one step of the connection happen, and acts on its result. Frees
 * each connection at its end. A peer over a limit gets a 503. Without descriptors, new
 * connections wait in the socket's queue.
 */
#pragma once

#include "jwtd/http/connection.h"

/* Listens on the sockets that systemd passes. False, logged: there is no socket, or one cannot
 * be used. */
bool driver_start(struct server *server);

/* Closes every connection. */
void driver_end(struct server *server);
