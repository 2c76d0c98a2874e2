/*
 * What one phase leaves for the next. In the process that authenticated: module data with the
 * claims and the policy that took them, so that the account phase judges the same claims again
 * by the same rules. Where a program authenticates in a child (sshd's keyboard-interactive),
 * only the PAM environment crosses over: JWT_EXP, JWT_JTI and JWT_SID, never the token.
 *
 * The PAM environment is written by the program and by other modules too (pam_env may even read
 * a user's file), so it proves nothing. It is read strictly, what is not exactly ours counts as
 * absent, and nothing in it makes pam_authenticate succeed. Whoever can plant it gains no more
 * than PAM_SUCCESS from an account line, where the lines after it still decide, and from
 * pam_setcred.
 */
#pragma once

#include "common/base/secret.h"
#include "common/config/resolve.h"

#include <security/pam_modules.h>

#define SESSION_ID_MAX VERIFY_ID_MAX

struct session {
    struct policy policy;
    struct secret payload; /* decoded claims; no signature, so no token */
    bool has_list;         /* policy.revoked names a list to be asked again */
    bool mapped;           /* policy.user_map is to be asked again */
    int64_t exp;
    char kid[KEY_KID_MAX + 1];
    char jti[SESSION_ID_MAX + 1];
    char sid[SESSION_ID_MAX + 1];
};

struct session_env {
    int64_t exp;
    char jti[SESSION_ID_MAX + 1]; /* "" when absent */
    char sid[SESSION_ID_MAX + 1]; /* "" when absent */
};

/* Drops what an earlier pam_authenticate on this handle left: only the last one counts.
 * A PAM code. */
int session_forget(pam_handle_t *pamh) MUST_CHECK;

/* Keeps module data and exports the environment. A PAM code. */
int session_keep(pam_handle_t *pamh, const struct resolved *rules,
                 const struct verify_result *token) MUST_CHECK;

/* The module data of this process; NULL when it did not authenticate. */
const struct session *session_data(pam_handle_t *pamh);

/* False when the PAM environment holds no whole set of ours. */
bool session_read_env(pam_handle_t *pamh, struct session_env *ret) MUST_CHECK;

/* This module authenticated, here or in a child. */
bool session_is_ours(pam_handle_t *pamh);

/* When the token that opened this login expires. False: nothing says so. */
bool session_exp(pam_handle_t *pamh, int64_t *ret) MUST_CHECK;

/* Asks pam_systemd, further down in the stack, to end the login session after so many seconds
 * (systemd.runtime_max_sec, systemd >= 244). A shorter limit that is there already stays. A PAM
 * code. */
int session_limit(pam_handle_t *pamh, int64_t seconds) MUST_CHECK;
