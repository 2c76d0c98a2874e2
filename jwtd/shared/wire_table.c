/* The requests, who may ask them and whom, how large each field may be; and the words for the
 * log. */
#include "jwtd/shared/wire.h"

#define JSON_MAX 6144 /* a claim of a token of WIRE_TOKEN_MAX letters */
#define KID_MAX 128   /* KEY_KID_MAX of key.h, which jwtd does without */

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

static const struct wire_request requests[] = {
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

const struct wire_request *wire_find(unsigned op)
{
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        if (requests[i].op == op)
            return &requests[i];
    return NULL;
}
