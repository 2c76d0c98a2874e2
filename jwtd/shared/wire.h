/*
 * The protocol between jwtd, jwtd-issuer, jwtd-login and root's jwtctl: one request and one
 * answer per SOCK_SEQPACKET connection. A const table has the requests: who may make them, to
 * whom, and the maximum size of each field. A message that does not match its row exactly
 * (unknown, short, oversized, wrong number of fields, trailing bytes, a NUL in a text, wrong
 * client) is a fault: the reader logs its word and closes the connection without an answer.
 *
 * A message is 'J', the version, the request or status, the number of fields; then each field
 * as a 16-bit little-endian length and its bytes. A number is 8 bytes, little-endian.
 *
 * Messages have passwords and tokens in them: the owner of a buffer wipes it (secret_wipe).
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

#include <sys/socket.h>

#define WIRE_VERSION 1
#define WIRE_FIELDS_MAX 7
#define WIRE_MESSAGE_MAX 20480 /* bytes; a larger packet is MSG_TRUNC: a fault */
#define WIRE_TOKEN_MAX 8192    /* bytes */
#define WIRE_USER_MAX 255
#define WIRE_PASSWORD_MAX 512 /* pam_unix ignores what follows: longer ones are refused */
#define WIRE_OTP_MAX 64       /* bytes of a one-time code */
#define WIRE_CLIENT_MAX 64    /* of a User-Agent */
#define WIRE_SOURCE_MAX 64    /* "uid 1000", "192.0.2.1", "2001:db8::/64" */
#define WIRE_STAMP_LEN 16   /* digest of the shadow entry; empty: the account has no password */
#define WIRE_WORDS_MAX 4096 /* a scope, or audiences separated by spaces */
#define WIRE_HOST_KEY_MAX 22 /* HOST_KEY_LEN of host_key.h, which jwtd does not include */
#define WIRE_SID_MAX 64      /* characters of a session id; ours have 22 */
#define WIRE_SID_BYTES 16    /* the same in binary: where a page of sessions ended */
#define WIRE_ACCOUNTS_MAX 16 /* requests ACCOUNT at the same time */
#define WIRE_JSON_MAX 16384  /* a page of sessions; a status */

enum wire_role {
    WIRE_FRONT,  /* jwtd */
    WIRE_ISSUER, /* jwtd-issuer */
    WIRE_LOGIN,  /* jwtd-login */
    WIRE_ADMIN,  /* root's jwtctl */
};

enum wire_op {
    /* jwtd -> jwtd-issuer */
    WIRE_PING = 1,  /* -> nothing: can requests be answered */
    WIRE_OBTAIN,    /* user, password, source, otp ("": none), client -> refresh, access */
    WIRE_REFRESH,   /* refresh token, source -> access, refresh ("" when not rotating) */
    WIRE_VERIFY,    /* token of any type -> nothing */
    WIRE_BLACKLIST, /* refresh token, source -> nothing; its session is revoked */
    WIRE_WHOAMI,    /* access token -> user, sid, exp (number), iss, aud (JSON), scope or "" */
    WIRE_SLIDING_OBTAIN,  /* user, password, source, otp, client -> sliding token */
    WIRE_SLIDING_REFRESH, /* sliding token, source -> sliding token */
    WIRE_SESSIONS,        /* access token, after -> sessions (JSON), next */
    WIRE_SESSION_END,     /* access token, sid, source -> nothing */
    WIRE_LOGOUT,          /* access token, source -> nothing; its session is revoked */
    WIRE_LOGOUT_ALL,      /* access token, source -> sessions revoked (number) */
    WIRE_NARROW, /* access token, scope, audiences, seconds, one_time (0, 1), host key -> access
                  */
    WIRE_BUNDLE, /* -> bundle (common/token/bundle.h), its iat, its seq, lines of `revoked` */
    WIRE_EXCHANGE, /* token of another issuer, scope, audiences, source, client -> access,
                    * refresh or
                    * "", seconds until access expires */
    /* jwtd-issuer -> jwtd-login */
    WIRE_CHECK = 16, /* user, password, source, otp -> stamp, uid, enum wire_amr */
    WIRE_ACCOUNT,    /* user -> stamp, uid; may this account be used */
    /* root's jwtctl -> jwtd-issuer */
    WIRE_ADMIN_STATUS = 32, /* -> status (JSON) */
    WIRE_ADMIN_SESSIONS,    /* user ("": all), after -> sessions (JSON), next */
    WIRE_ADMIN_REVOKE,      /* user or sid -> sessions revoked (number) */
    WIRE_ADMIN_ROTATE,      /* algorithm ("": Algorithm=), bundle key (0, 1) -> kid; old kid, ""
                             * when the new one does not sign now; when it will (0: not known) */
    WIRE_ADMIN_RETIRE,      /* kid ("": all expired keys), enum wire_retire -> keys retired and
                             * kept (JSON) */
    WIRE_ADMIN_REVOKE_ALL,  /* -> sessions revoked (number) */
    WIRE_ADMIN_NEW_EPOCH,   /* -> epoch of the bundle */
    WIRE_ADMIN_APPLY_NAMES, /* revoke all sessions (0, 1) -> sessions revoked (number) */
    WIRE_ADMIN_ISSUE,       /* user, scope, audiences, seconds, one_time, host key as of NARROW,
                             * source
                             * -> access, its exp */
};

/*
 * A page of sessions is a JSON array, newest first, of
 *   {"sid","created","last_used","expires","source","client","method","amr","current"}
 * ("user" in place of "current" for root); method is "login", "exchange" or "issue", amr an
 * array of the words of RFC 8176; times are seconds since the Epoch. `next` is the
 * `after` of the request for the next page, empty on the last page; `after` is empty for the
 * first page. WIRE_NARROW: an empty scope, empty audiences and 0 seconds mean those of the
 * token presented; an empty host key means none.
 */

