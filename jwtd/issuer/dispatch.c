#include "jwtd/issuer/dispatch.h"

#include "jwtd/issuer/password.h"
#include "jwtd/issuer/state.h"
#include "jwtd/issuer/turn.h"

#include <string.h>

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
    struct issuer_request *r;

    if (q->op == WIRE_CHECK) {
        r = password_checked(arg, q, reply);
        if (r)
            turn_add(r);
    } else {
        account_checked(arg, q->user, reply);
    }
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
    if (!r->type || !state_ready(x) || (r->type->tries_write && !state_can_write(x))) {
        loop_answer(r, WIRE_UNAVAILABLE);
        return;
    }
    (void)issuer_time(x); /* logs a clock that was set back */
    if (r->type->sliding && !x->service.settings.token.sliding_tokens) {
        loop_answer(r, WIRE_NO_SESSION);
        return;
    }
    status = verify_token_of(r);
    if (status != WIRE_OK || !r->type->handle) {
        loop_answer(r, status);
    } else if (r->type->checks_password) {
        if (password_check(r))
            turn_add(r);
    } else if (r->type->checks_account || r->type->right != TOKEN_UNCHECKED) {
        check_account(r);
    } else {
        turn_add(r);
    }
}
