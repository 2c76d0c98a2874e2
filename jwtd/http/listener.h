/*
 * Accepting connections within the limits. A peer over a limit gets a 503. Without descriptors,
 * new connections wait in the socket's queue.
 */
#pragma once

#include "jwtd/http/server.h"

/* Listens on the sockets that systemd passes. False, logged: there is no socket, or one cannot
 * be used.
 */
bool listener_start(struct server *s);
