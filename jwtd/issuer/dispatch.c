#include "jwtd/issuer/dispatch.h"

#include "common/base/username.h"
#include "jwtd/issuer/requests/table.h"
#include "jwtd/issuer/state.h"
#include "jwtd/issuer/turn.h"
#include "jwtd/shared/messages.h"

#include <string.h>

static const struct settings *settings_of(const struct loop *l)
{
    return &l->issuer.service.settings;
}

static void settle_attempt(struct loop *l, struct slice user, bool failed)
{
    attempts_settle(&l->attempts, user, &settings_of(l)->session.failures_per_user,
                    service_monotonic(), failed);
}

static void answer_throttled(struct issuer_request *r, uint64_t wait)
{
    request_set_event(r, LOG_NOTICE, MESSAGE_LOGIN_DENIED, "Login rate-limited");
    r->event.reason = "FailuresPerUser";
    r->retry_after = (wait + SECOND - 1) / SECOND;
    loop_answer(r, WIRE_THROTTLED);
}

static void ask_password(struct issuer_request *r)
{
    struct loop *l = r->loop;
    enum wire_status status =
        login_client_check(&l->issuer.login, r->message.v, r, &r->inquiry);

    if (status == WIRE_OK) {
        loop_move(r, REQUEST_CHECKING_PASSWORD);
        return;
    }
    settle_attempt(l, request_text(r, 0), false);
    loop_answer(r, status);
}

static void check_password(struct issuer_request *r)
{
    struct loop *l = r->loop;
    struct slice user = request_text(r, 0);
    uint64_t wait = 0;

    /* No token can carry such a name. */
    if (!username_valid(user)) {
        r->login_reply.status = WIRE_DENIED;
        turn_add(r);
        return;
    }
    switch (attempts_take(&l->attempts, user, &settings_of(l)->session.failures_per_user,
                          service_monotonic(), &wait)) {
    case ATTEMPTS_GO:
        ask_password(r);
        return;
    case ATTEMPTS_WAIT:
        loop_move(r, REQUEST_WAITING_TO_CHECK);
        return;
    case ATTEMPTS_LIMIT:
        answer_throttled(r, wait);
        return;
    }
}

/* A check has ended: each request that waited for one starts its own, is refused, or waits for
 * the next to end. */
static void retry_waiting(struct loop *l)
{
    struct issuer_request *r, *next;

    for (r = TAILQ_FIRST(&l->in[REQUEST_WAITING_TO_CHECK]); r; r = next) {
        next = TAILQ_NEXT(r, link);
        check_password(r);
    }
}

static void password_checked(struct loop *l, const struct login_inquiry *q,
                             const struct login_reply *reply)
{
    struct issuer_request *r = q->waiter;
    bool unknown = reply->status == WIRE_BUSY || reply->status == WIRE_UNAVAILABLE;

    settle_attempt(l, slice_of(q->user), reply->status != WIRE_OK && !unknown);
    if (r)
        r->inquiry = NULL;
    if (r && unknown) {
        loop_answer(r, reply->status);
    } else if (r) {
        r->login_reply = *reply;
        turn_add(r);
    }
    retry_waiting(l);
}

static void check_account(struct issuer_request *r)
{
    r->has_login_reply =
        login_client_account(&r->loop->issuer.login, r->token.user, &r->login_reply);
    if (r->has_login_reply)
        turn_add(r);
    else
        loop_move(r, REQUEST_CHECKING_ACCOUNT);
}

static void account_checked(struct loop *l, const char *user, const struct login_reply *reply)
{
    struct issuer_request *r, *next;

    for (r = TAILQ_FIRST(&l->in[REQUEST_CHECKING_ACCOUNT]); r; r = next) {
        next = TAILQ_NEXT(r, link);
        if (strcmp(r->token.user, user) != 0)
            continue;
        r->login_reply = *reply;
        r->has_login_reply = true;
        turn_add(r);
    }
}

void dispatch_login_reply(void *arg, const struct login_inquiry *q,
                          const struct login_reply *reply)
{
    if (q->op == WIRE_CHECK)
        password_checked(arg, q, reply);
    else
        account_checked(arg, q->user, reply);
}

static bool needs_account(const struct issuer_request *r)
{
    const struct settings *set = settings_of(r->loop);

    return r->type->checks_account &&
           (set->session.check_account || set->session.end_on_password_change);
}

static enum wire_status verify_token_of(struct issuer_request *r)
{
    enum wire_status status = WIRE_OK;

    if (r->type->token != OWN_TOKEN_NONE)
        status =
            own_token_verify(&r->loop->issuer, request_text(r, 0), r->type->token, &r->token);
    if (status != WIRE_OK)
        request_set_refusal(r, status);
    return status;
}

void dispatch_request(struct issuer_request *r)
{
    struct issuer *x = &r->loop->issuer;
    enum wire_status status;

    r->type = request_type_find(r->message.request->op);
    if (!r->type || !state_ready(x)) {
        loop_answer(r, WIRE_UNAVAILABLE);
        return;
    }
    (void)issuer_time(x); /* logs a clock that was set back */
    if (r->type->sliding && !settings_of(r->loop)->token.sliding_tokens) {
        loop_answer(r, WIRE_NO_SESSION);
        return;
    }
    status = verify_token_of(r);
    if (status != WIRE_OK || !r->type->handle)
        loop_answer(r, status);
    else if (r->type->checks_password)
        check_password(r);
    else if (needs_account(r))
        check_account(r);
    else
        turn_add(r);
}
