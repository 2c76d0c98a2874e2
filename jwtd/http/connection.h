/*
 * One connection's life: read a request, have it answered, send the reply, let the peer read it
 * to its end, close. Deadlines are absolute: what trickles in does not move them.
 *
 *     READING -> ANSWERING (-> HELD) -> WRITING -> DRAINING -> gone
 *
 * While a question is under way the peer is not looked at: hanging up neither spares it a wrong
 * password's price nor frees its place among the connections.
 */
#pragma once

#include "jwtd/http/ask.h"
#include "jwtd/http/reply.h"
#include "jwtd/http/request.h"
#include "jwtd/http/server.h"

struct route;

enum connection_state {
    CONNECTION_READING,
    CONNECTION_ANSWERING,
    CONNECTION_HELD, /* the reply is made and waits for its time */
    CONNECTION_WRITING,
    CONNECTION_DRAINING, /* all is sent; what the peer still sends is thrown away */
};

struct connection {
    struct server *server;
    struct connection *next, *previous;
    enum connection_state state;
    int fd;
    struct source source;
    bool exempt;  /* a trusted proxy: not limited as a source */
    bool refusal; /* over a limit: here to be told so */
    sd_event_source *io, *timer;
    uint64_t opened; /* monotonic microseconds */
    uint64_t whole;  /* when the request was */
    char *in;        /* REQUEST_MAX bytes of room; may hold a password */
    size_t n_in;
    struct http_request request;
    bool head_judged;
    const struct route *route; /* NULL: not found yet */
    struct slice path_sid;     /* the session that the path names, where the route has one */
    struct secret token, list; /* what is kept from one question to the next */
    struct secret out;
    size_t sent, drained;
    struct ask *ask;
    void (*answered)(struct connection *c, const struct wire_message *answer);
};

/* Takes over fd. refusal: it is answered with 503 at once, whatever it asks. */
void connection_open(struct server *server, int fd, const struct source *source, bool refusal);

void connection_free(struct connection *c);

/* Waits for these events of the peer (0: for none, not even its end) until a deadline
 * (monotonic microseconds; 0: for ever). False: the loop can't. */
bool connection_wait(struct connection *c, uint32_t events, uint64_t deadline);

/* Sends the reply and clears it. The connection may be gone afterwards. */
void connection_reply(struct connection *c, struct reply *reply);

/* The same, not before this time (monotonic microseconds). */
void connection_reply_at(struct connection *c, struct reply *reply, uint64_t when);

/* connection_reply of reply_detail. */
void connection_refuse(struct connection *c, int status, const char *detail, const char *code);

/* 503, try again in a second. */
void connection_unavailable(struct connection *c);

/* Asks jwtd-issuer; done gets its answer. Without one the peer gets 503. The slices of
 * c->request are gone afterwards: the buffer is wiped, as it may hold a password. */
void connection_ask(struct connection *c, enum wire_op op, const union wire_value *values,
                    void (*done)(struct connection *c, const struct wire_message *answer));
