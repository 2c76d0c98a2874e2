/*
 * Questions to jwtd: one request, with a JSON body or none, over its Unix socket or a URL.
 * Follows no redirect, speaks http and https alone, waits at most CLIENT_SECONDS. Plain http is
 * taken for this machine's own addresses only: elsewhere the password would travel in clear.
 */
#pragma once

#include "jwtctl/text.h"

#define CLIENT_SOCKET "/run/jwtd/http.sock"
#define CLIENT_SECONDS 40

/* Checks the form of --server=: an absolute path (a Unix socket) or a URL. TOK_SETTINGS with a
 * sentence. */
enum tok_err client_check_server(const char *server, struct errmsg *errmsg) MUST_CHECK;

struct client_reply {
    long status;
    int64_t retry_after; /* seconds, 0: not said */
    struct text body;
};

void client_reply_clear(struct client_reply *r);

struct client_request {
    const char *method, *path;
    const struct text *body;     /* NULL: none */
    const struct secret *bearer; /* goes into Authorization; NULL: nothing does */
};

/* TOK_OK: a reply of whatever status. TOK_FILE: the server is out of reach; the sentence says
 * which, errmsg, and what to do. TOK_SETTINGS: the server's name is wrong. */
enum tok_err client_ask(const char *server, const struct client_request *request,
                        struct client_reply *ret, struct errmsg *errmsg) MUST_CHECK;

/* Says what a reply that is no success means, and returns TOK_FILE. */
enum tok_err client_refused(const char *server, const struct client_reply *r,
                            struct errmsg *errmsg);
