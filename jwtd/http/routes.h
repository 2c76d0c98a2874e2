/*
 * What can be asked: one table of method, path and handler. The order of judging is that of
 * Django REST framework: path (404), Accept (406), method (405), then the handler.
 */
#pragma once

#include "connection.h"

#define ROUTE_FIELDS_MAX 2

struct route_field {
    const char *name, *label;
};

struct route {
    const char *path; /* its last slash may be missing */
    enum request_method method;
    bool negotiates; /* looks at Accept */
    const char *allow;
    void (*answer)(struct connection *c);
    /* What OPTIONS tells. */
    const char *name, *description;
    struct route_field fields[ROUTE_FIELDS_MAX];
};

/* The route of a path, with or without its last slash; NULL: none. */
const struct route *routes_find(struct slice path);

/* Answers the connection's whole request, now or later. */
void routes_dispatch(struct connection *c);

/* DRF's 415 for this Content-Type; p may be NULL. */
void routes_media_type(struct reply *reply, struct slice content_type);
