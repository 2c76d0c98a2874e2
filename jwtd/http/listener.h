/*
 * Accepting, within the limits. A peer over one is told so (503) at once. Without descriptors,
 * or at MaxConnections when as many as SERVER_REFUSALS are being told, accepting pauses until a
 * connection ends: the peers wait in the socket's queue.
 */
#pragma once

#include "jwtd/http/server.h"

/* Watches a listening socket, which the server owns from now on. 0 or -errno. */
int listener_add(struct server *s, int fd);

/* A connection has ended: accept again if that had paused. */
void listener_resume(struct server *s);

/* True when this source has as many connections as it may. */
bool listener_is_full_for(const struct server *s, const struct source *source);
