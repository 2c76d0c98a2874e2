/* A row of the table of endpoints (routes.c). */
#pragma once

#include "jwtd/http/connection.h"

#define ROUTE_FIELDS 5

struct route_field {
    const char *name, *label;
    const char *type; /* Django REST framework's word; NULL: string */
    bool optional;
};

struct route {
    const char *path; /* its last slash may be missing; {sid} stands for the id of a session */
    enum request_method method;
    enum wire_op op; /* the request that the handler sends to jwtd-issuer, if any */
    enum conn_result (*handler)(struct connection *c);
    /* For an answer whose status is WIRE_OK; its texts are valid until this returns. */
    enum conn_result (*answered)(struct connection *c, const struct wire_message *answer);
    const char *name, *description; /* for OPTIONS, as the fields */
    bool bearer;                    /* needs an access token in Authorization */
    bool sliding;                   /* only with SlidingTokens=yes */
    bool any_accept;                /* Accept is ignored */
    struct route_field fields[ROUTE_FIELDS];
};
