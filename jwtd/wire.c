#include "wire.h"

#include "cleanup.h"

#include <string.h>
#include <sys/un.h>

#define HEAD 4              /* 'J', version, question or status, number of fields */
#define JSON_MAX 6144       /* a claim of a token of WIRE_TOKEN_MAX letters */
#define KID_MAX 128         /* KEY_KID_MAX of key.h, which jwtd does without */
#define DESCRIPTORS_MAX 253 /* SCM_MAX_FD: more can't come with one packet */

#define TEXT(name, max)                                                                        \
    {                                                                                          \
        (name), WIRE_TEXT, (max)                                                               \
    }
#define BYTES(name, max)                                                                       \
    {                                                                                          \
        (name), WIRE_BYTES, (max)                                                              \
    }
#define NUMBER(name)                                                                           \
    {                                                                                          \
        (name), WIRE_NUMBER, sizeof(uint64_t)                                                  \
    }

#define USER TEXT("user", WIRE_USER_MAX)
#define PASSWORD TEXT("password", WIRE_PASSWORD_MAX)
#define SOURCE TEXT("source", WIRE_SOURCE_MAX)
#define REFRESH TEXT("refresh", WIRE_TOKEN_MAX)
#define ACCESS TEXT("access", WIRE_TOKEN_MAX)
#define STAMP BYTES("stamp", WIRE_STAMP_LEN)
#define TOKEN TEXT("token", WIRE_TOKEN_MAX)
#define AFTER BYTES("after", WIRE_SID_BYTES)
#define NEXT BYTES("next", WIRE_SID_BYTES)
#define SESSIONS TEXT("sessions", WIRE_JSON_MAX)

static const struct wire_question questions[] = {
    {WIRE_PING, "ping", WIRE_FRONT, WIRE_ISSUER, 0, 0, {{0}}, {{0}}},
    {WIRE_OBTAIN,
     "obtain",
     WIRE_FRONT,
     WIRE_ISSUER,
     3,
     2,
     {USER, PASSWORD, SOURCE},
     {REFRESH, ACCESS}},
    {WIRE_REFRESH,
     "refresh",
     WIRE_FRONT,
     WIRE_ISSUER,
     2,
     2,
     {REFRESH, SOURCE},
     {ACCESS, REFRESH}},
    {WIRE_VERIFY, "verify", WIRE_FRONT, WIRE_ISSUER, 1, 0, {TOKEN}, {{0}}},
    {WIRE_BLACKLIST, "blacklist", WIRE_FRONT, WIRE_ISSUER, 2, 0, {REFRESH, SOURCE}, {{0}}},
    {WIRE_WHOAMI,
     "whoami",
     WIRE_FRONT,
     WIRE_ISSUER,
     1,
     6,
     {ACCESS},
     {USER, TEXT("sid", WIRE_SID_MAX), NUMBER("exp"), TEXT("iss", JSON_MAX),
      TEXT("aud", JSON_MAX), TEXT("scope", JSON_MAX)}},
    {WIRE_SLIDING_OBTAIN,
     "sliding-obtain",
     WIRE_FRONT,
     WIRE_ISSUER,
     3,
     1,
     {USER, PASSWORD, SOURCE},
     {TOKEN}},
    {WIRE_SLIDING_REFRESH,
     "sliding-refresh",
     WIRE_FRONT,
     WIRE_ISSUER,
     2,
     1,
     {TOKEN, SOURCE},
     {TOKEN}},
    {WIRE_SESSIONS,
     "sessions",
     WIRE_FRONT,
     WIRE_ISSUER,
     2,
     2,
     {ACCESS, AFTER},
     {SESSIONS, NEXT}},
    {WIRE_SESSION_END,
     "session-end",
     WIRE_FRONT,
     WIRE_ISSUER,
     3,
     0,
     {ACCESS, TEXT("sid", WIRE_SID_MAX), SOURCE},
     {{0}}},
    {WIRE_LOGOUT, "logout", WIRE_FRONT, WIRE_ISSUER, 2, 0, {ACCESS, SOURCE}, {{0}}},
    {WIRE_LOGOUT_ALL,
     "logout-all",
     WIRE_FRONT,
     WIRE_ISSUER,
     2,
     1,
     {ACCESS, SOURCE},
     {NUMBER("count")}},
    {WIRE_NARROW,
     "narrow",
     WIRE_FRONT,
     WIRE_ISSUER,
     5,
     1,
     {ACCESS, TEXT("scope", WIRE_WORDS_MAX), TEXT("aud", WIRE_WORDS_MAX), NUMBER("lifetime"),
      NUMBER("one_time")},
     {ACCESS}},
    {WIRE_CHECK, "check", WIRE_ISSUER, WIRE_LOGIN, 3, 1, {USER, PASSWORD, SOURCE}, {STAMP}},
    {WIRE_ACCOUNT, "account", WIRE_ISSUER, WIRE_LOGIN, 1, 1, {USER}, {STAMP}},
    {WIRE_ADMIN_STATUS,
     "admin-status",
     WIRE_ADMIN,
     WIRE_ISSUER,
     0,
     1,
     {{0}},
     {TEXT("status", WIRE_JSON_MAX)}},
    {WIRE_ADMIN_SESSIONS,
     "admin-sessions",
     WIRE_ADMIN,
     WIRE_ISSUER,
     2,
     2,
     {USER, AFTER},
     {SESSIONS, NEXT}},
    {WIRE_ADMIN_REVOKE,
     "admin-revoke",
     WIRE_ADMIN,
     WIRE_ISSUER,
     1,
     1,
     {TEXT("what", WIRE_USER_MAX)},
     {NUMBER("count")}},
    {WIRE_ADMIN_ROTATE,
     "admin-rotate",
     WIRE_ADMIN,
     WIRE_ISSUER,
     1,
     2,
     {TEXT("alg", 16)},
     {TEXT("kid", KID_MAX), TEXT("old", KID_MAX)}},
    {WIRE_ADMIN_RETIRE,
     "admin-retire",
     WIRE_ADMIN,
     WIRE_ISSUER,
     1,
     1,
     {TEXT("kid", KID_MAX)},
     {TEXT("retired", WIRE_JSON_MAX)}},
};

