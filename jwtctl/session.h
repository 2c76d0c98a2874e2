/*
 * The login that is kept: which server, which user, and its two tokens. An access token that
 * has under SESSION_MARGIN seconds left is exchanged first, under the cache's lock, so that
 * many processes at once make one exchange and the refresh token is used once.
 */
#pragma once

#include "common/token/claims.h"
#include "jwtctl/client.h"
#include "jwtctl/token_cache.h"

#define SESSION_MARGIN 60

struct session {
    struct secret server; /* .p NULL: nobody is logged in */
    struct secret access, refresh;
};

void session_clear(struct session *s);

/* What is kept; no session is no error (server is empty). */
enum tok_err session_read(const struct cache *c, struct session *ret,
                          struct errmsg *errmsg) MUST_CHECK;
enum tok_err session_write(const struct cache *c, const struct session *s,
                           struct errmsg *errmsg) MUST_CHECK;

/* What is kept, as it is; nobody logged in is an error here. */
enum tok_err session_kept(struct session *ret, struct errmsg *errmsg) MUST_CHECK;

/* Shows the refresh token to the session's server at this path. */
enum tok_err session_post(const struct session *s, const char *path, struct client_reply *ret,
                          struct errmsg *errmsg) MUST_CHECK;

/* A question that the access token of s answers for. TOK_OK: the server said yes, with a body.
 * TOK_FILE: it is out of reach, it refused, or the session is over; the sentence says which. */
enum tok_err session_ask(const struct session *s, const char *method, const char *path,
                         const struct text *body, struct client_reply *ret,
                         struct errmsg *errmsg) MUST_CHECK;

/* The session of the caller with an access token that can be used now. Any error comes with a
 * sentence; one that says "log in" when there is no session or the server ended it, and then
 * nothing is kept. A server out of reach is no error while the access token still holds. */
enum tok_err session_get(struct session *ret, struct errmsg *errmsg) MUST_CHECK;

/* The claims of a token that this program got from its server, signature unchecked; they point
 * into *payload, which must be empty. */
enum tok_err session_token_claims(struct slice token, struct secret *payload,
                                  struct claims *ret) MUST_CHECK;

/* When a token that this program got from its server was made and ends, signature unchecked.
 * TOK_MALFORMED and its like. */
enum tok_err session_token_times(struct slice token, int64_t *ret_iat,
                                 int64_t *ret_exp) MUST_CHECK;
