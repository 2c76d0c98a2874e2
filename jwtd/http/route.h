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
    conn_handler *handler;
    conn_answered *answered;
    const char *name, *description; /* for OPTIONS, as the fields */
    bool bearer;                    /* needs an access token in Authorization */
    bool sliding;                   /* only with SlidingTokens=yes */
    bool exchange;                  /* likewise with Exchange=yes; its errors are RFC 6749's */
    bool any_accept;                /* Accept is ignored */
    struct route_field fields[ROUTE_FIELDS];
};
