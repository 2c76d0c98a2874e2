/*
 * The PAM code of each error, in one switch for each phase, so that a new error does not
 * compile without one. No error is PAM_IGNORE: with that a stack goes on, possibly to success
 * (CVE-2025-23013).
 */
#pragma once

#include "common/base/error.h"

#include <security/pam_modules.h>

/* The code of pam_authenticate. */
int pam_code_auth(enum tok_err err) MUST_CHECK;

/* The code of pam_acct_mgmt, for a token that pam_authenticate accepted. */
int pam_code_account(enum tok_err err) MUST_CHECK;

/* True when the user is shown why the token was refused: the owner of an authentic one, and
 * anyone what to enter instead of a text that is no token. The client may be anyone. */
bool pam_code_is_shown(enum tok_err err, bool authentic) MUST_CHECK;