static const struct wire_field throttled[] = {NUMBER("seconds")};

const char *wire_fault_word(enum wire_fault fault)
{
    switch (fault) {
    case WIRE_FINE:
        return "fine";
    case WIRE_SHORT:
        return "short";
    case WIRE_OVERSIZED:
        return "oversized";
    case WIRE_UNKNOWN:
        return "unknown";
    case WIRE_NOT_YOURS:
        return "not-yours";
    case WIRE_BAD_TEXT:
        return "bad-text";
    }
    return "unknown";
}

const char *wire_status_word(enum wire_status status)
{
    static const char *const words[WIRE_STATUS_COUNT] = {
        [WIRE_OK] = "ok",
        [WIRE_DENIED] = "denied",
        [WIRE_INVALID] = "invalid",
        [WIRE_EXPIRED] = "expired",
        [WIRE_BLACKLISTED] = "blacklisted",
        [WIRE_NO_EXP] = "no-exp",
        [WIRE_NO_ID] = "no-id",
        [WIRE_NO_TYPE] = "no-type",
        [WIRE_WRONG_TYPE] = "wrong-type",
        [WIRE_NO_USER] = "no-user",
        [WIRE_NOT_FOUND] = "not-found",
        [WIRE_INACTIVE] = "inactive",
        [WIRE_PASSWORD_CHANGED] = "password-changed",
        [WIRE_TOO_LONG] = "too-long",
        [WIRE_THROTTLED] = "throttled",
        [WIRE_BUSY] = "busy",
        [WIRE_UNAVAILABLE] = "unavailable",
        [WIRE_REFRESH_EXPIRED] = "refresh-expired",
        [WIRE_NO_SESSION] = "no-session",
        [WIRE_NOT_ALLOWED] = "not-allowed",
        [WIRE_WIDER_SCOPE] = "wider-scope",
        [WIRE_WIDER_AUDIENCE] = "wider-audience",
        [WIRE_BAD_NARROW] = "bad-narrow",
        [WIRE_NO_KEY] = "no-key",
    };

    return (unsigned)status < WIRE_STATUS_COUNT ? words[status] : "unknown";
}

