/*
 * A request on its way in: bytes into the connection's buffer, the head judged when it is whole
 * (settings, Host, who stands behind a proxy), then the route.
 */
#pragma once

#include "jwtd/http/connection.h"

/* Reads what is there. The connection may be gone afterwards. */
void intake_read(struct connection *c);
