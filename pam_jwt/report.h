/*
 * What a call leaves in the log and on the user's screen. One line for each result, a sentence
 * and then key=value.
 *
 * A token or a password is never logged. A user name is logged only when there is such an
 * account, because people type passwords at the prompt for a name; issuer, kid, jti and sid
 * only when the signature was verified. The user gets a message only then, too, and only for
 * errors that the owner of a token can act on.
 */
#pragma once

#include "pam_jwt/call.h"

struct report {
    enum tok_err err;
    const char *reason; /* NULL: the error's word */
    const char *detail; /* NULL or "": the error's sentence */
    bool authentic;     /* the signature was verified */
    const char *shown;  /* shown to the user; NULL: what pam_code_is_shown says */
    const char *issuer, *kid, *jti, *sid; /* NULL or "": unknown */
};

/* Logs the result, and shows it to the user unless PAM_SILENT or the option quiet forbids it.
 */
void report_result(const struct pam_call *call, const struct report *report);

/* Logs a line for an administrator who sets up a stack, when the option debug is set. */
void report_debug(const struct pam_call *call, const char *format, ...) PRINTF_LIKE(2, 3);
