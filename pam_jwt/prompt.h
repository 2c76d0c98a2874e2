/*
 * Who is asked about, and the token. libpam owns both texts. The prompt is libpam's own
 * "Password: ": programs that answer prompts (sudo -p, Ansible, SSH_ASKPASS) match on it.
 */
#pragma once

#include "pam_jwt/options.h"

#include <security/pam_modules.h>

struct asked {
    const char *service;
    const char *user;
};

/* A PAM code: PAM_SUCCESS, or why there is no user name. */
int prompt_user(pam_handle_t *pamh, struct asked *ret) MUST_CHECK;

/* A PAM code: what pam_get_authtok gave; PAM_AUTH_ERR where use_first_pass finds nothing. The
 * slice is valid until PAM_AUTHTOK changes. */
int prompt_token(pam_handle_t *pamh, const struct options *o, struct slice *ret) MUST_CHECK;
