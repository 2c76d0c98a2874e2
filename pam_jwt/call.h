/*
 * One call of the module: what libpam passed in, and the user and the token that the call is
 * about. libpam owns the texts.
 */
#pragma once

#include "pam_jwt/options.h"

#include <pwd.h>
#include <security/pam_modules.h>

struct pam_call {
    pam_handle_t *pamh;
    int flags;
    const struct module_options *options;
    const char *service, *user;   /* NULL before call_read_names */
    const struct passwd *account; /* NULL: none, or call_find_account was not called */
};

/* PAM_SUCCESS, or the code for a missing user or service. May prompt for the user. */
int call_read_names(struct pam_call *call) MUST_CHECK;

/* Looks up the account of the user. A directory that ignores case, or adds a domain, returns
 * another name: that name must be of the same account, and is the user from then on. libpam
 * owns the entry. */
void call_find_account(struct pam_call *call);

/* Prompts for the token unless a module before this one did, with libpam's own "Password: "
 * unless an option says otherwise: programs that answer prompts (sudo -p, Ansible, SSH_ASKPASS)
 * match on it. PAM_SUCCESS, the conversation's error, or PAM_AUTH_ERR when use_first_pass finds
 * nothing. *ret is without the white space around the token, and lives until
 * PAM_AUTHTOK changes. */
int call_read_token(const struct pam_call *call, struct slice *ret) MUST_CHECK;
