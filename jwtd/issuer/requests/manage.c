#include "jwtd/issuer/requests/manage.h"

#include "common/base/base64url.h"
#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/requests/page.h"
#include "jwtd/issuer/requests/sessions.h"
#include "jwtd/issuer/state.h"
#include "jwtd/shared/messages.h"

#include <string.h>

enum step manage_sessions(struct issuer *x, struct job *job)
{
    struct store_session s;
    bool good;
    enum step step = sessions_bearer(x, job, SESSIONS_MANAGE, &s, &good);

    return good ? page_say(x, job, s.user, s.sid, job_text(job, 1)) : step;
}

/* A live session of this user by its name. STORE_ABSENT: another's too. */
static enum store_said find_own(struct issuer *x, const char *user, struct slice name,
                                uint8_t ret[ISSUE_ID_BYTES])
{
    uint8_t sid[ISSUE_ID_BYTES];
    struct store_session s;
    enum store_said said;
    int64_t now = state_time(x);

    if (!issue_id_read(name, sid))
        return STORE_ABSENT;
    said = store_find(x->store, sid, &s);
    if (said != STORE_DONE)
        return said;
    if (s.ended || strcmp(s.user, user) != 0 || now >= s.absolute_exp || now >= s.idle_exp)
        return STORE_ABSENT;
    memcpy(ret, sid, sizeof(sid));
    return STORE_DONE;
}

/* The line in the log names the session that was ended. */
static void ended(struct job *job, const uint8_t sid[ISSUE_ID_BYTES])
{
    job->ended = true;
    sessions_event(job, LOG_INFO, MESSAGE_LOGOUT, "A session was ended by its user", NULL);
    base64url_encode((struct slice){(const char *)sid, ISSUE_ID_BYTES}, job->event.sid);
    job->event.sid[ISSUE_ID_LEN] = '\0';
    job_say(job, WIRE_OK, NULL);
}

enum step manage_session_end(struct issuer *x, struct job *job)
{
    uint8_t sid[ISSUE_ID_BYTES];
    struct store_session s;
    bool good;
    enum step step = sessions_bearer(x, job, SESSIONS_MANAGE, &s, &good);
    enum store_said said;

    if (!good)
        return step;
    said = find_own(x, s.user, job_text(job, 1), sid);
    if (said == STORE_DONE)
        said = store_end(x->store, sid, "logout");
    if (said == STORE_FAILED)
        return STEP_FAILED;
    if (said == STORE_DONE)
        ended(job, sid);
    else
        job_say(job, WIRE_NO_SESSION, NULL);
    return STEP_ANSWER;
}

enum step manage_logout(struct issuer *x, struct job *job)
{
    struct store_session s;
    bool good;
    enum step step = sessions_bearer(x, job, SESSIONS_MANAGE, &s, &good);

    if (!good)
        return step;
    if (store_end(x->store, s.sid, "logout") != STORE_DONE)
        return STEP_FAILED;
    ended(job, s.sid);
    return STEP_ANSWER;
}

enum step manage_logout_all(struct issuer *x, struct job *job)
{
    struct store_session s;
    bool good;
    uint64_t n = 0;
    enum step step = sessions_bearer(x, job, SESSIONS_MANAGE, &s, &good);

    if (!good)
        return step;
    if (store_end_user(x->store, s.user, issuer_wall(), "logout-all", &n) != STORE_DONE)
        return STEP_FAILED;
    job->ended = n > 0;
    sessions_event(job, LOG_INFO, MESSAGE_LOGOUT, "All sessions of a user were ended", NULL);
    job_say(job, WIRE_OK, &(union wire_value){.number = n});
    return STEP_ANSWER;
}
