#include "jwtd/issuer/requests/sliding.h"

#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/mint.h"
#include "jwtd/issuer/requests/sessions.h"
#include "jwtd/issuer/state.h"
#include "jwtd/shared/messages.h"

enum wire_status sliding_say(struct issuer *x, struct job *job, const struct store_session *s)
{
    CLEANUP(secret_clear) struct secret token = {0};
    enum wire_status status = mint_sliding(x, s, &token);

    job_say(job, status, &(union wire_value){.text = secret_slice(&token)});
    return job->status;
}

static enum step slide(struct issuer *x, struct job *job, struct store_session *s)
{
    int64_t now = state_time(x);

    if (now >= job->token.refresh_exp) {
        job_say(job, WIRE_REFRESH_EXPIRED, NULL);
        return STEP_ANSWER;
    }
    mint_slide(x, s, now, issuer_wall());
    if (sliding_say(x, job, s) != WIRE_OK)
        return STEP_ANSWER;
    if (store_renew(x->store, s->sid, s->pair.gen, s->pair.access_exp, s->idle_exp) !=
        STORE_DONE)
        return STEP_FAILED;
    sessions_event(job, LOG_INFO, MESSAGE_REFRESHED, "A sliding token was exchanged", NULL);
    return STEP_ANSWER;
}

enum step sliding_step(struct issuer *x, struct job *job)
{
    struct store_session s;
    bool good;
    enum step step = sessions_of_token(x, job, &s, &good);

    if (step == STEP_ANSWER && good)
        step = slide(x, job, &s);
    if (step == STEP_ANSWER && job->status != WIRE_OK && !job->event.id)
        sessions_refused(job, job->status);
    return step;
}
