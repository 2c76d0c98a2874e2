/*
 * What pam_authenticate leaves for the other phases. In the process that authenticated it is
 * module data: the claims and the policy that accepted them, so that the account phase checks
 * the same claims by the same policy again. Where a program authenticates in a child (sshd's
 * keyboard-interactive) only the PAM environment reaches the parent: JWT_EXP, JWT_JTI and
 * JWT_SID, never the token.
 *
 * The PAM environment is written by the program and by other modules too (pam_env can read a
 * user's file), so it proves nothing. It is parsed strictly, anything malformed counts as
 * absent, and nothing in it makes pam_authenticate succeed. An attacker who can set it gets
 * PAM_SUCCESS from an account line, where the lines after it still decide, and from
 * pam_setcred. The end of a session is not taken from it, but from a note (login_note.h).
 */
#pragma once

#include "common/base/secret.h"
#include "common/config/resolve.h"

#include <security/pam_modules.h>

struct auth_state {
    struct policy policy;
    struct secret payload; /* decoded claims; without the signature it is no token */
    bool has_list;         /* policy.revoked names a list to be searched again */
    bool mapped;           /* policy.user_map is to be used again */
    int64_t exp;
    char kid[KEY_KID_MAX + 1];
    char jti[VERIFY_ID_MAX + 1];
    char sid[VERIFY_ID_MAX + 1];
};

struct auth_env {
    int64_t exp;
    char jti[VERIFY_ID_MAX + 1]; /* "" when absent */
    char sid[VERIFY_ID_MAX + 1]; /* "" when absent */
};

/* Drops what an earlier pam_authenticate on this handle left: only the last one counts. A PAM
 * code. */
int auth_state_clear(pam_handle_t *pamh) MUST_CHECK;

/* Stores the module data, which libpam then owns, and sets the environment. A PAM code. */
int auth_state_store(pam_handle_t *pamh, const struct resolved *rules,
                     const struct verify_result *token) MUST_CHECK;

/* NULL when this process did not authenticate. */
const struct auth_state *auth_state_get(pam_handle_t *pamh);

/* False when the PAM environment does not hold all of the variables, well-formed. */
bool auth_state_read_env(pam_handle_t *pamh, struct auth_env *ret) MUST_CHECK;

/* True when this module authenticated, in this process or in a child. */
bool auth_state_exists(pam_handle_t *pamh);

/* The exp of the token that was accepted, by this process or by a child of it. False when none
 * was, or it is unknown. */
bool auth_state_exp(pam_handle_t *pamh, int64_t *ret) MUST_CHECK;
