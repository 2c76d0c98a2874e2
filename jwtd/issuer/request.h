/*
 * A request to jwtd-issuer, from its connection to its answer, and what a handler (requests/)
 * needs to answer it. Its life is a walk through states:
 *
 *     READING -> [WAITING_TO_CHECK ->] CHECKING_PASSWORD -> QUEUED    login
 *     READING -> [CHECKING_ACCOUNT ->] QUEUED                         refresh, exchange, ...
 *     READING -> QUEUED                                               everything else
 *
 * After READING a request with a token of an unknown key may be WAITING_FOR_KEYS.
 *
 * From QUEUED a request goes IN_TURN (turn.h), where its handler runs; again where a
 * transaction was rolled back by a conflict with another issuer. A request may be answered, or
 * lose its connection, in any state; then it is freed.
 */
#pragma once

#include "jwtd/issuer/check_queue.h"
#include "jwtd/issuer/own_token.h"
#include "jwtd/issuer/subject_token.h"

#include <sys/queue.h>

struct issuer_request;
struct json_object;
struct log_limit;
struct loop;
struct loop_listener;

enum issuer_request_state {
    REQUEST_READING,           /* its message has not arrived */
    REQUEST_WAITING_FOR_KEYS,  /* of other issuers, to be read from the store */
    REQUEST_WAITING_TO_CHECK,  /* for the end of other password checks (password.h) */
    REQUEST_CHECKING_PASSWORD, /* jwtd-login is asked */
    REQUEST_CHECKING_ACCOUNT,  /* likewise */
    REQUEST_QUEUED,            /* for a turn */
    REQUEST_IN_TURN,
    REQUEST_STATE_COUNT,
};

/* What a token may be used for, if its session is live and its account usable. */
enum token_right {
    TOKEN_UNCHECKED, /* the handler decides */
    TOKEN_USE,
    TOKEN_IDENTIFY, /* say whose it is, and be narrowed: not one-time tokens */
    TOKEN_MANAGE,   /* list and revoke sessions: not one-time or narrowed tokens */
};

/* Runs in a transaction. Returns the status to answer; of WIRE_OK, request_reply gave the
 * values. After a failure of the store the status does not matter (turn.h). */
typedef enum wire_status request_handler(struct issuer *x, struct issuer_request *r);

/* The session of the token as it is in most requests, if the handler does nothing but rotate
 * it then. False: it must be read. */
typedef bool request_presume(const struct issuer *x, const struct issuer_request *r,
                             struct store_session *ret);

/* A row of the table of requests (requests/table.c). */
struct request_type {
    enum wire_op op;
    enum own_token_type token; /* that the first field must be */
    bool checks_password;      /* before its turn */
    bool checks_account;       /* of the token's user, likewise */
    bool names_user;           /* the first field is that user */
    bool exchanges;            /* the first field is a token of another issuer: likewise */
    bool sliding;              /* only with SlidingTokens=yes */
    bool tries_write;          /* refused while the store cannot be written */
    bool writes_session;       /* maybe, that of its token: its row is locked */
    bool runs_once;            /* also has effects outside the store */
    enum token_right right;    /* that the token must give: implies checks_account, and
                                * r->session is its session */
    const char *refused;       /* log message for any status but WIRE_OK; NULL: none */
    request_presume *presume;  /* NULL: its session must be read */
    request_handler *handle;   /* NULL: WIRE_OK */
    request_handler *complete; /* gives the answer to what was handled, and reads and writes no
                                * session; NULL: handle gives it */
};

/* A log message that is written when the turn is on disk. */
struct request_event {
    int priority;
    const char *id; /* NULL: no event */
    const char *message;
    const char *reason; /* NULL: none */
    const char *issuer; /* of the token that was exchanged; NULL: none */
    char user[USER_NAME_MAX + 1];
    char sid[ISSUE_ID_LEN + 1];
    char jti[ISSUE_ID_LEN + 1]; /* of the access token that was issued */
};

struct issuer_request {
    /* loop.c */
    struct loop *loop;
    struct loop_listener *from;
    TAILQ_ENTRY(issuer_request) link; /* in the list of its state */
    enum issuer_request_state state;
    int fd;
    sd_event_source *io, *limit;

    struct secret text; /* the message as received */
    struct wire_message message;
    const struct request_type *type;

    struct own_token token;         /* of types with a token; of others .user alone */
    struct subject_token subject;   /* of types that exchange one */
    struct check_place place;       /* REQUEST_WAITING_TO_CHECK, in loop.waiting */
    struct login_inquiry *inquiry;  /* REQUEST_CHECKING_PASSWORD */
    struct login_reply login_reply; /* to a check of password or account */
    bool has_login_reply;
    struct store_session session; /* of types with a right, and of WIRE_REFRESH */
    bool with_refresh;            /* WIRE_REFRESH: a refresh token is given, too */

    enum wire_status status;
    bool committed;       /* the transaction in which its handler ran */
    struct secret answer; /* WIRE_OK, packed */
    uint64_t retry_after; /* seconds: WIRE_THROTTLED */
    bool session_revoked; /* `revoked` must be published before the answer is sent */
    bool limit_revoked;   /* it must be published soon */
    struct request_event event;
};

/* The nth field of the message. */
static inline struct slice request_text(const struct issuer_request *r, size_t n)
{
    return r->message.v[n].text;
}

/* The same as a C string; what exceeds the room is cut off. */
void request_copy_text(const struct issuer_request *r, size_t n, char *ret, size_t size);

/* The same of the field of this name, such as "source"; "": the request has none. */
void request_named_text(const struct issuer_request *r, const char *name, char *ret,
                        size_t size);

/* The row of a request; NULL: not one to jwtd-issuer. */
const struct request_type *request_type_find(enum wire_op op);

/* Checks the right that the type of the request asks for (WIRE_NOT_ALLOWED, among others), and
 * runs its handler. */
request_handler request_handle;

/* Sets the values of the answer WIRE_OK, as in wire_pack_answer. Returns WIRE_OK; or, logged,
 * WIRE_UNAVAILABLE when they do not fit the wire. */
enum wire_status request_reply(struct issuer_request *r, const union wire_value *values);

/* The same for an answer of one text. */
enum wire_status request_reply_text(struct issuer_request *r, struct slice text);

/* The same for an answer of one JSON text; frees json. NULL (no memory): WIRE_UNAVAILABLE. */
enum wire_status request_reply_json(struct issuer_request *r, struct json_object *json);

/* Sets the event, with user and session of the token as far as they are authentic. */
void request_set_event(struct issuer_request *r, int priority, const char *id,
                       const char *message);

/* The text of an id in a token, for a member of the event. */
void request_write_id(const uint8_t id[ISSUE_ID_BYTES], char ret[ISSUE_ID_LEN + 1]);

/* Sets the event of a refused request, where its type has one and the handler set none. */
void request_set_refusal(struct issuer_request *r, enum wire_status status);

/* Writes the event to the log; limit NULL: without a limit. */
void request_log_event(const struct issuer_request *r, struct log_limit *limit);
