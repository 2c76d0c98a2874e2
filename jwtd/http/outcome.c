#include "jwtd/http/outcome.h"

#include "common/base/text.h"
#include "jwtd/http/route.h"
#include "jwtd/shared/json_build.h"

#include <stdio.h>

#define NOT_VALID "token_not_valid"
#define REQUEST "invalid_request"
#define NO_ACCOUNT "No active account found for the given token."
#define MEDIA_TYPE_MAX 128 /* bytes that are repeated in the reply */

struct words {
    int status;
    const char *detail;
    const char *code;  /* NULL: none */
    const char *field; /* that is wrong; NULL: the whole request is */
};

/* What has no words here is answered 503. */
static const struct words endpoint[WIRE_STATUS_COUNT] = {
    [WIRE_DENIED] = {401, "No active account found with the given credentials", NULL, NULL},
    [WIRE_INVALID] = {401, "Token is invalid", NOT_VALID, NULL},
    [WIRE_EXPIRED] = {401, "Token is expired", NOT_VALID, NULL},
    [WIRE_BLACKLISTED] = {401, "Token is blacklisted", NOT_VALID, NULL},
    [WIRE_NO_EXP] = {401, "Token has no 'exp' claim", NOT_VALID, NULL},
    [WIRE_NO_ID] = {401, "Token has no id", NOT_VALID, NULL},
    [WIRE_NO_TYPE] = {401, "Token has no type", NOT_VALID, NULL},
    [WIRE_WRONG_TYPE] = {401, "Token has wrong type", NOT_VALID, NULL},
    [WIRE_NO_USER] = {401, "Token contained no recognizable user identification", NOT_VALID,
                      NULL},
    [WIRE_NOT_FOUND] = {401, NO_ACCOUNT, NULL, NULL},
    [WIRE_INACTIVE] = {401, NO_ACCOUNT, NULL, NULL},
    [WIRE_PASSWORD_CHANGED] = {401, "The user's password has been changed.", NULL, NULL},
    [WIRE_TOO_LONG] = {400, "A token for this user would be longer than MaxTokenLength allows.",
                       NULL, NULL},
    [WIRE_REFRESH_EXPIRED] = {401, "Token 'refresh_exp' claim has expired", NOT_VALID, NULL},
    [WIRE_NO_SESSION] = {404, "Not found.", NULL, NULL},
    [WIRE_NOT_ALLOWED] = {403, "You do not have permission to perform this action.", NULL,
                          NULL},
    [WIRE_WIDER_SCOPE] = {400, "The token shown has no such scope.", NULL, "scope"},
    [WIRE_WIDER_AUDIENCE] = {400, "The token of the request does not have this audience.", NULL,
                             "aud"},
    [WIRE_BAD_NARROW] = {400,
                         "A token that is for one use or bound to a host key is for exactly "
                         "one audience.",
                         NULL, "aud"},
    [WIRE_BAD_HOST_KEY] = {400,
                           "Expected the first 22 characters of an SSH key's SHA-256 "
                           "fingerprint, with - and _ in place of + and /.",
                           NULL, "host_key"},
    [WIRE_OTP_REQUIRED] = {401, "A one-time code is required.", "otp_required", NULL},
};

/* What an exchange replies: RFC 6749 5.2 and RFC 8693 2.2.2 want 400 and one of their codes. */
static const struct oauth_words {
    const char *error, *detail, *field;
    bool failed; /* counts as a failed login */
} exchange[WIRE_STATUS_COUNT] = {
    [WIRE_INVALID] = {REQUEST, "The subject token is invalid.", NULL, true},
    [WIRE_EXPIRED] = {REQUEST, "The subject token has expired.", NULL, true},
    [WIRE_BLACKLISTED] = {REQUEST, "The subject token was exchanged before.", NULL, true},
    [WIRE_NO_USER] = {REQUEST, "The subject token names no user of this host.", NULL, true},
    [WIRE_NOT_FOUND] = {REQUEST, NO_ACCOUNT, NULL, true},
    [WIRE_INACTIVE] = {REQUEST, NO_ACCOUNT, NULL, true},
    [WIRE_NOT_ALLOWED] = {REQUEST,
                          "The subject token is restricted to certain services or hosts.", NULL,
                          true},
    [WIRE_TOO_LONG] = {REQUEST,
                       "A token for this user would be longer than MaxTokenLength allows.",
                       NULL, false},
    [WIRE_WIDER_SCOPE] = {"invalid_scope", "No login of this user has such a scope.", "scope",
                          false},
    [WIRE_WIDER_AUDIENCE] = {"invalid_target", "This issuer has no such audience.", "audience",
                             false},
};

