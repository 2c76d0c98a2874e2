#include "jwtd/issuer/requests/obtain.h"

#include "common/base/base64url.h"
#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/mint.h"
#include "jwtd/issuer/requests/sliding.h"
#include "jwtd/issuer/state.h"
#include "jwtd/issuer/turn.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>
#include <string.h>

/* A session and its first pair, not yet in the store. */
static bool new_session(struct issuer *x, const struct job *job, bool sliding,
                        struct store_session *ret)
{
    const struct settings *set = &x->service.settings;
    int64_t now = state_time(x), wall = issuer_wall();
    struct store_session s = {
        .created_at = now,
        .absolute_exp = now + (int64_t)(set->session.absolute_lifetime / SECOND),
        .stamp_len = job->account.stamp_len,
    };

    job_copy_text(job, 0, s.user, sizeof(s.user));
    job_copy_text(job, 2, s.source, sizeof(s.source));
    memcpy(s.stamp, job->account.stamp, job->account.stamp_len);
    if (!mint_id(now, s.sid))
        return false;
    if (!(sliding ? mint_first_sliding(x, &s, now, wall) : mint_next(x, &s, 0, now, wall)))
        return false;
    *ret = s;
    return true;
}

/* The oldest go so that the new one is within MaxSessionsPerUser. */
static bool make_room(struct issuer *x, struct job *job, const char *user)
{
    uint64_t max = x->service.settings.session.max_sessions_per_user, ended = 0;

    if (max == 0)
        return true;
    if (store_end_oldest(x->store, user, max - 1, "limit", &ended) != STORE_DONE)
        return false;
    job->ended = ended > 0;
    return true;
}

static void event(struct job *job, const struct store_session *s)
{
    struct event *e = &job->event;
    struct slice sid = {(const char *)s->sid, sizeof(s->sid)};

    *e = (struct event){
        .priority = LOG_INFO, .id = MESSAGE_LOGIN, .sentence = "A password bought a pair"};
    memcpy(e->user, s->user, sizeof(e->user));
    base64url_encode(sid, e->sid);
    e->sid[ISSUE_ID_LEN] = '\0';
}

static enum wire_status mint_pair(struct issuer *x, struct job *job,
                                  const struct store_session *s)
{
    CLEANUP(secret_clear) struct secret access = {0};
    CLEANUP(secret_clear) struct secret refresh = {0};
    enum wire_status status = mint_access(x, s, &access);

    if (status == WIRE_OK)
        status = mint_refresh(x, s, &refresh);
    job_say(job, status,
            (union wire_value[]){{.text = secret_slice(&refresh)},
                                 {.text = secret_slice(&access)}});
    return job->status;
}

static enum step accepted(struct issuer *x, struct job *job)
{
    bool sliding = job->request.request->op == WIRE_SLIDING_OBTAIN;
    struct store_session s;
    enum wire_status status;

    if (!new_session(x, job, sliding, &s)) {
        job_say(job, WIRE_UNAVAILABLE, NULL);
        return STEP_ANSWER;
    }
    status = sliding ? sliding_say(x, job, &s) : mint_pair(x, job, &s);
    if (status != WIRE_OK)
        return STEP_ANSWER;
    if (!make_room(x, job, s.user) || store_add(x->store, &s, NULL) != STORE_DONE)
        return STEP_FAILED;
    event(job, &s);
    return STEP_ANSWER;
}

/* A name is logged only where it is known to be an account's: people type passwords where a
 * name is asked. */
static enum step denied(struct issuer *x, struct job *job)
{
    char user[WIRE_USER_MAX + 1];
    enum store_said said = STORE_DONE;

    job_copy_text(job, 0, user, sizeof(user));
    if (!accounts_knows(x, user))
        said = store_knows_user(x->store, user);
    if (said == STORE_FAILED)
        return STEP_FAILED;
    job->event = (struct event){.priority = LOG_NOTICE,
                                .id = MESSAGE_LOGIN_DENIED,
                                .sentence = "A password bought nothing"};
    if (said == STORE_DONE)
        memcpy(job->event.user, user, sizeof(user));
    job_say(job, WIRE_DENIED, NULL);
    return STEP_ANSWER;
}

static void throttled(struct job *job, uint64_t wait)
{
    job->event = (struct event){.priority = LOG_NOTICE,
                                .id = MESSAGE_LOGIN_DENIED,
                                .sentence = "A password was not looked at",
                                .reason = "FailuresPerUser"};
    job_say(job, WIRE_THROTTLED,
            (union wire_value[]){{.number = (wait + SECOND - 1) / SECOND}});
    job_finish(job);
}

void obtain_start(struct issuer *x, struct job *job)
{
    uint64_t wait = 0;

    /* No token can carry such a name, so no password can buy one. */
    if (!username_valid(job_text(job, 0))) {
        job->step = denied;
        turn_add(x, job);
        return;
    }
    switch (attempts_take(&x->attempts, job_text(job, 0),
                          &x->service.settings.session.failures_per_user, service_monotonic(),
                          &wait)) {
    case ATTEMPTS_GO:
        accounts_check(x, job);
        return;
    case ATTEMPTS_WAIT:
        job_enlist(job, &x->parked);
        return;
    case ATTEMPTS_LIMIT:
        throttled(job, wait);
        return;
    }
}

/* Those that waited for this verdict. */
static void unpark(struct issuer *x)
{
    struct job_list jobs = TAILQ_HEAD_INITIALIZER(jobs);
    struct job *job;

    while ((job = TAILQ_FIRST(&x->parked))) {
        job_delist(job);
        job_enlist(job, &jobs);
    }
    while ((job = TAILQ_FIRST(&jobs))) {
        job_delist(job);
        obtain_start(x, job);
    }
}

void obtain_verdict(struct issuer *x, struct slice user, struct job *job,
                    const struct account *account)
{
    bool good = account->status == WIRE_OK;
    bool ours = account->status == WIRE_BUSY || account->status == WIRE_UNAVAILABLE;

    attempts_settle(&x->attempts, user, &x->service.settings.session.failures_per_user,
                    service_monotonic(), !good && !ours);
    if (job && ours) {
        job_refuse(job, account->status);
    } else if (job) {
        job->account = *account;
        job->step = good ? accepted : denied;
        turn_add(x, job);
    }
    unpark(x);
}
