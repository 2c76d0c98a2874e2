/*
 * The module's arguments in a PAM stack: every policy word (common/policy.h), and some of the
 * module's own. They are read anew on every call: a stack that is wrong is wrong in each phase,
 * not only where somebody looks.
 */
#pragma once

#include "common/token/policy.h"

#include <security/pam_modules.h>

struct module_options {
    struct policy words; /* those given lie over what the files say */
    char *config;        /* NULL: POLICY_CONFIG, which may be missing */
    char *prompt;        /* NULL: PAM's own, "Password: " */
    bool use_first_pass;
    bool try_first_pass;
    bool ignore_non_token;
    bool session_limit; /* a login session ends with its token */
    bool quiet;         /* the user is told nothing */
    bool debug;         /* more lines in the log */
};

/* PAM_SUCCESS; PAM_SERVICE_ERR, with one line in the log that names the option, its value and
 * the allowed form; PAM_BUF_ERR. *ret must be zeroed, and is to be cleared in any case. */
int options_read(pam_handle_t *pamh, int argc, const char **argv,
                 struct module_options *ret) MUST_CHECK;
void options_clear(struct module_options *o);
