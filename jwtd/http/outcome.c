#include "jwtd/http/outcome.h"

#include <stdio.h>
#include <string.h>

#define NOT_VALID "token_not_valid"
#define PROTECTED_MAX 512

struct words {
    int status;
    const char *detail;
    const char *code;  /* NULL: none */
    const char *field; /* whose fault it is; NULL: the whole request's */
};

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
    [WIRE_NOT_FOUND] = {401, "No active account found for the given token.", NULL, NULL},
    [WIRE_INACTIVE] = {401, "No active account found for the given token.", NULL, NULL},
    [WIRE_PASSWORD_CHANGED] = {401, "The user's password has been changed.", NULL, NULL},
    [WIRE_TOO_LONG] = {400, "A token for this user would be longer than MaxTokenLength allows.",
                       NULL, NULL},
    [WIRE_BUSY] = {503, "Service temporarily unavailable, try again later.", NULL, NULL},
    [WIRE_UNAVAILABLE] = {503, "Service temporarily unavailable, try again later.", NULL, NULL},
    [WIRE_REFRESH_EXPIRED] = {401, "Token 'refresh_exp' claim has expired", NOT_VALID, NULL},
    [WIRE_NO_SESSION] = {404, "Not found.", NULL, NULL},
    [WIRE_NOT_ALLOWED] = {403, "You do not have permission to perform this action.", NULL,
                          NULL},
    [WIRE_WIDER_SCOPE] = {400, "The token shown has no such scope.", NULL, "scope"},
    [WIRE_WIDER_AUDIENCE] = {400, "The token shown is not for this audience.", NULL, "aud"},
    [WIRE_BAD_NARROW] = {400, "A one-time token is for exactly one audience.", NULL, "aud"},
    [WIRE_NO_KEY] = {503, "Service temporarily unavailable, try again later.", NULL, NULL},
};

/* Where a protected view has words of its own; status 0: it has not. */
static const struct words protected_view[WIRE_STATUS_COUNT] = {
    [WIRE_NO_USER] = {401, "Token contained no recognizable user identification", NOT_VALID,
                      NULL},
    [WIRE_NOT_FOUND] = {401, "User not found", "user_not_found", NULL},
    [WIRE_INACTIVE] = {401, "User is inactive", "user_inactive", NULL},
    [WIRE_PASSWORD_CHANGED] = {401, "The user's password has been changed.", "password_changed",
                               NULL},
};

static void token_refused(struct reply *reply, const char *message)
{
    struct emit *out = &reply->body;

    reply_begin(reply, 401, PROTECTED_MAX);
    emit_begin(out);
    emit_member_string(out, "detail", SLICE("Given token not valid for any token type"));
    emit_member_string(out, "code", SLICE(NOT_VALID));
    emit_member(out, "messages");
    emit_text(out, "[");
    emit_begin(out);
    emit_member_string(out, "token_class", SLICE("AccessToken"));
    emit_member_string(out, "token_type", SLICE("access"));
    emit_member_string(out, "message", slice_of(message));
    emit_end(out);
    emit_text(out, "]");
    emit_end(out);
}

/* {"FIELD":["DETAIL"]} */
static void field_refused(struct reply *reply, const struct words *w)
{
    reply_begin(reply, w->status, PROTECTED_MAX);
    emit_begin(&reply->body);
    emit_member(&reply->body, w->field);
    emit_text(&reply->body, "[");
    emit_string(&reply->body, slice_of(w->detail));
    emit_text(&reply->body, "]");
    emit_end(&reply->body);
}

void outcome_throttled(struct reply *reply, uint64_t seconds)
{
    char detail[96];

    (void)snprintf(detail, sizeof(detail),
                   "Request was throttled. Expected available in %llu second%s.",
                   (unsigned long long)seconds, seconds == 1 ? "" : "s");
    reply_detail(reply, 429, detail, NULL);
    reply->retry_after = seconds;
}

void outcome_denied(struct reply *reply)
{
    const struct words *w = &endpoint[WIRE_DENIED];

    reply_detail(reply, w->status, w->detail, w->code);
}

void outcome_reply(struct reply *reply, const struct wire_message *answer,
                   enum outcome_view view)
{
    const struct words *w = &endpoint[answer->status];

    if (answer->status == WIRE_THROTTLED) {
        outcome_throttled(reply, answer->v[0].number);
        return;
    }
    if (view == OUTCOME_PROTECTED && protected_view[answer->status].status != 0)
        w = &protected_view[answer->status];
    else if (view == OUTCOME_PROTECTED && w->status == 401) {
        token_refused(reply, w->detail);
        return;
    }
    if (w->field) {
        field_refused(reply, w);
        return;
    }
    reply_detail(reply, w->status, w->detail, w->code);
    reply->retry_after = w->status == 503 ? 1 : 0;
}
