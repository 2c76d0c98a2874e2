/* The requests between the daemons, and the names of statuses and faults. */
#include "jwtd/shared/wire.h"

#define JSON_MAX 6144 /* a claim of a token of WIRE_TOKEN_MAX bytes */
#define KID_MAX 128   /* KEYS_KID_MAX of keys.h, which jwtd does not include */

/* clang-format off */
#define TEXT(name, max) {(name), WIRE_TEXT, (max)}
#define BYTES(name, max) {(name), WIRE_BYTES, (max)}
#define NUMBER(name) {(name), WIRE_NUMBER, sizeof(uint64_t)}

#define USER TEXT("user", WIRE_USER_MAX)
#define PASSWORD TEXT("password", WIRE_PASSWORD_MAX)
#define SOURCE TEXT("source", WIRE_SOURCE_MAX)
#define OTP TEXT("otp", WIRE_OTP_MAX)
#define CLIENT TEXT("client", WIRE_CLIENT_MAX)
#define REFRESH TEXT("refresh", WIRE_TOKEN_MAX)
#define ACCESS TEXT("access", WIRE_TOKEN_MAX)
#define TOKEN TEXT("token", WIRE_TOKEN_MAX)
#define SID TEXT("sid", WIRE_SID_MAX)
#define KID TEXT("kid", KID_MAX)
#define SCOPE TEXT("scope", WIRE_WORDS_MAX)
#define AUDIENCES TEXT("aud", WIRE_WORDS_MAX)
#define HOST_KEY TEXT("host_key", WIRE_HOST_KEY_MAX)
#define STAMP BYTES("stamp", WIRE_STAMP_LEN)
#define AFTER BYTES("after", WIRE_SID_BYTES)
#define NEXT BYTES("next", WIRE_SID_BYTES)
#define SESSIONS TEXT("sessions", WIRE_JSON_MAX)

#define FROM_JWTD .asker = WIRE_FRONT, .answerer = WIRE_ISSUER
#define FROM_ROOT .asker = WIRE_ADMIN, .answerer = WIRE_ISSUER
#define TO_LOGIN .asker = WIRE_ISSUER, .answerer = WIRE_LOGIN

#define COUNT(...) (sizeof((const struct wire_field[]){__VA_ARGS__}) / sizeof(struct wire_field))
#define FIELDS(...) .n_fields = COUNT(__VA_ARGS__), .fields = {__VA_ARGS__}
#define ANSWER(...) .n_answer = COUNT(__VA_ARGS__), .answer = {__VA_ARGS__}

