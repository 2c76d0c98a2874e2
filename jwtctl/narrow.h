/*
 * Narrowed tokens: access tokens that may do less than the session's own, made by the server on
 * request and never kept.
 */
#pragma once

#include "jwtctl/session.h"

struct narrow_request {
    const char *scope;    /* words separated by spaces; NULL or "": as the session's token */
    const char *audience; /* one name; NULL: as the session's token */
    int64_t lifetime;     /* seconds; 0: as long as the session's token */
    bool one_time;
    const char *host_key; /* of the host it is for (host_key.h); NULL: of any host */
};

/* TOK_FILE with a message, also when the server does not know host keys and the token is not
 * bound. *ret must be empty. */
enum tok_err narrow_token(const struct client_session *s, const struct narrow_request *request,
                          struct secret *ret, struct errmsg *errmsg) MUST_CHECK;
