#include "jwtd/issuer/turn.h"

#include "jwtd/issuer/fleet_keys.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/issuer/state.h"
#include "jwtd/shared/messages.h"

/* After everything else in the event loop, so that requests that arrive together share a turn.
 */
#define TURN_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)
#define TURN_MAX 128

/* What the handlers of a turn did. */
struct revocations {
    bool now, soon; /* that `revoked` must be published */
};

/* One bundle is for all who ask for it, and from before anything is revoked. */
static bool prepare_bundle(struct loop *l)
{
    struct issuer *x = &l->issuer;
    const struct issuer_request *r;
    bool asked = false;

    TAILQ_FOREACH (r, &l->in[REQUEST_IN_TURN], link)
        asked = asked || r->type->op == WIRE_BUNDLE;
    if (asked)
        prepare_shared_bundle(x);
    return !store_failed(x->store);
}

/* False: the store or the keys failed. */
static bool run_handlers(struct loop *l, struct revocations *revocations)
{
    struct issuer *x = &l->issuer;
    struct issuer_request *r;

    TAILQ_FOREACH (r, &l->in[REQUEST_IN_TURN], link) {
        r->status = request_handle(x, r);
        if (store_failed(x->store) || !x->keys.signer)
            return false;
        if (r->status != WIRE_OK)
            request_set_refusal(r, r->status);
        revocations->now = revocations->now || r->session_revoked;
        revocations->soon = revocations->soon || r->limit_revoked;
    }
    return true;
}

static bool run_transaction(struct loop *l, struct revocations *revocations)
{
    struct issuer *x = &l->issuer;
    struct errmsg errmsg = {""};

    if (store_begin(x->store, issuer_wall(), issuer_uptime()) != STORE_DONE)
        return false;
    if (state_follow(x) && prepare_bundle(l) && run_handlers(l, revocations) &&
        fleet_keys_put(x, &errmsg) == TOK_OK)
        return store_commit(x->store) == STORE_DONE;
    store_rollback(x->store);
    return false;
}

/* Schedules a turn: at once if root or a full turn waits. False: out of memory. */
static bool schedule(struct loop *l)
{
    const struct issuer_request *first = TAILQ_FIRST(&l->in[REQUEST_QUEUED]);
    bool urgent = l->queued >= TURN_MAX || first->from->role == WIRE_ADMIN;

    return sd_event_source_set_priority(l->turn, urgent ? SD_EVENT_PRIORITY_IMPORTANT
                                                        : TURN_PRIORITY) >= 0 &&
           sd_event_source_set_enabled(l->turn, SD_EVENT_ONESHOT) >= 0;
}

static void take_first(struct loop *l)
{
    struct issuer_request *r;

    for (size_t n = 0; n < TURN_MAX && (r = TAILQ_FIRST(&l->in[REQUEST_QUEUED])); n++)
        loop_move(r, REQUEST_IN_TURN);
}

static int on_turn(sd_event_source *source, void *arg)
{
    struct loop *l = arg;
    struct issuer *x = &l->issuer;
    struct issuer_request *r;
    struct revocations revocations = {0};
    bool ok, published = true;

    take_first(l);
    ok = state_ready(x) && run_transaction(l, &revocations);
    if (!ok && x->usable)
        state_lost(x);
    else if (ok && !x->write_failed)
        service_recovered(&x->service);
    if (ok && revocations.now)
        published = state_publish(x);
    else if (ok && revocations.soon)
        state_publish_soon(x);
    while ((r = TAILQ_FIRST(&l->in[REQUEST_IN_TURN]))) {
        bool done = ok && (published || !r->session_revoked);

        if (!done)
            r->event.id = NULL;
        loop_answer(r, done ? r->status : WIRE_UNAVAILABLE);
    }
    return l->queued == 0 || schedule(l) ? 0 : -ENOMEM;
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
    loop_move(r, REQUEST_QUEUED);
    if (!schedule(r->loop))
        loop_close(r);
}