static const struct wire_request requests[] = {
    {.op = WIRE_PING, .name = "ping", FROM_JWTD},
    {.op = WIRE_OBTAIN, .name = "obtain", FROM_JWTD,
     FIELDS(USER, PASSWORD, SOURCE, OTP, CLIENT), ANSWER(REFRESH, ACCESS)},
    {.op = WIRE_REFRESH, .name = "refresh", FROM_JWTD,
     FIELDS(REFRESH, SOURCE), ANSWER(ACCESS, REFRESH)},
    {.op = WIRE_VERIFY, .name = "verify", FROM_JWTD, FIELDS(TOKEN)},
    {.op = WIRE_BLACKLIST, .name = "blacklist", FROM_JWTD, FIELDS(REFRESH, SOURCE)},
    {.op = WIRE_WHOAMI, .name = "whoami", FROM_JWTD,
     FIELDS(ACCESS), ANSWER(USER, SID, NUMBER("exp"), TEXT("iss", JSON_MAX),
                            TEXT("aud", JSON_MAX), TEXT("scope", JSON_MAX))},
    {.op = WIRE_SLIDING_OBTAIN, .name = "sliding-obtain", FROM_JWTD,
     FIELDS(USER, PASSWORD, SOURCE, OTP, CLIENT), ANSWER(TOKEN)},
    {.op = WIRE_SLIDING_REFRESH, .name = "sliding-refresh", FROM_JWTD,
     FIELDS(TOKEN, SOURCE), ANSWER(TOKEN)},
    {.op = WIRE_SESSIONS, .name = "sessions", FROM_JWTD,
     FIELDS(ACCESS, AFTER), ANSWER(SESSIONS, NEXT)},
    {.op = WIRE_SESSION_END, .name = "session-end", FROM_JWTD, FIELDS(ACCESS, SID, SOURCE)},
    {.op = WIRE_LOGOUT, .name = "logout", FROM_JWTD, FIELDS(ACCESS, SOURCE)},
    {.op = WIRE_LOGOUT_ALL, .name = "logout-all", FROM_JWTD,
     FIELDS(ACCESS, SOURCE), ANSWER(NUMBER("count"))},
    {.op = WIRE_NARROW, .name = "narrow", FROM_JWTD,
     FIELDS(ACCESS, SCOPE, AUDIENCES, NUMBER("lifetime"), NUMBER("one_time"), HOST_KEY),
     ANSWER(ACCESS)},
    {.op = WIRE_EXCHANGE, .name = "exchange", FROM_JWTD,
     FIELDS(TEXT("subject_token", WIRE_TOKEN_MAX), SCOPE, AUDIENCES, SOURCE, CLIENT),
     ANSWER(ACCESS, REFRESH, NUMBER("expires_in"))},
    {.op = WIRE_BUNDLE, .name = "bundle", FROM_JWTD,
     ANSWER(TEXT("bundle", WIRE_JSON_MAX), NUMBER("iat"), NUMBER("seq"), NUMBER("revoked"))},
    {.op = WIRE_CHECK, .name = "check", TO_LOGIN,
     FIELDS(USER, PASSWORD, SOURCE, OTP), ANSWER(STAMP, NUMBER("uid"), NUMBER("amr"))},
    {.op = WIRE_ACCOUNT, .name = "account", TO_LOGIN, FIELDS(USER), ANSWER(STAMP, NUMBER("uid"))},
    {.op = WIRE_ADMIN_STATUS, .name = "admin-status", FROM_ROOT,
     ANSWER(TEXT("status", WIRE_JSON_MAX))},
    {.op = WIRE_ADMIN_SESSIONS, .name = "admin-sessions", FROM_ROOT,
     FIELDS(USER, AFTER), ANSWER(SESSIONS, NEXT)},
    {.op = WIRE_ADMIN_REVOKE, .name = "admin-revoke", FROM_ROOT,
     FIELDS(TEXT("what", WIRE_USER_MAX)), ANSWER(NUMBER("count"))},
    {.op = WIRE_ADMIN_REVOKE_ALL, .name = "admin-revoke-all", FROM_ROOT,
     ANSWER(NUMBER("count"))},
    {.op = WIRE_ADMIN_ROTATE, .name = "admin-rotate", FROM_ROOT,
     FIELDS(TEXT("alg", 16), NUMBER("bundle")),
     ANSWER(KID, TEXT("old", KID_MAX), NUMBER("from"))},
    {.op = WIRE_ADMIN_RETIRE, .name = "admin-retire", FROM_ROOT,
     FIELDS(KID, NUMBER("how")), ANSWER(TEXT("retired", WIRE_JSON_MAX))},
    {.op = WIRE_ADMIN_NEW_EPOCH, .name = "admin-new-epoch", FROM_ROOT, ANSWER(NUMBER("epoch"))},
    {.op = WIRE_ADMIN_APPLY_NAMES, .name = "admin-apply-names", FROM_ROOT,
     FIELDS(NUMBER("revoke")), ANSWER(NUMBER("count"))},
    {.op = WIRE_ADMIN_ISSUE, .name = "admin-issue", FROM_ROOT,
     FIELDS(USER, SCOPE, AUDIENCES, NUMBER("lifetime"), NUMBER("one_time"), HOST_KEY, SOURCE),
     ANSWER(ACCESS, NUMBER("exp"))},
};
/* clang-format on */

const char *wire_fault_word(enum wire_fault fault)
{
    static const char *const words[] = {
        [WIRE_FINE] = "fine",           [WIRE_SHORT] = "short",
        [WIRE_OVERSIZED] = "oversized", [WIRE_UNKNOWN] = "unknown",
        [WIRE_NOT_YOURS] = "not-yours", [WIRE_BAD_TEXT] = "bad-text",
    };

    return fault < sizeof(words) / sizeof(words[0]) ? words[fault] : "unknown";
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
        [WIRE_BAD_HOST_KEY] = "bad-host-key",
        [WIRE_NO_KEY] = "no-key",
        [WIRE_OTP_REQUIRED] = "otp-required",
        [WIRE_WIDER_LIFETIME] = "wider-lifetime",
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
