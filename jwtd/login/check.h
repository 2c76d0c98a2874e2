/*
 * One question answered by PAM and the account database: is this the user's password, is this
 * account usable. Runs in a process of its own that may hang, crash and be killed: nothing here
 * logs or touches the daemon's loop, and whoever calls it leaves by _exit.
 *
 * The conversation answers prompts that hide what is typed, with the password, and nothing
 * else; what modules want to show is dropped. A stack that asks for more is refused.
 */
#pragma once

#include "jwtd/login/account.h"

struct check_setup {
    const char *service; /* of PAM: "jwtd" */
    const char *confdir; /* NULL: /etc/pam.d */
    const struct settings *settings;
    long today; /* days since the Epoch */
};

/* Plain bytes: it crosses a pipe. */
struct check_verdict {
    enum wire_status status;
    char user[WIRE_USER_MAX + 1]; /* for the log; empty when the name is no account */
    char reason[96];              /* likewise; holds nothing that was sent */
    uint8_t stamp[WIRE_STAMP_LEN];
    size_t stamp_n;
};

/* WIRE_OK with the stamp of the shadow entry as it was before the password was asked about;
 * WIRE_DENIED for a wrong password, an unknown name and an account that can't be used;
 * WIRE_UNAVAILABLE when PAM or the account database is out of reach. */
void check_password(const struct check_setup *setup, struct slice user, struct slice password,
                    struct slice source, struct check_verdict *ret);

/* WIRE_OK with the stamp, WIRE_NOT_FOUND, WIRE_INACTIVE or WIRE_UNAVAILABLE. PAM is not asked:
 * its account phase without a password before it resets pam_faillock's tally. */
void check_account(const struct check_setup *setup, struct slice user,
                   struct check_verdict *ret);
