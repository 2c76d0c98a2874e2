/*
 * Ending sessions, and what an account's state means for one. A token whose session is not live
 * in the store is blacklisted; one rule for ended sessions and for sessions that the store does
 * not know (it was restored from a backup, or thrown away).
 */
#pragma once

#include "jwtd/issuer/issuer.h"

/* The session of the job's token. STEP_ANSWER with *ret_live false: there is no live one, and
 * job_say was called. STEP_FAILED: the store failed. */
enum step sessions_find(struct issuer *x, struct job *job, struct store_session *ret,
                        bool *ret_live);

/* Ends the session of the job's token, with a line in the log. It need not be in the store:
 * then a row is made for it, so that its tokens are refused everywhere. *ret_ended false: it
 * was over already. */
enum store_said sessions_end(struct issuer *x, struct job *job, const char *reason,
                             bool *ret_ended);

/* Ends it because a token of it proves that the store is older than the token. */
enum step sessions_rolled_back(struct issuer *x, struct job *job);

/* What CheckAccount= and EndOnPasswordChange= say to this session. STEP_ANSWER with *ret_good
 * false: job_say was called. STEP_WAIT: jwtd-login is asked. */
enum step sessions_account(struct issuer *x, struct job *job,
                           const struct store_session *session, bool *ret_good);

/* Both: the live session of the job's token, its account as it should be. */
enum step sessions_of_token(struct issuer *x, struct job *job, struct store_session *ret,
                            bool *ret_good);

/* What a token that stands for a person may do. */
enum sessions_right {
    SESSIONS_SHOW,   /* say whose it is, and be narrowed: all but one-time tokens */
    SESSIONS_MANAGE, /* see and end sessions: no token that was narrowed, in scope or audience
                      */
};

/* As sessions_of_token, and the token has this right (WIRE_NOT_ALLOWED: it has not). */
enum step sessions_bearer(struct issuer *x, struct job *job, enum sessions_right right,
                          struct store_session *ret, bool *ret_good);

/* The step of a blacklist question. */
enum step blacklist_step(struct issuer *x, struct job *job);

/* The line in the log of a question that asked for new tokens and gets none. */
void sessions_refused(struct job *job, enum wire_status status);

/* Fills in a job's event from its token: the user and the session, where they are known. */
void sessions_event(struct job *job, int priority, const char *id, const char *sentence,
                    const char *reason);
