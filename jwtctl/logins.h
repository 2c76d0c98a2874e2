/*
 * The logins that are kept, one for each server, and which of them a command is for: the one
 * that --server or JWT_SERVER names, else the one in use, else the only one, else the one at
 * the server of this machine (CLIENT_SOCKET).
 *
 * Each is a file session-ID.json, where ID is a digest of the server's URL; in-use.json names
 * the server of the one in use.
 */
#pragma once

#include "jwtctl/session_file.h"

#define SERVER_VARIABLE "JWT_SERVER"
#define OPTION_SERVER(to)                                                                      \
    {                                                                                          \
        "server", "SERVER", "use the login at this server: its name or URL", .value = (to)     \
    }

#define LOGIN_LOCAL "local" /* the name of CLIENT_SOCKET */

struct logins {
    struct client_session *items; /* the one in use first, then by name */
    size_t n;
    struct secret in_use;  /* the server that was chosen; empty: none was */
    struct errmsg damaged; /* of a file that cannot be read; "": none */
};

void logins_clear(struct logins *l);

/* Opens the state directory. The session of a release that kept only one is taken over; mode
 * TOKEN_CACHE_CREATE removes it if it is damaged. TOK_FILE with a message, here and below. */
enum tok_err logins_open(enum token_cache_mode mode, struct token_cache *ret,
                         struct errmsg *errmsg) MUST_CHECK;

/* All that can be read. */
enum tok_err logins_list(const struct token_cache *c, struct logins *ret,
                         struct errmsg *errmsg) MUST_CHECK;

/* Selects the file of the login that a command is for, and sets ret->server, which must be
 * empty. server: of the command line, a URL, a path or a name; NULL: none. TOK_SETTINGS with a
 * message: no such name. */
enum tok_err logins_select(struct token_cache *c, const char *server,
                           struct client_session *ret, struct errmsg *errmsg) MUST_CHECK;

/* Makes the login at this server the one in use. */
enum tok_err logins_use(const struct token_cache *c, const struct secret *server,
                        struct errmsg *errmsg) MUST_CHECK;

/* The given name, else LOGIN_LOCAL, or the server without its scheme. Lives as long as the
 * session. */
const char *logins_name(const struct client_session *s);

/* Checks that a login at this server can have the name. TOK_SETTINGS with a message. */
enum tok_err logins_check_name(const struct token_cache *c, const char *name,
                               const struct secret *server, struct errmsg *errmsg) MUST_CHECK;