const struct wire_question *wire_find(unsigned op)
{
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
        if (questions[i].op == op)
            return &questions[i];
    return NULL;
}

/* The fields that an answer of this status carries. */
static size_t answer_fields(const struct wire_question *question, enum wire_status status,
                            const struct wire_field **ret_fields)
{
    if (status == WIRE_THROTTLED) {
        *ret_fields = throttled;
        return 1;
    }
    *ret_fields = question->answer;
    return status == WIRE_OK ? question->n_answer : 0;
}

static bool has_nul(struct slice s)
{
    return s.n > 0 && memchr(s.p, 0, s.n) != NULL;
}

static enum wire_fault pack_field(const struct wire_field *field, const union wire_value *value,
                                  uint8_t *buf, size_t *n)
{
    uint8_t number[sizeof(uint64_t)];
    const void *p = number;
    size_t len = sizeof(number);

    if (field->kind == WIRE_NUMBER) {
        for (size_t i = 0; i < sizeof(number); i++)
            number[i] = (uint8_t)(value->number >> (8 * i));
    } else {
        p = value->text.p;
        len = value->text.n;
    }
    if (len > field->max || len + 2 > WIRE_MESSAGE_MAX - *n)
        return WIRE_OVERSIZED;
    if (field->kind == WIRE_TEXT && has_nul(value->text))
        return WIRE_BAD_TEXT;
    buf[(*n)++] = (uint8_t)(len & 0xff);
    buf[(*n)++] = (uint8_t)(len >> 8);
    if (len > 0)
        memcpy(buf + *n, p, len);
    *n += len;
    return WIRE_FINE;
}

static enum wire_fault pack(unsigned what, const struct wire_field *fields, size_t n_fields,
                            const union wire_value *values, uint8_t *buf, size_t *ret_n)
{
    size_t n = 0;

    buf[n++] = 'J';
    buf[n++] = WIRE_VERSION;
    buf[n++] = (uint8_t)what;
    buf[n++] = (uint8_t)n_fields;
    for (size_t i = 0; i < n_fields; i++) {
        enum wire_fault fault = pack_field(&fields[i], &values[i], buf, &n);

        if (fault != WIRE_FINE)
            return fault;
    }
    *ret_n = n;
    return WIRE_FINE;
}

enum wire_fault wire_pack_question(enum wire_op op, const union wire_value *values,
                                   uint8_t buf[WIRE_MESSAGE_MAX], size_t *ret_n)
{
    const struct wire_question *question = wire_find(op);

    if (!question)
        return WIRE_UNKNOWN;
    return pack(op, question->fields, question->n_fields, values, buf, ret_n);
}

enum wire_fault wire_pack_answer(const struct wire_question *question, enum wire_status status,
                                 const union wire_value *values, uint8_t buf[WIRE_MESSAGE_MAX],
                                 size_t *ret_n)
{
    const struct wire_field *fields;
    size_t n;

    if ((unsigned)status >= WIRE_STATUS_COUNT)
        return WIRE_UNKNOWN;
    n = answer_fields(question, status, &fields);
    return pack(status, fields, n, values, buf, ret_n);
}

/* Takes one field off the front of *rest. */
static enum wire_fault read_field(struct slice *rest, const struct wire_field *field,
                                  union wire_value *ret)
{
    const uint8_t *p = (const uint8_t *)rest->p;
    struct slice bytes;

