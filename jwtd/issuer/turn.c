#include "jwtd/issuer/turn.h"

#include "jwtd/issuer/fleet_keys.h"
#include "jwtd/issuer/shared_bundle.h"
#include "jwtd/issuer/state.h"
#include "jwtd/shared/messages.h"

#include <poll.h>
#include <stdio.h>

/* After everything else in the event loop, so that requests that arrive together share a turn.
 */
#define TURN_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)
#define TURN_MAX 128

#define TRIES_MAX 3
#define SINGLY_TIME (5 * SECOND) /* each may wait for a lock that another issuer has */

/* What became of a transaction. */
enum outcome {
    COMMITTED,
    CONFLICT, /* rolled back: another issuer was in the way, or a session is not as presumed */
    REFUSED,  /* rolled back: the database refuses a statement, which is logged */
    LOST,     /* it is not known; or the keys failed */
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
        shared_bundle_prepare(x);
    return !store_failed(x->store);
}

static enum outcome outcome_of_failure(struct loop *l)
{
    struct issuer *x = &l->issuer;
    char failure[512];
    bool conflict;

    (void)snprintf(failure, sizeof(failure), "%s", store_failure(x->store));
    if (!store_recover(x->store, &conflict))
        return LOST;
    if (conflict)
        return CONFLICT;
    service_report_failure(&x->service, MESSAGE_STORE, "Store failed", failure);
    l->refused = true;
    return REFUSED;
}

/* jwtd has given up waiting, and answered 503: the client may have gone on at another issuer,
 * so that its refresh token would now count as used again. (When the client gives up, jwtd
 * still waits.) */
static bool is_abandoned(const struct issuer_request *r)
{
    struct pollfd fd = {.fd = r->fd};

    return poll(&fd, 1, 0) > 0 && (fd.revents & POLLHUP);
}

/* Of this request, or of all of the turn (NULL); the rows that they may write are locked by
 * now, or presumed. False: the store or the keys failed. */
static bool run_handlers(struct loop *l, const struct issuer_request *only)
{
    struct issuer *x = &l->issuer;
    struct issuer_request *r;

    TAILQ_FOREACH (r, &l->in[REQUEST_IN_TURN], link) {
        if ((only && r != only) || is_abandoned(r))
            continue;
        r->status = request_handle(x, r);
        if (store_failed(x->store) || !x->keys.signer)
            return false;
        if (r->status != WIRE_OK)
            request_set_refusal(r, r->status);
    }
    return true;
}

/* The session of a request is presumed where a shared store has nothing else to do. Returns
 * the request, or NULL. */
static const struct issuer_request *presume(struct loop *l)
{
    const struct issuer *x = &l->issuer;
    const struct issuer_request *r = TAILQ_FIRST(&l->in[REQUEST_IN_TURN]);
    struct store_session session;

    if (!store_is_fleet(x->store) || TAILQ_NEXT(r, link) || !r->type->presume ||
        !r->type->presume(x, r, &session))
        return NULL;
    store_presume(x->store, &session);
    return r;
}

/* What the handlers left is done while the store commits. */
static bool commit(struct loop *l, const struct issuer_request *only)
{
    struct issuer *x = &l->issuer;
    struct issuer_request *r;

    store_send_commit(x->store);
    TAILQ_FOREACH (r, &l->in[REQUEST_IN_TURN], link) {
        if ((only && r != only) || r->status != WIRE_OK || !r->type->complete)
            continue;
        r->status = r->type->complete(x, r);
        if (r->status != WIRE_OK)
            r->event.id = NULL;
    }
    return store_commit(x->store) == STORE_DONE;
}

static enum outcome run_transaction(struct loop *l, const struct issuer_request *only)
{
    struct issuer *x = &l->issuer;
    const struct issuer_request *presumed = only ? NULL : presume(l);
    struct issuer_request *r;
    struct errmsg errmsg = {""};
    bool ok;

