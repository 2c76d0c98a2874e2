/*
 * The exchange of a token of another issuer for a session (RFC 8693).
 */
#pragma once

#include "jwtctl/session.h"

/* Reads a token from a file; "-": standard input. White space around it is removed. TOK_FILE
 * with a message. *ret must be empty. */
enum tok_err exchange_read(const char *path, struct secret *ret,
                           struct errmsg *errmsg) MUST_CHECK;

/* Exchanges it at the session's server. The session gets a refresh token only if the server
 * gives one. TOK_FILE with a message. */
enum tok_err exchange_token(const struct secret *token, struct client_session *s,
                            struct errmsg *errmsg) MUST_CHECK;