    if (rest->n < 2)
        return WIRE_SHORT;
    bytes = (struct slice){rest->p + 2, p[0] | (size_t)p[1] << 8};
    if (bytes.n > field->max)
        return WIRE_OVERSIZED;
    if (bytes.n > rest->n - 2)
        return WIRE_SHORT;
    if (field->kind == WIRE_NUMBER) {
        if (bytes.n != sizeof(uint64_t))
            return WIRE_SHORT;
        ret->number = 0;
        for (size_t i = 0; i < sizeof(uint64_t); i++)
            ret->number |= (uint64_t)p[2 + i] << (8 * i);
    } else {
        if (field->kind == WIRE_TEXT && has_nul(bytes))
            return WIRE_BAD_TEXT;
        ret->text = bytes;
    }
    *rest = (struct slice){bytes.p + bytes.n, rest->n - 2 - bytes.n};
    return WIRE_FINE;
}

static enum wire_fault read_head(struct slice message, unsigned *ret_what, size_t *ret_n)
{
    const uint8_t *p = (const uint8_t *)message.p;

    if (message.n > WIRE_MESSAGE_MAX)
        return WIRE_OVERSIZED;
    if (message.n < HEAD)
        return WIRE_SHORT;
    if (p[0] != 'J' || p[1] != WIRE_VERSION)
        return WIRE_UNKNOWN;
    *ret_what = p[2];
    *ret_n = p[3];
    return WIRE_FINE;
}

static enum wire_fault read_fields(struct slice message, const struct wire_field *fields,
                                   struct wire_message *made, struct wire_message *ret)
{
    struct slice rest = {message.p + HEAD, message.n - HEAD};

    for (size_t i = 0; i < made->n; i++) {
        enum wire_fault fault = read_field(&rest, &fields[i], &made->v[i]);

        if (fault != WIRE_FINE)
            return fault;
    }
    if (rest.n > 0)
        return WIRE_OVERSIZED;
    *ret = *made;
    return WIRE_FINE;
}

enum wire_fault wire_read_question(struct slice message, enum wire_role asker,
                                   enum wire_role answerer, struct wire_message *ret)
{
    struct wire_message made = {0};
    enum wire_fault fault;
    unsigned what;

    fault = read_head(message, &what, &made.n);
    if (fault != WIRE_FINE)
        return fault;
    made.question = wire_find(what);
    if (!made.question)
        return WIRE_UNKNOWN;
    if (made.question->asker != asker || made.question->answerer != answerer)
        return WIRE_NOT_YOURS;
    if (made.n != made.question->n_fields)
        return WIRE_UNKNOWN;
    return read_fields(message, made.question->fields, &made, ret);
}

enum wire_fault wire_read_answer(struct slice message, const struct wire_question *question,
                                 struct wire_message *ret)
{
    struct wire_message made = {.question = question};
    const struct wire_field *fields;
    enum wire_fault fault;
    unsigned what;

    fault = read_head(message, &what, &made.n);
    if (fault != WIRE_FINE)
        return fault;
    if (what >= WIRE_STATUS_COUNT)
        return WIRE_UNKNOWN;
    made.status = (enum wire_status)what;
    if (made.n != answer_fields(question, made.status, &fields))
        return WIRE_UNKNOWN;
    return read_fields(message, fields, &made, ret);
}

static void close_passed(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            (void)close(fd);
        }
    }
}

ssize_t wire_receive(int fd, uint8_t buf[WIRE_MESSAGE_MAX])
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
    } control;
    struct iovec iov = {buf, WIRE_MESSAGE_MAX};
    struct msghdr m = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof(control.space),
    };
    ssize_t n;

    do
        n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    /* Left open, descriptors sent along would use up ours. */
    close_passed(&m);
    return m.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

int wire_connect(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    int fd;

    if (n >= sizeof(sa.sun_path))
        return -ENAMETOOLONG;
    memcpy(sa.sun_path, path, n);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0) {
        int error = errno;

        (void)close(fd);
        return -error;
    }
    return fd;
}

bool wire_peer_is(int fd, uid_t uid, uid_t *ret_uid)
{
    struct ucred peer;
    socklen_t n = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 || n != sizeof(peer))
        return false;
    if (ret_uid)
        *ret_uid = peer.uid;
    return peer.uid == uid;
}
