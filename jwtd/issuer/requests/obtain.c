#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/mint.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/issuer/requests/new_session.h"
#include "jwtd/shared/messages.h"

#include <string.h>

enum obtain_field { USER, PASSWORD };

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

static enum wire_status accepted(struct issuer *x, struct issuer_request *r)
{
    static const char *const amr[] = {"", "pwd", "otp", "pwd otp"};
    const struct settings *set = &x->service.settings;
    const struct new_session how = {
        "login", amr[r->login_reply.amr & (WIRE_AMR_PWD | WIRE_AMR_OTP)], request_text(r, USER),
        (int64_t)(set->session.absolute_lifetime / SECOND)};
    struct store_session s;
    enum wire_status status;

    new_session_init(x, r, &how, &s);
    if (r->type->sliding)
        mint_first_sliding(x, &s, s.created_at);
    else
        mint_next(x, &s, 0, s.created_at);
    status = reply_tokens(x, r, &s);
    if (status != WIRE_OK)
        return status;
    if (new_session_add(x, r, &s) != STORE_DONE)
        return WIRE_UNAVAILABLE;
    new_session_log(r, &s, s.pair.access_jti, MESSAGE_LOGIN, "Login succeeded");
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
