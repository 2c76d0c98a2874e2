/*
 * The messages between jwtd, jwtd-issuer and jwtd-login: one SOCK_SEQPACKET connection, one
 * request, one answer. One const table says of each request who may ask it, whom, and how
 * large each field may be. Whatever is not exactly a row of it (unknown, short, oversized, too
 * few or too many fields, bytes left over, a NUL in a text, a wrong asker) is a fault: the
 * reader logs it by its word and ends the connection without an answer.
 *
 * A message: 'J', version, request or status, number of fields; then each field as a 16-bit
 * little-endian length and its bytes. A number is 8 bytes, little-endian.
 *
 * Messages hold passwords and tokens: whoever owns a buffer wipes it (secret_wipe) when done.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

#include <sys/socket.h>

#define WIRE_VERSION 1
#define WIRE_FIELDS_MAX 6
#define WIRE_MESSAGE_MAX 20480 /* bytes; a larger packet is MSG_TRUNC: a fault */
#define WIRE_TOKEN_MAX 8192    /* bytes of a token that is asked about */
#define WIRE_USER_MAX 255
#define WIRE_PASSWORD_MAX 512 /* pam_unix compares no more: a longer one is refused before */
#define WIRE_SOURCE_MAX 64    /* "uid 1000", "192.0.2.1", "2001:db8::/64" */
#define WIRE_STAMP_LEN 16     /* a digest of the shadow entry; empty when there is none */
#define WIRE_WORDS_MAX 4096   /* scope or audiences asked for, parted by blanks */
#define WIRE_SID_MAX 64       /* letters of a session's name; ours have 22 */
#define WIRE_SID_BYTES 16     /* where a page of sessions ended */
#define WIRE_JSON_MAX 16384   /* a page of sessions, a status */

enum wire_role {
    WIRE_FRONT,  /* jwtd */
    WIRE_ISSUER, /* jwtd-issuer */
    WIRE_LOGIN,  /* jwtd-login */
    WIRE_ADMIN,  /* root's jwtctl */
};

enum wire_op {
    /* jwtd -> jwtd-issuer */
    WIRE_PING = 1,  /* -> nothing: keys and store are usable */
    WIRE_OBTAIN,    /* user, password, source -> refresh, access */
    WIRE_REFRESH,   /* refresh token, source -> access, refresh ("" when not rotating) */
    WIRE_VERIFY,    /* token of any type -> nothing */
    WIRE_BLACKLIST, /* refresh token, source -> nothing; its session is over */
    WIRE_WHOAMI,    /* access token -> user, sid, exp (number), iss, aud (JSON), scope or "" */
    WIRE_SLIDING_OBTAIN,  /* user, password, source -> sliding token */
    WIRE_SLIDING_REFRESH, /* sliding token, source -> sliding token */
    WIRE_SESSIONS,        /* access token, after -> sessions (JSON), next */
    WIRE_SESSION_END,     /* access token, sid, source -> nothing */
    WIRE_LOGOUT,          /* access token, source -> nothing; its own session is over */
    WIRE_LOGOUT_ALL,      /* access token, source -> sessions ended (number) */
    WIRE_NARROW, /* access token, scope, audiences, seconds, one_time (0, 1) -> access */
    /* jwtd-issuer -> jwtd-login */
    WIRE_CHECK = 16, /* user, password, source -> stamp */
    WIRE_ACCOUNT,    /* user -> stamp; is this account usable */
    /* root's jwtctl -> jwtd-issuer */
    WIRE_ADMIN_STATUS = 32, /* -> status (JSON) */
    WIRE_ADMIN_SESSIONS,    /* user ("": all), after -> sessions (JSON), next */
    WIRE_ADMIN_REVOKE,      /* user or sid -> sessions ended (number) */
    WIRE_ADMIN_ROTATE,      /* algorithm ("": Algorithm=) -> kid, old kid */
    WIRE_ADMIN_RETIRE,      /* kid ("": all that may go) -> what went, what stays (JSON) */
};

/*
 * A page of sessions is a JSON array, newest first, of
 *   {"sid","created","last_used","expires","source","client","current"}
 * ("user" in place of "current" for an administrator); times are seconds since the Epoch. A
 * page's `next` is empty when it was the last, else what the next request's `after` is;
 * `after` is empty for the first page. WIRE_NARROW: an empty scope, empty audiences and 0
 * seconds mean as the token shown.
 */

