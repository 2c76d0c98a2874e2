/*
 * Whether a local account is usable, its uid, and a stamp that changes with its password: from
 * NSS, the shadow entry and the settings, without a password. NSS can block for a long time:
 * call this in a process that can be killed. Neither logs nor stores anything.
 */
#pragma once

#include "common/config/settings.h"
#include "jwtd/shared/wire.h"

#include <sys/types.h>

enum account_state {
    ACCOUNT_USABLE,
    ACCOUNT_GONE,        /* no such account */
    ACCOUNT_RENAMED,     /* NSS spells its name differently; otherwise as ACCOUNT_GONE */
    ACCOUNT_EXPIRED,     /* today is sp_expire or later */
    ACCOUNT_AGED,        /* the password expired more than sp_inact days ago */
    ACCOUNT_LOCKED,      /* the shadow password begins with ! or * */
    ACCOUNT_REFUSED,     /* DenyUsers, AllowUsers or AllowGroups */
    ACCOUNT_UNREACHABLE, /* NSS or the shadow file failed */
};

struct login_account {
    enum account_state state;
    /* The first bytes of SHA-256 over name, shadow password and day of its last change.
     * stamp_n is 0 for a user without a shadow entry. */
    uint8_t stamp[WIRE_STAMP_LEN];
    size_t stamp_n;
    uid_t uid;
    char spelled[128]; /* the name by NSS, of ACCOUNT_RENAMED, for the log */
};

/* name: one that username_valid accepts. today: days since the Epoch. */
void account_look(const char *name, long today, const struct settings *settings,
                  struct login_account *ret);

/* For the log: "the account has expired". Never NULL. */
const char *account_state_text(enum account_state state);
