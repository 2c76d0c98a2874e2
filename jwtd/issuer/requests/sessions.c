#include "jwtd/issuer/requests/sessions.h"

#include "jwtd/issuer/state.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>
#include <string.h>

void sessions_event(struct job *job, int priority, const char *id, const char *sentence,
                    const char *reason)
{
    struct event *e = &job->event;

    *e = (struct event){.priority = priority, .id = id, .sentence = sentence, .reason = reason};
    if (!job->token.authentic)
        return;
    memcpy(e->user, job->token.user, sizeof(e->user));
    memcpy(e->sid, job->token.sid_text, sizeof(e->sid));
}

void sessions_refused(struct job *job, enum wire_status status)
{
    sessions_event(job, LOG_NOTICE, MESSAGE_REFRESH_DENIED,
                   job->request.request->op == WIRE_SLIDING_REFRESH
                       ? "A sliding token was refused"
                       : "A refresh token was refused",
                   wire_status_word(status));
}

/* A row for a session the store does not know, over from its start. No access token of it can
 * outlive one that was minted just now. */
static enum store_said bury(struct issuer *x, const struct job *job, const char *reason)
{
    const struct settings *set = &x->service.settings;
    int64_t wall = issuer_wall(), now = state_time(x);
    struct store_session s = {
        .created_at = now,
        .absolute_exp = job->token.exp,
        .idle_exp = job->token.exp,
        .pair = {.gen = job->token.gen, .issued_at = wall, .refresh_exp = job->token.exp},
        .rotated_at = now,
        .ended = true,
    };

    s.pair.access_exp = wall + (int64_t)(set->token.access_lifetime / SECOND);
    s.last_access_exp = s.pair.access_exp;
    memcpy(s.sid, job->token.sid, sizeof(s.sid));
    memcpy(s.pair.refresh_jti, job->token.jti, sizeof(s.pair.refresh_jti));
    memcpy(s.user, job->token.user, sizeof(s.user));
    return store_add(x->store, &s, reason);
}

enum store_said sessions_end(struct issuer *x, struct job *job, const char *reason,
                             bool *ret_ended)
{
    struct store_session s;
    enum store_said said = store_find(x->store, job->token.sid, &s);

    if (said == STORE_ABSENT)
        said = bury(x, job, reason);
    else if (said == STORE_DONE)
        said = store_end(x->store, job->token.sid, reason);
    if (said == STORE_FAILED)
        return said;
    *ret_ended = said == STORE_DONE;
    job->ended = job->ended || *ret_ended;
    return STORE_DONE;
}

enum step sessions_rolled_back(struct issuer *x, struct job *job)
{
    bool ended;

    if (sessions_end(x, job, "rollback", &ended) != STORE_DONE)
        return STEP_FAILED;
    sessions_event(job, LOG_ALERT, MESSAGE_ROLLBACK,
                   "A refresh token is newer than the store: a backup was restored; its "
                   "session was ended",
                   NULL);
    job_say(job, WIRE_BLACKLISTED, NULL);
    return STEP_ANSWER;
}

enum step sessions_find(struct issuer *x, struct job *job, struct store_session *ret,
                        bool *ret_live)
{
    int64_t now = state_time(x);

    *ret_live = false;
    switch (store_find(x->store, job->token.sid, ret)) {
    case STORE_FAILED:
        return STEP_FAILED;
    case STORE_ABSENT:
        if (job->token.kind == JUDGED_REFRESH && job->request.request->op == WIRE_REFRESH)
            return sessions_rolled_back(x, job);
        job_say(job, WIRE_BLACKLISTED, NULL);
        return STEP_ANSWER;
    case STORE_DONE:
        break;
    }
    if (ret->ended)
        job_say(job, WIRE_BLACKLISTED, NULL);
    else if (strcmp(ret->user, job->token.user) != 0)
        job_say(job, WIRE_INVALID, NULL);
    else if (now >= ret->absolute_exp || now >= ret->idle_exp)
        job_say(job, WIRE_EXPIRED, NULL);
    else
        *ret_live = true;
    return STEP_ANSWER;
}

/* An account without a stamp, now or at login, has none to compare. */
static bool password_changed(const struct store_session *s, const struct account *account)
{
    return s->stamp_len > 0 && account->stamp_len > 0 &&
           !secret_equal((struct slice){(const char *)s->stamp, s->stamp_len},
                         (struct slice){(const char *)account->stamp, account->stamp_len});
}

static bool is_account_refused(enum wire_status status)
{
    return status == WIRE_NOT_FOUND || status == WIRE_INACTIVE || status == WIRE_DENIED;
}

enum step sessions_account(struct issuer *x, struct job *job,
                           const struct store_session *session, bool *ret_good)
{
    const struct settings *set = &x->service.settings;
    enum wire_status status;
    bool ended;

    *ret_good = true;
    if (!set->session.check_account && !set->session.end_on_password_change)
        return STEP_ANSWER;
    if (!accounts_ask(x, job, session->user))
        return STEP_WAIT;
    status = job->account.status;
    if (is_account_refused(status) && !set->session.check_account)
        return STEP_ANSWER;
    if (status != WIRE_OK) {
        *ret_good = false;
        job_say(job, status == WIRE_DENIED ? WIRE_INACTIVE : status, NULL);
        return STEP_ANSWER;
    }
    if (!set->session.end_on_password_change || !password_changed(session, &job->account))
        return STEP_ANSWER;
    *ret_good = false;
    if (sessions_end(x, job, "password", &ended) != STORE_DONE)
        return STEP_FAILED;
    sessions_event(job, LOG_NOTICE, MESSAGE_LOGOUT,
                   "A session was ended: the password is another since", NULL);
    job_say(job, WIRE_PASSWORD_CHANGED, NULL);
    return STEP_ANSWER;
}

enum step sessions_of_token(struct issuer *x, struct job *job, struct store_session *ret,
                            bool *ret_good)
{
    bool good;
    enum step step = sessions_find(x, job, ret, &good);

    if (step == STEP_ANSWER && good)
        step = sessions_account(x, job, ret, &good);
    *ret_good = step == STEP_ANSWER && good;
    return step;
}

/* All audiences of this issuer, and no scope. */
static bool is_whole(const struct issuer *x, const struct judged *token)
{
    for (char *const *a = x->names.audience; *a; a++)
        if (!judged_has_audience(token, slice_of(*a)))
            return false;
    return token->scope.n == 0;
}

enum step sessions_bearer(struct issuer *x, struct job *job, enum sessions_right right,
                          struct store_session *ret, bool *ret_good)
{
    enum step step = sessions_of_token(x, job, ret, ret_good);

    if (*ret_good &&
        (job->token.one_time || (right == SESSIONS_MANAGE && !is_whole(x, &job->token)))) {
        *ret_good = false;
        job_say(job, WIRE_NOT_ALLOWED, NULL);
    }
    return step;
}

enum step blacklist_step(struct issuer *x, struct job *job)
{
    bool ended;

    if (sessions_end(x, job, "logout", &ended) != STORE_DONE)
        return STEP_FAILED;
    if (ended)
        sessions_event(job, LOG_INFO, MESSAGE_LOGOUT, "A session was ended by its user", NULL);
    job_say(job, ended ? WIRE_OK : WIRE_BLACKLISTED, NULL);
    return STEP_ANSWER;
}
