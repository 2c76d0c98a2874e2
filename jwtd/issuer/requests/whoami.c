#include "jwtd/issuer/requests/whoami.h"

#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/requests/sessions.h"

#include <string.h>

/* A refresh token that was exchanged is blacklisted, though its grace may not be over. */
static bool is_blacklisted(const struct issuer *x, const struct store_session *s,
                           const struct judged *token)
{
    if (token->kind != JUDGED_REFRESH)
        return false;
    if (token->gen > s->pair.gen)
        return true;
    if (token->gen < s->pair.gen)
        return x->service.settings.session.blacklist_after_rotation;
    return memcmp(token->jti, s->pair.refresh_jti, ISSUE_ID_BYTES) != 0;
}

enum step verify_step(struct issuer *x, struct job *job)
{
    struct store_session s;
    bool live;
    enum step step = sessions_find(x, job, &s, &live);

    if (step != STEP_ANSWER || !live)
        return step;
    job_say(job, is_blacklisted(x, &s, &job->token) ? WIRE_BLACKLISTED : WIRE_OK, NULL);
    return STEP_ANSWER;
}

enum step whoami_step(struct issuer *x, struct job *job)
{
    const struct judged *token = &job->token;
    struct store_session s;
    bool good;
    enum step step = sessions_bearer(x, job, SESSIONS_SHOW, &s, &good);

    if (!good)
        return step;
    job_say(job, WIRE_OK,
            (union wire_value[]){{.text = slice_of(token->user)},
                                 {.text = slice_of(token->sid_text)},
                                 {.number = (uint64_t)token->exp},
                                 {.text = slice_of(x->names.issuer)},
                                 {.text = secret_slice(&token->audience)},
                                 {.text = secret_slice(&token->scope)}});
    return STEP_ANSWER;
}
