#include "jwtd/issuer/turn.h"

#include "jwtd/issuer/state.h"
#include "jwtd/shared/messages.h"

/* After everything else in the event loop, so that requests that arrive together share a turn;
 * but before it once this many wait. */
#define TURN_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)
#define TURN_MAX 128

/* *ret_revoked: one of them revoked a session. False: the store or the keys failed. */
static bool run_handlers(struct loop *l, bool *ret_revoked)
{
    struct issuer *x = &l->issuer;
    struct issuer_request *r;

    TAILQ_FOREACH (r, &l->in[REQUEST_QUEUED], link) {
        r->status = r->type->handle(x, r);
        if (store_failed(x->store) || !x->keys.signer)
            return false;
        if (r->status != WIRE_OK)
            request_set_refusal(r, r->status);
        *ret_revoked = *ret_revoked || r->session_revoked;
    }
    return true;
}

static bool run_transaction(struct loop *l, bool *ret_revoked)
{
    struct issuer *x = &l->issuer;

    if (store_begin(x->store, issuer_wall(), issuer_uptime()) != STORE_DONE)
        return false;
    if (run_handlers(l, ret_revoked))
        return store_commit(x->store) == STORE_DONE;
    store_rollback(x->store);
    return false;
}

static int on_turn(sd_event_source *source, void *arg)
{
    struct loop *l = arg;
    struct issuer *x = &l->issuer;
    struct issuer_request *r;
    bool revoked = false, published = true;
    bool ok = state_ready(x) && run_transaction(l, &revoked);

    (void)source;
    if (ok)
        service_recovered(&x->service);
    else if (x->usable)
        state_lost(x);
    if (ok && revoked)
        published = state_publish(x);
    while ((r = TAILQ_FIRST(&l->in[REQUEST_QUEUED]))) {
        bool done = ok && (published || !r->session_revoked);

        if (!done)
            r->event.id = NULL;
        loop_answer(r, done ? r->status : WIRE_UNAVAILABLE);
    }
    return 0;
}

int turn_init(struct loop *l)
{
    int r = sd_event_add_defer(l->issuer.service.loop, &l->turn, on_turn, l);

    if (r >= 0)
        r = sd_event_source_set_priority(l->turn, TURN_PRIORITY);
    if (r >= 0)
        r = sd_event_source_set_enabled(l->turn, SD_EVENT_OFF);
    return r;
}

void turn_add(struct issuer_request *r)
{
    struct loop *l = r->loop;
    int64_t priority;

    loop_move(r, REQUEST_QUEUED);
    priority = l->queued < TURN_MAX ? TURN_PRIORITY : SD_EVENT_PRIORITY_IMPORTANT;
    if (sd_event_source_set_priority(l->turn, priority) < 0 ||
        sd_event_source_set_enabled(l->turn, SD_EVENT_ONESHOT) < 0)
        loop_close(r);
}

void turn_end(struct loop *l)
{
    l->turn = sd_event_source_disable_unref(l->turn);
}
