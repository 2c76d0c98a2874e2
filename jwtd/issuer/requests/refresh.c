#include "jwtd/issuer/requests/refresh.h"

#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/mint.h"
#include "jwtd/issuer/requests/sessions.h"
#include "jwtd/issuer/state.h"
#include "jwtd/shared/messages.h"

#include <string.h>

/* What a refresh token is to its session. */
enum standing {
    CURRENT,     /* buys the next pair */
    GRACE,       /* the one before, just now: the same successor again */
    USED,        /* was exchanged before */
    ROLLED_BACK, /* the store does not know of it yet: it is older than the token */
};

static bool same_id(const uint8_t a[ISSUE_ID_BYTES], const uint8_t b[ISSUE_ID_BYTES])
{
    return memcmp(a, b, ISSUE_ID_BYTES) == 0;
}

static enum standing standing_of(const struct issuer *x, const struct store_session *s,
                                 const struct judged *token, int64_t now)
{
    const struct settings *set = &x->service.settings;
    int64_t grace = (int64_t)(set->session.rotation_grace / SECOND);
    int64_t age = now - s->rotated_at; /* below 0: the clock was set back since */

    if (token->gen > s->pair.gen)
        return ROLLED_BACK;
    if (token->gen == s->pair.gen)
        return same_id(token->jti, s->pair.refresh_jti) ? CURRENT : ROLLED_BACK;
    if (token->gen == s->pair.gen - 1 && s->has_previous &&
        same_id(token->jti, s->previous_jti) && age < grace && -age < grace)
        return GRACE;
    /* Without a blacklist an old token is as good as the current one, until it expires. */
    return set->session.blacklist_after_rotation ? USED : CURRENT;
}

static enum step answer(struct issuer *x, struct job *job, const struct store_session *s,
                        bool with_refresh)
{
    CLEANUP(secret_clear) struct secret access = {0};
    CLEANUP(secret_clear) struct secret refresh = {0};
    enum wire_status status = mint_access(x, s, &access);

    if (status == WIRE_OK && with_refresh)
        status = mint_refresh(x, s, &refresh);
    job_say(job, status,
            (union wire_value[]){{.text = secret_slice(&access)},
                                 {.text = secret_slice(&refresh)}});
    if (status == WIRE_OK)
        sessions_event(job, LOG_INFO, MESSAGE_REFRESHED, "A refresh token was exchanged", NULL);
    return STEP_ANSWER;
}

static enum step exchange(struct issuer *x, struct job *job, const struct store_session *s,
                          int64_t now)
{
    bool rotate = x->service.settings.session.rotate_refresh_tokens;
    struct store_session next = *s;
    enum store_said said;
    enum step step;

    if (!mint_next(x, &next, rotate ? s->pair.gen + 1 : s->pair.gen, now, issuer_wall())) {
        job_say(job, WIRE_UNAVAILABLE, NULL);
        return STEP_ANSWER;
    }
    step = answer(x, job, &next, rotate);
    if (job->status != WIRE_OK)
        return step;
    if (rotate)
        said = store_rotate(x->store, s->sid, s->pair.gen, &next.pair, next.idle_exp);
    else
        said = store_renew(x->store, s->sid, s->pair.gen, next.pair.access_exp, next.idle_exp);
    return said == STORE_DONE ? step : STEP_FAILED;
}

static enum step used_again(struct issuer *x, struct job *job)
{
    bool ended;

    if (sessions_end(x, job, "reuse", &ended) != STORE_DONE)
        return STEP_FAILED;
    sessions_event(job, LOG_WARNING, MESSAGE_REUSE,
                   "A refresh token was used again: its session was ended", NULL);
    job_say(job, WIRE_BLACKLISTED, NULL);
    return STEP_ANSWER;
}

static enum step serve(struct issuer *x, struct job *job, const struct store_session *s)
{
    int64_t now = state_time(x);
    bool good;
    enum step step;

    switch (standing_of(x, s, &job->token, now)) {
    case ROLLED_BACK:
        return sessions_rolled_back(x, job);
    case USED:
        return used_again(x, job);
    case CURRENT:
        step = sessions_account(x, job, s, &good);
        return good && step == STEP_ANSWER ? exchange(x, job, s, now) : step;
    case GRACE:
        step = sessions_account(x, job, s, &good);
        return good && step == STEP_ANSWER ? answer(x, job, s, true) : step;
    }
    return STEP_FAILED;
}

enum step refresh_step(struct issuer *x, struct job *job)
{
    struct store_session s;
    bool live;
    enum step step = sessions_find(x, job, &s, &live);

    if (step == STEP_ANSWER && live)
        step = serve(x, job, &s);
    if (step == STEP_ANSWER && job->status != WIRE_OK && !job->event.id)
        sessions_refused(job, job->status);
    return step;
}