/* What a login was authenticated with; bits. */
enum wire_amr { WIRE_AMR_PWD = 1, WIRE_AMR_OTP = 2 };

enum wire_retire {
    WIRE_RETIRE_EXPIRED,
    WIRE_RETIRE_NOW,    /* whether its tokens have expired or not, and even if it signs */
    WIRE_RETIRE_BUNDLE, /* a bundle key that does not sign */
};

/* The result of a request. jwtd maps each to an HTTP status and a body. */
enum wire_status {
    WIRE_OK = 0,
    WIRE_DENIED,  /* wrong password, unknown user or unusable account, without distinction */
    WIRE_INVALID, /* Token is invalid */
    WIRE_EXPIRED, /* Token is expired */
    WIRE_BLACKLISTED, /* Token is blacklisted */
    WIRE_NO_EXP,      /* Token has no 'exp' claim */
    WIRE_NO_ID,       /* Token has no id */
    WIRE_NO_TYPE,     /* Token has no type */
    WIRE_WRONG_TYPE,  /* Token has wrong type */
    WIRE_NO_USER,     /* Token contained no recognizable user identification */
    WIRE_NOT_FOUND,   /* the token is valid, its account does not exist */
    WIRE_INACTIVE,    /* the token is valid, its account is expired, locked or not allowed */
    WIRE_PASSWORD_CHANGED, /* the token is valid, the password was changed since */
    WIRE_TOO_LONG,         /* the token would exceed MaxTokenLength */
    WIRE_THROTTLED,        /* -> seconds (number) */
    WIRE_BUSY,             /* too many password checks: try again */
    WIRE_UNAVAILABLE,      /* settings, keys, store or PAM unusable: the log says which */
    WIRE_REFRESH_EXPIRED,  /* Token 'refresh_exp' claim has expired */
    WIRE_NO_SESSION,       /* no live session of this user; sliding tokens are off; no bundle */
    WIRE_NOT_ALLOWED,      /* not with a narrowed or one-time token; too many keys */
    WIRE_WIDER_SCOPE,      /* exceeds the scope of the token presented */
    WIRE_WIDER_AUDIENCE,   /* an audience that the token presented does not have */
    WIRE_BAD_NARROW,       /* needs exactly one audience: one-time, or bound to a host key */
    WIRE_BAD_HOST_KEY,     /* not the fingerprint of an SSH key */
    WIRE_NO_KEY,           /* no such key, or no such algorithm */
    WIRE_OTP_REQUIRED,     /* the password was right, and a one-time code was not sent */
    WIRE_WIDER_LIFETIME,   /* exceeds IssueLifetime= */
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
    WIRE_OVERSIZED, /* message or field exceeds its maximum, or there are trailing bytes */
    WIRE_UNKNOWN,   /* no such version, request, status or number of fields */
    WIRE_NOT_YOURS, /* not a request that this client may make to this server */
    WIRE_BAD_TEXT,  /* a NUL in a text */
};

const char *wire_fault_word(enum wire_fault fault);
const char *wire_status_word(enum wire_status status);

/* The row of a request; NULL: unknown. */
const struct wire_request *wire_find(unsigned op);

/* Writes a message to buf and its length to *ret_n. WIRE_OVERSIZED or WIRE_BAD_TEXT: the values
 * do not match the row, and the server would refuse them. */
enum wire_fault wire_pack_request(enum wire_op op, const union wire_value *values,
                                  uint8_t buf[WIRE_MESSAGE_MAX], size_t *ret_n) MUST_CHECK;

/* values: for WIRE_OK those of the row, for WIRE_THROTTLED one number, else ignored. */
enum wire_fault wire_pack_answer(const struct wire_request *request, enum wire_status status,
                                 const union wire_value *values, uint8_t buf[WIRE_MESSAGE_MAX],
                                 size_t *ret_n) MUST_CHECK;

enum wire_fault wire_read_request(struct slice message, enum wire_role asker,
                                  enum wire_role answerer, struct wire_message *ret) MUST_CHECK;

enum wire_fault wire_read_answer(struct slice message, const struct wire_request *request,
                                 struct wire_message *ret) MUST_CHECK;

/* Receives one packet without blocking and closes descriptors passed with it. Bytes received, 0
 * at end of file, -EAGAIN, -EMSGSIZE for one over WIRE_MESSAGE_MAX, or another -errno. A packet
 * may carry a password: the caller wipes buf; after -EMSGSIZE it is wiped. */
ssize_t wire_receive(int fd, uint8_t buf[WIRE_MESSAGE_MAX]);

/* Connects to the socket at path: a nonblocking, close-on-exec descriptor, or -errno. */
int wire_connect(const char *path);

/* A peer that runs reads a request at once. One that has failed is started again after 4 s
 * (RestartSec= of its unit); this is the time for a request to be read, microseconds. */
#define WIRE_READ_TIME ((uint64_t)4500000)

/* Sends a request over such a descriptor. 0, or -errno; -EMSGSIZE: a value does not fit its
 * field. */
int wire_send_request(int fd, enum wire_op op, const union wire_value *values);

/* Reads an answer, of which n is what wire_receive returned. NULL, or for the log why there is
 * no valid one. */
const char *wire_take_answer(const struct wire_request *request, const uint8_t *buf, ssize_t n,
                             struct wire_message *ret) MUST_CHECK;

/* True when the peer has not read what was sent to it. */
bool wire_is_unread(int fd);

/* True when the peer of fd has this uid (SO_PEERCRED). ret_uid may be NULL. */
bool wire_peer_is(int fd, uid_t uid, uid_t *ret_uid);
