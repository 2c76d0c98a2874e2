/*
 * The arguments of the module in a PAM stack: every policy word (policy.h), and the options
 * below. They are read at each call, so a mistake in a stack shows in every phase of a login.
 */
#pragma once

#include "common/token/policy.h"

#include <security/pam_modules.h>

struct module_options {
    struct policy words; /* those given override the settings files */
    char *config;        /* NULL: POLICY_CONFIG, which may be missing */
    char *prompt;        /* NULL: PAM's default, "Password: " */
    bool use_first_pass;
    bool try_first_pass;
    bool ignore_non_token;
    bool session_limit; /* a login session ends with its token */
    bool quiet;         /* show no messages to the user */
    bool debug;         /* log more */
};

/* *ret must be zero before, and must be cleared after success and error alike. PAM_SERVICE_ERR
 * for a wrong option, with one log line that names it, its value and what was expected;
 * PAM_BUF_ERR. */
int options_read(pam_handle_t *pamh, int argc, const char **argv,
                 struct module_options *ret) MUST_CHECK;
void options_clear(struct module_options *o);
