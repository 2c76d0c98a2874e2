/*
 * The module's lines in the log, by pam_syslog: one a verdict, a sentence and then key=value.
 * Never a token or a password. A user name only when it is an account's (people type passwords
 * where names are asked), an issuer, kid, jti or
 * sid only when the signature held.
 */
#pragma once

#include "pam_jwt/options.h"

#include <pwd.h>
#include <security/pam_modules.h>

struct log_event {
    enum tok_err err;
    const char *service;
    const struct passwd *account; /* NULL: there is none of the name that was asked */
    const char *reason;           /* NULL: the error's word */
    const char *detail;           /* NULL: the error's sentence */
    /* NULL or "": not known, or not before the signature held */
    const char *issuer, *kid, *jti, *sid;
};

void log_verdict(pam_handle_t *pamh, const struct log_event *event);

/* A line for whoever sets up a stack, when the option asks for it. */
void log_debug(pam_handle_t *pamh, const struct options *o, const char *format, ...)
    PRINTF_LIKE(3, 4);
