/*
 * One connection: one request, one reply, then it is closed. This header has its state and what
 * handlers do with it; each returns a conn_result, which goes back to driver.c. Only driver.c
 * changes the state and waits for events; it frees a connection at its end. limit.c frees the
 * one that is closed to make room.
 *
 *     READ_HEAD -> READ_BODY -> WAIT_ISSUER -> HOLD -> WRITE -> DRAIN -> closed
 *
 * READ_BODY, WAIT_ISSUER, HOLD and WRITE are left out where there is nothing to wait for.
 * Deadlines are absolute: a client that sends byte by byte does not extend them. Closing the
 * client's socket in WAIT_ISSUER or HOLD neither avoids the count of a wrong password nor frees
 * the connection's place; a login that waits in jwtd-issuer's queue leaves it.
 */
#pragma once

#include "jwtd/http/reply.h"
#include "jwtd/http/request.h"
#include "jwtd/http/server.h"

struct route;

enum conn_state {
    CONN_READ_HEAD,
    CONN_READ_BODY,
    CONN_WAIT_ISSUER,
    CONN_HOLD,  /* the reply is ready and is sent at reply_at */
    CONN_WRITE, /* the socket's buffer is full */
    CONN_DRAIN, /* all is sent; input is discarded until the peer closes */
};

/* What happens next. */
enum conn_result {
    CONN_WAIT,  /* nothing, before the next event */
    CONN_ASKED, /* jwtd-issuer was asked: wait for its answer */
    CONN_REPLY, /* c->reply is ready: send it */
    CONN_CLOSE,
};

/* Handles a request; an answer of jwtd-issuer whose status is WIRE_OK, and whose texts are
 * valid until it returns. */
typedef enum conn_result conn_handler(struct connection *c);
typedef enum conn_result conn_answered(struct connection *c, const struct wire_message *answer);

struct connection {
    struct server *server;
    LIST_ENTRY(connection) link;
    enum conn_state state;
    int fd;
    sd_event_source *io, *timer;
    enum peer_class class;
    struct source source;
    bool exempt;        /* from MaxConnectionsPerSource: a proxy that has named no client */
    bool refusal;       /* over a limit: the reply is 503 whatever the request is */
    uint64_t opened;    /* monotonic microseconds */
    uint64_t completed; /* when the request was complete; likewise */

    char *in; /* REQUEST_MAX bytes; may hold a password. NULL once the request is not needed */
    size_t n_in;
    struct http_request request;
    const struct route *route;       /* NULL: none found so far */
    struct slice path_sid;           /* the {sid} of the path, where the route has one */
    struct slice bearer;             /* the token in Authorization, where the route needs one */
    char origin[VALUE_NAME_MAX + 1]; /* of the request, if it is in AllowedOrigins */
    bool forged;                     /* a page of another origin made the browser send it */

    int issuer; /* connection to jwtd-issuer, or -1 */
    sd_event_source *issuer_io;
    uint64_t ask_until;        /* monotonic microseconds: no answer is awaited after that */
    struct secret token, list; /* kept while a list of sessions is read page by page */
    struct secret known;       /* If-None-Match, kept while jwtd-issuer is asked */

    struct reply reply;
    uint64_t reply_at; /* not sent before; 0: no delay */
    struct secret out; /* the packed reply */
    size_t sent, drained;
    off_t file_sent;
};

/* Fills c->reply with reply_detail. CONN_REPLY. */
enum conn_result connection_refuse(struct connection *c, int status, const char *detail,
                                   const char *code);

/* 503, retry after a second. CONN_REPLY. */
enum conn_result connection_unavailable(struct connection *c);

/* jwtd-issuer did not answer, for this reason: logs and counts it. 503. */
enum conn_result connection_no_answer(struct connection *c, const char *cause);

/* The request is not needed any more; it may hold a password. */
void connection_wipe_input(struct connection *c);

/* Closes the connection to jwtd-issuer, if there is one. */
void connection_close_issuer(struct connection *c);

/* Closes it and frees it. Not for the one whose event is being handled, but in driver.c. */
void connection_free(struct connection *c);
