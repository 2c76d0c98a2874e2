/*
 * A judgement and all that belongs to it: the PAM code, the one line in the log, what the user
 * is told, and what is kept for the phases after.
 */
#pragma once

#include "pam_jwt/options.h"
#include "pam_jwt/prompt.h"

/* pam_authenticate's code for this token. */
int judge_token(pam_handle_t *pamh, int flags, const struct options *o,
                const struct asked *asked, struct slice token) MUST_CHECK;

/* pam_acct_mgmt's; PAM_IGNORE where this module did not authenticate. A line is written for a
 * refusal only: the acceptance had its own. */
int judge_account(pam_handle_t *pamh, int flags, const struct options *o,
                  const struct asked *asked) MUST_CHECK;

/* pam_setcred's and the session's end: PAM_SUCCESS where this module authenticated, for
 * PAM_IGNORE there fails a `sufficient` stack; PAM_IGNORE where it did not, for PAM_SUCCESS
 * there makes success=done skip the setcred of the modules after it. */
int judge_ours(pam_handle_t *pamh, const struct options *o) MUST_CHECK;

/* The beginning of a session that a token opened, with session_limit: it ends when the token
 * does. PAM_SESSION_ERR: the token is over, or nothing says when it is. */
int judge_session(pam_handle_t *pamh, int flags, const struct options *o,
                  const struct asked *asked) MUST_CHECK;
