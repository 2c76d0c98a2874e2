/*
 * Accepting connections within the limits. A peer over a limit gets a 503. Without descriptors,
 * accepting pauses until a connection ends.
 */
#pragma once

#include "jwtd/http/server.h"

/* Watches a listening socket, which the server owns from now on. 0 or -errno. */
int listener_add(struct server *s, int fd);
