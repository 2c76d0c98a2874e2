/*
 * A session that is kept: its server, and its access and refresh token. An access token with
 * less than SESSION_MARGIN seconds left is refreshed first, under the lock of the token cache,
 * so that of several processes one refreshes it and the refresh token is used once.
 */
#pragma once

#include "jwtctl/client.h"
#include "jwtctl/logins.h"

#define SESSION_MARGIN 60

/* The stored session at a server, as --server names it; NULL: see logins.h. TOK_FILE with a
 * message, also when not logged in. */
enum tok_err session_kept(const char *server, struct client_session *ret,
                          struct errmsg *errmsg) MUST_CHECK;

/* The same with an access token that is valid now. TOK_REVOKED: the session is no longer valid,
 * and no token is kept, or its account is locked. Errors come with a message, which says how to
 * log in. While the access token is valid, an unreachable server is no error, and a full disk
 * is a warning on standard error. */
enum tok_err session_get(const char *server, struct client_session *ret,
                         struct errmsg *errmsg) MUST_CHECK;

/* Replaces *ret by a member of the reply. False when it has not the form of a token: *ret
 * stays. */
bool session_take_token(const struct client_reply *reply, const char *name, struct secret *ret);

/* POSTs a body to this path of the session's server, which replies with a pair of tokens.
 * TOK_OK: any reply. */
enum tok_err session_post(const struct client_session *s, const char *path, struct slice body,
                          struct client_reply *ret, struct errmsg *errmsg) MUST_CHECK;

/* Revokes the session at its server. *ret_already: it had ended before. */
enum tok_err session_end(const struct client_session *s, bool *ret_already,
                         struct errmsg *errmsg) MUST_CHECK;

/* Sends a request with the access token, which is refreshed when it is refused; its server and
 * bearer are set here. TOK_OK: a reply of success, or 404 to
 * DELETE. TOK_REVOKED: as above. TOK_FILE: anything else. Errors come with a message. */
enum tok_err session_send(const struct client_session *s, struct client_request request,
                          struct client_reply *ret, struct errmsg *errmsg) MUST_CHECK;

/* The claims of a token that the session's server made; the signature is not checked. *ret must
 * be freed. TOK_MALFORMED, TOK_BASE64, TOK_JSON. */
enum tok_err session_token_claims(const struct secret *token,
                                  struct json_object **ret) MUST_CHECK;

/* When such a token was made and when it ends, in seconds since the Epoch. */
struct token_times {
    int64_t iat, exp;
};

/* TOK_MISSING without one of the two claims; else as above. */
enum tok_err session_token_times(const struct secret *token,
                                 struct token_times *ret) MUST_CHECK;

/* The same of the token that ends last. */
enum tok_err session_end_times(const struct client_session *s,
                               struct token_times *ret) MUST_CHECK;
