/*
 * What can be asked: one table of method, path and handler. The order of judging is that of
 * Django REST framework: path (404), Accept (406), method (405), then the handler.
 */
#pragma once

#include "jwtd/http/connection.h"

#define ROUTE_FIELDS_MAX 4

struct route_field {
    const char *name, *label;
    const char *type; /* DRF's word; NULL: string */
    bool optional;
};

struct route {
    const char *path; /* its last slash may be missing; {sid} is the name of a session */
    enum request_method method;
    bool negotiates; /* looks at Accept */
    bool sliding;    /* there with SlidingTokens=yes alone */
    const char *allow;
    void (*answer)(struct connection *c);
    /* What OPTIONS tells. */
    const char *name, *description;
    struct route_field fields[ROUTE_FIELDS_MAX];
};

/* The number of a connection's route for metrics.h. */
size_t routes_number(const struct route *route);

/* The path of each route by its number; how many there are. */
size_t routes_paths(const char *ret[METRICS_ROUTES]);

/* Sets the connection's route, NULL for none, by the path of its request. */
void routes_find(struct connection *c);

/* Answers the connection's whole request, now or later. */
void routes_dispatch(struct connection *c);

/* DRF's 415 for this Content-Type; p may be NULL. */
void routes_media_type(struct reply *reply, struct slice content_type);
