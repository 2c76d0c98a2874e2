/*
 * HTTP requests to jwtd, or to any server of simplejwt, over a Unix socket or a URL. Redirects
 * are not followed, other schemes than http and https are refused. A request takes at most
 * CLIENT_SECONDS, or the time that it names, but no longer than CLIENT_SECONDS while jwtd does
 * not read it from its Unix socket: systemd accepts connections for a daemon that cannot start.
 * Plain http is refused but for the loopback addresses: elsewhere it would
 * expose the password.
 */
#pragma once

#include "jwtctl/json_c.h"

#define CLIENT_SOCKET "/run/jwtd/http.sock"
#define CLIENT_SECONDS 10
/* For replies with a refresh token, which is lost if the client leaves: jwtd may wait 45 s for
 * the check of a password or an account. */
#define CLIENT_PAIR_SECONDS 50

/* Checks the form of a server's name: an absolute path (of a Unix socket) or a URL.
 * TOK_SETTINGS with a message. */
enum tok_err client_check_server(const char *server, struct errmsg *errmsg) MUST_CHECK;

/* The same server in the form in which it is compared and stored: a URL without a default port,
 * final slashes and capital letters in the host name. *ret must be empty. TOK_SETTINGS with a
 * message. */
enum tok_err client_same_server(const char *server, struct secret *ret,
                                struct errmsg *errmsg) MUST_CHECK;

struct client_request {
    const char *server, *method, *path;
    struct slice body;  /* JSON; p NULL: none */
    const char *bearer; /* the token of the Authorization header; NULL: none */
    int seconds;        /* for the reply; 0: CLIENT_SECONDS */
    const char *cacert; /* a file of CA certificates; NULL: that of the environment or system */
};

struct client_reply {
    long status;
    int64_t retry_after;      /* seconds; 0 when the header is absent */
    struct json_object *body; /* NULL when it is no JSON object or array */
};

void client_reply_clear(struct client_reply *r);

/* TOK_OK: a reply of any status. TOK_FILE: the server is unreachable. TOK_SETTINGS: its name is
 * wrong. Errors come with a message. *ret must be cleared. */
enum tok_err client_send(const struct client_request *request, struct client_reply *ret,
                         struct errmsg *errmsg) MUST_CHECK;

/* Sets the message for a reply that is no success, and returns TOK_FILE. */
enum tok_err client_refused(const char *server, const struct client_reply *r,
                            struct errmsg *errmsg);
