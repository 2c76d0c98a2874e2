#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/mint.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>
#include <string.h>

enum obtain_field { USER, PASSWORD, SOURCE };

/* A session and its first pair, not yet in the store. */
static void new_session(struct issuer *x, const struct issuer_request *r,
                        struct store_session *ret)
{
    static const char *const amr[] = {"", "pwd", "otp", "pwd otp"};
    const struct settings *set = &x->service.settings;
    int64_t now = issuer_time(x);
    struct store_session s = {
        .created_at = now,
        .absolute_exp = now + (int64_t)(set->session.absolute_lifetime / SECOND),
        .stamp_len = r->login_reply.stamp_len,
        .uid = r->login_reply.uid,
        .method = "login",
    };

    request_copy_text(r, USER, s.user, sizeof(s.user));
    request_copy_text(r, SOURCE, s.source, sizeof(s.source));
    (void)snprintf(s.amr, sizeof(s.amr), "%s",
                   amr[r->login_reply.amr & (WIRE_AMR_PWD | WIRE_AMR_OTP)]);
    memcpy(s.stamp, r->login_reply.stamp, r->login_reply.stamp_len);
    mint_id(now, s.sid);
    if (r->type->sliding)
        mint_first_sliding(x, &s, now);
    else
        mint_next(x, &s, 0, now);
    *ret = s;
}

static enum wire_status reply_tokens(struct issuer *x, struct issuer_request *r,
                                     const struct store_session *s)
{
    CLEANUP(secret_clear) struct secret access = {0};
    CLEANUP(secret_clear) struct secret refresh = {0};
    bool sliding = r->type->sliding;
    enum wire_status status =
        sliding ? mint_sliding(x, s, &access) : mint_access(x, s, &access);

    if (status == WIRE_OK && sliding)
        return request_reply_text(r, secret_slice(&access));
    if (status == WIRE_OK)
        status = mint_refresh(x, s, &refresh);
    if (status != WIRE_OK)
        return status;
    return request_reply(r, (union wire_value[]){{.text = secret_slice(&refresh)},
                                                 {.text = secret_slice(&access)}});
}

/* Revokes the sessions of an account that had this name before, or of the password before. */
static enum store_result revoke_former(struct issuer *x, struct issuer_request *r,
                                       struct store_session now)
{
    uint64_t revoked = 0;
    enum store_result result;

    if (!x->service.settings.session.end_on_password_change)
        now.stamp_len = 0;
    result = store_revoke_replaced(x->store, &now, &revoked);
    r->session_revoked = revoked > 0;
    return result;
}

/* Revokes the oldest sessions so that one more is within MaxSessionsPerUser. */
static enum store_result make_room(struct issuer *x, struct issuer_request *r,
                                   const struct store_session *s)
{
    uint64_t max = x->service.settings.session.max_sessions_per_user, revoked = 0;
    enum store_result result = revoke_former(x, r, *s);

    if (max > 0 && result == STORE_DONE)
        result = store_revoke_oldest(x->store, s->user, max - 1, &revoked);
    r->limit_revoked = revoked > 0;
    return result;
}

static enum wire_status accepted(struct issuer *x, struct issuer_request *r)
{
    struct store_session s;
    enum wire_status status;

    new_session(x, r, &s);
    status = reply_tokens(x, r, &s);
    if (status != WIRE_OK)
        return status;
    if (make_room(x, r, &s) != STORE_DONE || store_add(x->store, &s) != STORE_DONE)
        return WIRE_UNAVAILABLE;
    request_set_event(r, LOG_INFO, MESSAGE_LOGIN, "Login succeeded");
    memcpy(r->event.user, s.user, sizeof(s.user));
    request_write_id(s.sid, r->event.sid);
    request_write_id(s.pair.access_jti, r->event.jti);
    return WIRE_OK;
}

/* The name is that of an account: its password was right. */
static enum wire_status otp_required(struct issuer_request *r)
{
    request_set_event(r, LOG_NOTICE, MESSAGE_LOGIN_DENIED, "Login failed");
    request_copy_text(r, USER, r->event.user, sizeof(r->event.user));
    r->event.reason = "no one-time code was sent";
    return WIRE_OTP_REQUIRED;
}

/* Logs only the name of an existing account: users type passwords at the prompt for the name.
 */
static enum wire_status denied(struct issuer *x, struct issuer_request *r)
{
    char user[WIRE_USER_MAX + 1];
    enum store_result known = STORE_DONE;

    request_copy_text(r, USER, user, sizeof(user));
    if (!login_client_has(&x->login, user))
        known = store_has_user(x->store, user);
    if (known == STORE_FAILED)
        return WIRE_UNAVAILABLE;
    request_set_event(r, LOG_NOTICE, MESSAGE_LOGIN_DENIED, "Login failed");
    if (!username_valid(request_text(r, USER)))
        r->event.reason = "not a valid user name, see USER NAMES in jwt.conf(5)";
    if (known == STORE_DONE)
        memcpy(r->event.user, user, sizeof(user));
    return WIRE_DENIED;
}

enum wire_status handle_obtain(struct issuer *x, struct issuer_request *r)
{
    if (r->login_reply.status == WIRE_OTP_REQUIRED)
        return otp_required(r);
    return r->login_reply.status == WIRE_OK ? accepted(x, r) : denied(x, r);
}