    TAILQ_FOREACH (r, &l->in[REQUEST_IN_TURN], link)
        if (r->type->writes_session && (!only || r == only))
            store_expect(x->store, r->token.sid);
    ok = store_begin(x->store, issuer_wall(x), issuer_uptime()) == STORE_DONE &&
         state_follow(x) && prepare_bundle(l) && run_handlers(l, only) &&
         fleet_keys_put(x, &errmsg) == TOK_OK;
    if (ok && presumed && presumed->status != WIRE_OK) { /* nothing would confirm the session */
        store_rollback(x->store);
        return CONFLICT;
    }
    if (ok && commit(l, only)) {
        TAILQ_FOREACH (r, &l->in[REQUEST_IN_TURN], link)
            r->committed = r->committed || !only || r == only;
        return COMMITTED;
    }
    if (store_failed(x->store))
        return outcome_of_failure(l);
    store_rollback(x->store);
    return LOST;
}

/* What a handler has done outside the store is not done again. */
static bool prepare_again(struct issuer_request *r)
{
    bool is_done = r->type->runs_once && r->status == WIRE_OK;

    r->event = (struct request_event){0};
    r->session_revoked = r->limit_revoked = false;
    r->retry_after = 0;
    r->status = WIRE_UNAVAILABLE;
    secret_clear(&r->answer);
    return !is_done;
}

/* One transaction for each request: one that fails harms no other, and two issuers that
 * blocked each other go on. What SINGLY_TIME does not suffice for is left: clients repeat it.
 * False: the store failed. */
static bool run_one_by_one(struct loop *l)
{
    uint64_t until = service_monotonic() + SINGLY_TIME;
    struct issuer_request *r;

    TAILQ_FOREACH (r, &l->in[REQUEST_IN_TURN], link) {
        enum outcome outcome = CONFLICT;

        if (service_monotonic() >= until)
            break;
        for (int i = 0; i < TRIES_MAX && outcome == CONFLICT; i++)
            outcome = prepare_again(r) ? run_transaction(l, r) : REFUSED;
        if (outcome == LOST)
            return false;
    }
    return true;
}

/* False: the store or the keys failed. */
static bool run_turn(struct loop *l)
{
    enum outcome outcome = run_transaction(l, NULL);

    return outcome == COMMITTED || (outcome != LOST && run_one_by_one(l));
}

/* False: a session was revoked and is not published. */
static bool publish(struct loop *l)
{
    struct issuer *x = &l->issuer;
    const struct issuer_request *r;
    bool now = false, soon = false;

    TAILQ_FOREACH (r, &l->in[REQUEST_IN_TURN], link) {
        now = now || (r->committed && r->session_revoked);
        soon = soon || (r->committed && r->limit_revoked);
    }
    if (now)
        return x->usable && state_publish(x);
    if (soon)
        state_publish_soon(x);
    return true;
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

    for (size_t n = 0; n < TURN_MAX && (r = TAILQ_FIRST(&l->in[REQUEST_QUEUED])); n++) {
        r->status = WIRE_UNAVAILABLE;
        loop_move(r, REQUEST_IN_TURN);
    }
}

static int on_turn(sd_event_source *source, void *arg)
{
    struct loop *l = arg;
    struct issuer *x = &l->issuer;
    struct issuer_request *r;
    bool ok, published;

    take_first(l);
    if (TAILQ_EMPTY(&l->in[REQUEST_IN_TURN]))
        return 0; /* the requests have reached their time limit */
    l->refused = false;
    ok = state_ready(x) && run_turn(l);
    if (!ok && x->usable)
        state_lost(x);
    else if (ok && !x->write_failed && !l->refused)
        service_recovered(&x->service);
    published = publish(l);
    while ((r = TAILQ_FIRST(&l->in[REQUEST_IN_TURN]))) {
        bool done = r->committed && (published || !r->session_revoked);

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
