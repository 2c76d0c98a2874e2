/*
 * Checks a password with PAM, or an account without one. Runs in a process that can hang, crash
 * and be killed (child.h): nothing here logs or uses the daemon's loop, and the caller ends by
 * _exit.
 *
 * The PAM conversation answers prompts without echo with the password, and with OtpPrompt= the
 * prompt that it names with the one-time code; then each is given once. Messages of modules are
 * discarded. A stack that prompts for anything else is refused. With pam_faillock in the stack
 * no password is checked unless its tallies can be written: otherwise these logins would be a
 * way around its lockout.
 */
#pragma once

#include "jwtd/login/account.h"

struct check_setup {
    const char *service; /* PAM service: "jwtd" */
    const char *confdir; /* NULL: /etc/pam.d */
    const struct settings *settings;
    long today; /* days since the Epoch */
};

struct check_login {
    struct slice user, password, source;
    struct slice otp; /* empty: none was sent */
};

/* Sent through a pipe as it is. */
struct check_verdict {
    enum wire_status status;
    bool no_tallies;              /* of pam_faillock: no password can be checked */
    char user[WIRE_USER_MAX + 1]; /* for the log; empty when there is no such account */
    char reason[192];             /* for the log; contains nothing of the request */
    uint8_t stamp[WIRE_STAMP_LEN];
    size_t stamp_n;
    uid_t uid;
    unsigned amr; /* enum wire_amr: what was prompted for */
};

/* WIRE_OK with uid and stamp of the account as they were before the check; WIRE_DENIED for a
 * wrong password or code, an unknown user and an account that is not usable; WIRE_OTP_REQUIRED
 * when the stack prompts for a code after the password, and none was sent; WIRE_UNAVAILABLE
 * when PAM or the account database failed. */
void check_password(const struct check_setup *setup, const struct check_login *login,
                    struct check_verdict *ret);

/* WIRE_OK with uid and stamp, WIRE_NOT_FOUND, WIRE_INACTIVE or WIRE_UNAVAILABLE. With
 * CheckAccount=no every account that exists is usable. PAM is not called:
 * its account phase without an authentication before it resets pam_faillock's tally. */
void check_account(const struct check_setup *setup, struct slice user,
                   struct check_verdict *ret);