/* Where a protected view has other words; status 0: it has not. */
static const struct words protected_view[WIRE_STATUS_COUNT] = {
    [WIRE_NO_USER] = {401, "Token contained no recognizable user identification", NOT_VALID,
                      NULL},
    [WIRE_NOT_FOUND] = {401, "User not found", "user_not_found", NULL},
    [WIRE_INACTIVE] = {401, "User is inactive", "user_inactive", NULL},
    [WIRE_PASSWORD_CHANGED] = {401, "The user's password has been changed.", "password_changed",
                               NULL},
};

struct json_object *outcome_error(const struct connection *c, const char *error)
{
    struct json_object *object = json_object_new_object();

    return c->route->exchange ? json_with(object, "error", json_string(slice_of(error)))
                              : object;
}

static struct json_object *with_one(struct json_object *object, const char *name,
                                    struct json_object *value)
{
    return json_with(object, name, json_list_with(json_object_new_array(), value));
}

struct json_object *outcome_with_error(struct json_object *object, const char *name,
                                       const char *text)
{
    return with_one(object, name, json_string(slice_of(text)));
}

/* A 401 of a protected view. */
static struct json_object *token_error(const char *text)
{
    struct json_object *message = json_object_new_object(), *body = json_object_new_object();

    message = json_with(message, "token_class", json_string(SLICE("AccessToken")));
    message = json_with(message, "token_type", json_string(SLICE("access")));
    message = json_with(message, "message", json_string(slice_of(text)));
    body = json_with(body, "detail",
                     json_string(SLICE("Given token not valid for any token type")));
    body = json_with(body, "code", json_string(SLICE(NOT_VALID)));
    return with_one(body, "messages", message);
}

enum conn_result outcome_throttled(struct connection *c, uint64_t seconds)
{
    char detail[96];

    (void)snprintf(detail, sizeof(detail),
                   "Request was throttled. Expected available in %llu second%s.",
                   (unsigned long long)seconds, seconds == 1 ? "" : "s");
    reply_detail(&c->reply, 429, detail, NULL);
    c->reply.retry_after = seconds;
    return CONN_REPLY;
}

enum conn_result outcome_media_type(struct connection *c)
{
    struct slice type = c->request.content_type;
    char detail[MEDIA_TYPE_MAX + 64];

    (void)snprintf(detail, sizeof(detail), "Unsupported media type \"%.*s\" in request.",
                   slice_shown(type, MEDIA_TYPE_MAX), type.p ? type.p : "");
    /* The bytes of a field need not be UTF-8; those of JSON must be. */
    text_make_printable(detail);
    return connection_refuse(c, 415, detail, NULL);
}

enum conn_result outcome_status(struct connection *c, enum wire_status status)
{
    const struct words *w = &endpoint[status];

    if (c->route->bearer && protected_view[status].status != 0) {
        w = &protected_view[status];
    } else if (c->route->bearer && w->status == 401) {
        reply_json(&c->reply, 401, token_error(w->detail));
        return CONN_REPLY;
    }
    if (w->status == 0)
        return connection_unavailable(c);
    if (w->field)
        reply_json(&c->reply, w->status,
                   outcome_with_error(json_object_new_object(), w->field, w->detail));
    else
        reply_detail(&c->reply, w->status, w->detail, w->code);
    return CONN_REPLY;
}

static void count_failure(struct connection *c)
{
    throttle_failed(&c->server->throttle, c->server->service.settings.http.failures_per_source,
                    &c->source, service_monotonic());
}

enum conn_result outcome_exchange(struct connection *c, enum wire_status status)
{
    const struct oauth_words *w = &exchange[status];
    struct json_object *body;

    if (!w->error)
        return outcome_status(c, status);
    if (w->failed)
        count_failure(c);
    body = outcome_error(c, w->error);
    body = json_with(body, "error_description", json_string(slice_of(w->detail)));
    if (w->field)
        body = outcome_with_error(body, w->field, w->detail);
    else
        body = json_with(body, "detail", json_string(slice_of(w->detail)));
    if (w->failed)
        body = json_with(body, "code", json_string(SLICE(NOT_VALID)));
    reply_json(&c->reply, 400, body);
    return CONN_REPLY;
}

enum conn_result outcome_denied(struct connection *c)
{
    const struct settings *settings = &c->server->service.settings;
    uint64_t step = settings->http.failure_time, now = service_monotonic();

    count_failure(c);
    if (step > 0)
        c->reply_at = c->completed + ((now - c->completed) / step + 1) * step;
    return outcome_status(c, WIRE_DENIED);
}

enum conn_result outcome_refuse(struct connection *c, const struct wire_message *answer)
{
    if (answer->status == WIRE_THROTTLED)
        return outcome_throttled(c, answer->v[0].number);
    if (c->route->exchange)
        return outcome_exchange(c, answer->status);
    return answer->status == WIRE_DENIED ? outcome_denied(c)
                                         : outcome_status(c, answer->status);
}
