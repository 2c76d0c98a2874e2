#include "jwtd/issuer/turn.h"

#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/state.h"

/* Everything else of the loop comes first: what can join the transaction is there by then. */
#define TURN_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)

/* The jobs' steps. Those that must wait on leave the turn. */
static bool take_steps(struct issuer *x, struct job_list *jobs)
{
    struct job *job, *next;

    for (job = TAILQ_FIRST(jobs); job; job = next) {
        enum step step;

        next = TAILQ_NEXT(job, link);
        job_delist(job);
        step = job->step(x, job);
        if (step == STEP_WAIT)
            continue;
        if (next) {
            TAILQ_INSERT_BEFORE(next, job, link);
            job->list = jobs;
        } else {
            job_enlist(job, jobs);
        }
        if (step == STEP_FAILED)
            return false;
    }
    return true;
}

static bool work(struct issuer *x, struct job_list *jobs)
{
    if (store_begin(x->store, issuer_wall(), issuer_up()) != STORE_DONE)
        return false;
    if (!take_steps(x, jobs)) {
        store_rollback(x->store);
        return false;
    }
    return store_commit(x->store) == STORE_DONE;
}

static bool some_ended(const struct job_list *jobs)
{
    const struct job *job;

    for (job = TAILQ_FIRST(jobs); job; job = TAILQ_NEXT(job, link))
        if (job->ended)
            return true;
    return false;
}

static void refuse(struct job *job)
{
    job->event.id = NULL;
    job_say(job, WIRE_UNAVAILABLE, NULL);
}

static void run(struct issuer *x)
{
    struct job_list jobs = TAILQ_HEAD_INITIALIZER(jobs);
    struct job *job;
    bool published = true;
    bool ok = state_ready(x);

    while ((job = TAILQ_FIRST(&x->queue))) {
        job_delist(job);
        job_enlist(job, &jobs);
    }
    x->queued = 0;
    if (ok)
        ok = work(x, &jobs);
    if (ok)
        service_content(&x->service);
    else if (x->usable)
        state_lost(x);
    if (ok && some_ended(&jobs))
        published = state_publish(x);
    while ((job = TAILQ_FIRST(&jobs))) {
        if (!ok || (job->ended && !published))
            refuse(job);
        job_finish(job);
    }
}

static int on_turn(sd_event_source *source, void *arg)
{
    (void)source;
    run(arg);
    return 0;
}

int turn_init(struct issuer *x)
{
    int r = sd_event_add_defer(x->service.loop, &x->turn, on_turn, x);
    if (r >= 0)
        r = sd_event_source_set_priority(x->turn, TURN_PRIORITY);
    if (r >= 0)
        r = sd_event_source_set_enabled(x->turn, SD_EVENT_OFF);
    return r;
}

void turn_add(struct issuer *x, struct job *job)
{
    int r;

    job_enlist(job, &x->queue);
    x->queued++;
    if (x->queued >= TURN_MAX)
        r = sd_event_source_set_priority(x->turn, SD_EVENT_PRIORITY_IMPORTANT);
    else
        r = sd_event_source_set_priority(x->turn, TURN_PRIORITY);
    if (r >= 0)
        r = sd_event_source_set_enabled(x->turn, SD_EVENT_ONESHOT);
    if (r < 0)
        job_drop(job);
}

void turn_end(struct issuer *x)
{
    x->turn = sd_event_source_disable_unref(x->turn);
}