/* What became of a request. jwtd has one row a status: HTTP status, body. */
enum wire_status {
    WIRE_OK = 0,
    WIRE_DENIED,      /* wrong password, unknown user or unusable account: never told apart */
    WIRE_INVALID,     /* Token is invalid */
    WIRE_EXPIRED,     /* Token is expired */
    WIRE_BLACKLISTED, /* Token is blacklisted */
    WIRE_NO_EXP,      /* Token has no 'exp' claim */
    WIRE_NO_ID,       /* Token has no id */
    WIRE_NO_TYPE,     /* Token has no type */
    WIRE_WRONG_TYPE,  /* Token has wrong type */
    WIRE_NO_USER,     /* Token contained no recognizable user identification */
    WIRE_NOT_FOUND,   /* the token is good, its account is gone */
    WIRE_INACTIVE,    /* the token is good, its account is expired, locked or not allowed */
    WIRE_PASSWORD_CHANGED, /* the token is good, the password is another since */
    WIRE_TOO_LONG,         /* a token for this user would be over MaxTokenLength */
    WIRE_THROTTLED,        /* -> seconds (number) */
    WIRE_BUSY,             /* more than this machine can hash now: try again */
    WIRE_UNAVAILABLE,      /* settings, keys, store or PAM out of reach; the log says which */
    WIRE_REFRESH_EXPIRED,  /* Token 'refresh_exp' claim has expired */
    WIRE_NO_SESSION,       /* no live session of this user; or sliding tokens are off */
    WIRE_NOT_ALLOWED,      /* a narrowed or one-time token can't do that */
    WIRE_WIDER_SCOPE,      /* more than the scope of the token shown */
    WIRE_WIDER_AUDIENCE,   /* an audience that the token shown has not */
    WIRE_BAD_NARROW,       /* a one-time token is for exactly one audience */
    WIRE_NO_KEY,           /* no such key, or no such algorithm */
    WIRE_STATUS_COUNT,
};

enum wire_kind { WIRE_TEXT, WIRE_BYTES, WIRE_NUMBER };

struct wire_field {
    const char *name;
    enum wire_kind kind;
    size_t max; /* bytes */
};

struct wire_request {
    enum wire_op op;
    const char *name; /* for the log */
    enum wire_role asker, answerer;
    size_t n_fields, n_answer;
    struct wire_field fields[WIRE_FIELDS_MAX];
    struct wire_field answer[WIRE_FIELDS_MAX]; /* of WIRE_OK */
};

union wire_value {
    struct slice text;
    uint64_t number;
};

struct wire_message {
    const struct wire_request *request;
    enum wire_status status; /* answers only */
    size_t n;
    union wire_value v[WIRE_FIELDS_MAX]; /* texts point into the buffer that was read */
};

enum wire_fault {
    WIRE_FINE = 0,
    WIRE_SHORT,     /* ends before its fields do */
    WIRE_OVERSIZED, /* the message, or a field, is over its row's size, or bytes are left over
                     */
    WIRE_UNKNOWN,   /* no such version, request, status or number of fields */
    WIRE_NOT_YOURS, /* not a request that this asker may put to this answerer */
    WIRE_BAD_TEXT,  /* a NUL in a text */
};

const char *wire_fault_word(enum wire_fault fault);
const char *wire_status_word(enum wire_status status);

/* The row of a request; NULL when there is none. */
const struct wire_request *wire_find(unsigned op);

/* Writes a message into buf and its length to *ret_n. What does not fit its row is
 * WIRE_OVERSIZED (or WIRE_BAD_TEXT): ask only what the answerer will read. */
enum wire_fault wire_pack_request(enum wire_op op, const union wire_value *values,
                                  uint8_t buf[WIRE_MESSAGE_MAX], size_t *ret_n) MUST_CHECK;

/* values: of WIRE_OK the row's answer, of WIRE_THROTTLED one number, else ignored. */
enum wire_fault wire_pack_answer(const struct wire_request *request, enum wire_status status,
                                 const union wire_value *values, uint8_t buf[WIRE_MESSAGE_MAX],
                                 size_t *ret_n) MUST_CHECK;

enum wire_fault wire_read_request(struct slice message, enum wire_role asker,
                                  enum wire_role answerer, struct wire_message *ret) MUST_CHECK;

enum wire_fault wire_read_answer(struct slice message, const struct wire_request *request,
                                 struct wire_message *ret) MUST_CHECK;

/* One packet from a connection (recvmsg, MSG_DONTWAIT). Bytes read, 0 at end of file, -EAGAIN,
 * -EMSGSIZE for one over WIRE_MESSAGE_MAX, or another -errno. Descriptors passed along are
 * closed. */
ssize_t wire_receive(int fd, uint8_t buf[WIRE_MESSAGE_MAX]);

/* A connection, nonblocking and close-on-exec, to the socket at path; a descriptor or -errno.
 */
int wire_connect(const char *path);

/* True when the peer of fd runs as this uid, by SO_PEERCRED. *ret_uid may be NULL. */
bool wire_peer_is(int fd, uid_t uid, uid_t *ret_uid);
