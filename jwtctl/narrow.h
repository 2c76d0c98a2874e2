/*
 * Tokens that may do less than the session's own, made by the server on demand and never kept:
 * for some PAM services, for one host, for one use, for a while.
 */
#pragma once

#include "jwtctl/session.h"

struct narrow {
    const char *scope;    /* words parted by blanks; NULL or empty: as the session's token */
    const char *audience; /* one name; NULL: as the session's token */
    int64_t lifetime;     /* seconds; 0: as long as the session's token */
    bool one_time;
};

/* A token of the session s for this. TOK_FILE with a sentence. *ret must be empty. */
enum tok_err narrow_token(const struct session *s, const struct narrow *n, struct secret *ret,
                          struct errmsg *errmsg) MUST_CHECK;

/* Which audience a token for this host has: the host's own name, when the session has that, or
 * the only one that the session has. TOK_AUDIENCE with a sentence that names them otherwise.
 * host NULL: not known. *ret must be empty. */
enum tok_err narrow_audience(const struct session *s, const char *host, struct secret *ret,
                             struct errmsg *errmsg) MUST_CHECK;
