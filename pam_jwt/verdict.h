/*
 * What a token's fate means to PAM: one code for every error, in one switch a phase, so that a
 * new error can't compile without one. PAM_IGNORE is in neither: an error that looks like "not
 * my business" lets a stack go on to success (CVE-2025-23013).
 */
#pragma once

#include "common/base/error.h"

#include <security/pam_modules.h>

/* pam_authenticate's. */
int verdict_auth(enum tok_err err) MUST_CHECK;

/* pam_acct_mgmt's, for a token that pam_authenticate took. */
int verdict_account(enum tok_err err) MUST_CHECK;

/* True when the holder of an authentic token is told why it was refused. Never before the
 * signature held: until then the answer would go to somebody unknown. */
bool verdict_is_told(enum tok_err err) MUST_CHECK;
