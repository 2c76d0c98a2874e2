/*
 * The requests that jwtd-issuer is working on, one list per state, and what ends them.
 * Functions are listed in the order of a request's life: listen.h, turn.h.
 */
#pragma once

#include "jwtd/issuer/attempts.h"
#include "jwtd/issuer/request.h"
#include "jwtd/shared/log_limit.h"

#define CONNECTION_TIME (40 * SECOND)

TAILQ_HEAD(request_list, issuer_request);

/* One of the two listening sockets. The limits are separate: root can revoke a session while
 * jwtd is flooded. */
struct loop_listener {
    struct loop *loop;
    enum wire_role role; /* of the peer: WIRE_FRONT, WIRE_ADMIN */
    uid_t uid;           /* that must connect */
    size_t connections, connections_max;
    sd_event_source *source; /* disabled at the limit */
};

struct loop {
    struct issuer issuer;
    struct request_list in[REQUEST_STATE_COUNT];
    size_t queued;                     /* in REQUEST_QUEUED */
    struct loop_listener front, admin; /* jwtd; root's jwtctl */
    struct attempts attempts;          /* FailuresPerUser, LoginsPerUser */
    struct check_queue waiting;        /* those in REQUEST_WAITING_TO_CHECK */
    unsigned check_slots;              /* password checks at the same time */
    uint64_t next_overload;            /* monotonic microseconds: not logged again before */
    struct log_limit failed_logins, refusals, frequent; /* lines about them */
    struct rate_table frequent_users; /* lines about refreshes and narrowed tokens */
    sd_event_source *turn;
    sd_event_source *reading; /* for those in REQUEST_WAITING_FOR_KEYS; NULL: none */
    bool refused;             /* the database has refused a statement of this turn */
};

void loop_init(struct loop *l);

/* A new request, reading from this connection; the caller adds its event sources. Owns fd, also
 * on NULL: no memory. */
struct issuer_request *loop_add(struct loop_listener *from, int fd);

/* Moves to the end of the other list; a request of root to its beginning. */
void loop_move(struct issuer_request *r, enum issuer_request_state to);

/* Sends the answer, logs the event, and closes. */
void loop_answer(struct issuer_request *r, enum wire_status status);

/* Ends the connection and frees the request. */
void loop_close(struct issuer_request *r);

/* Closes all requests. */
void loop_end(struct loop *l);
