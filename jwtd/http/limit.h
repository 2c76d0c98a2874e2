/*
 * The limits of connections: MaxConnections= for each class of peers, so that no class can
 * block another, and MaxConnectionsPerSource=. At a limit the oldest connection whose request
 * is not complete is closed to make room for a new one; a connection whose request is being
 * answered is never closed for that.
 */
#pragma once

#include "jwtd/http/connection.h"

/* Sends a 503 without waiting for the request. */
void limit_refuse(int fd);

/* Makes room for a new connection. False: it is over a limit. */
bool limit_make_room(struct server *s, const struct peer *peer);

/* The same, by MaxConnectionsPerSource= alone, for the client that a proxy names. */
bool limit_make_room_for_client(struct server *s, const struct source *client);
