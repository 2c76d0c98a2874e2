/*
 * The endpoints: one table of path, method and handler. A request is checked in the order of
 * Django REST framework: path (404), Accept (406), method (405), then the handler.
 */
#pragma once

#include "jwtd/http/route.h"

/* The methods of a route, for Allow. */
const char *routes_allow(const struct route *route);

/* The number of a connection's route for metrics.h. */
size_t routes_number(const struct route *route);

/* The path of each route by its number. Returns how many there are. */
size_t routes_paths(const char *ret[METRICS_ROUTES]);

/* Sets the connection's route, NULL for none, by the path of its request. */
void routes_find(struct connection *c);

/* Finds the route of a complete request and calls its handler. */
enum conn_result routes_dispatch(struct connection *c);
