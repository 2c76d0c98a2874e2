/*
 * The file of a session: its server, and its access and refresh token.
 */
#pragma once

#include "jwtctl/json_c.h"
#include "jwtctl/token_cache.h"

struct client_session {
    struct secret server;  /* .p NULL: there is no file */
    struct secret name;    /* given by the user; .p NULL: none (logins_name) */
    struct secret cacert;  /* path; .p NULL: none (client.h) */
    struct secret access;  /* .p NULL: not logged in */
    struct secret refresh; /* .p NULL: none, the session ends with its access token */
    bool in_use;           /* chosen without --server (logins.h) */
};

void session_clear(struct client_session *s);

/* Of the selected file. *ret must be cleared, here and below. A missing file is no error. */
enum tok_err session_read(const struct token_cache *c, struct client_session *ret,
                          struct errmsg *errmsg) MUST_CHECK;

/* Reserves room for the tokens that will replace those of *s, which may be empty. Under the
 * lock, before a request that makes new tokens; then session_write saves them. */
enum tok_err session_reserve(struct token_cache *c, const struct client_session *s,
                             struct errmsg *errmsg) MUST_CHECK;
enum tok_err session_write(struct token_cache *c, const struct client_session *s,
                           struct errmsg *errmsg) MUST_CHECK;

/* Under the lock: removes the tokens, and with them the file, unless it has a name or a
 * path to keep. */
enum tok_err session_forget(struct token_cache *c, const struct client_session *s,
                            struct errmsg *errmsg) MUST_CHECK;
