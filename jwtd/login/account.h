/*
 * May this local account be used, and has its password changed? Answered from NSS, the shadow
 * entry and the settings, without a password. NSS may block for long: call it in a process that
 * can be killed. Neither logs nor keeps anything.
 */
#pragma once

#include "common/config/settings.h"
#include "jwtd/shared/wire.h"

enum account_state {
    ACCOUNT_USABLE,
    ACCOUNT_GONE,        /* no such account, or NSS knows it by another spelling */
    ACCOUNT_EXPIRED,     /* sp_expire has come */
    ACCOUNT_AGED,        /* the password expired, and sp_inact days went by since */
    ACCOUNT_LOCKED,      /* the shadow password begins with ! or * */
    ACCOUNT_REFUSED,     /* DenyUsers, AllowUsers or AllowGroups */
    ACCOUNT_UNREACHABLE, /* NSS or the shadow file failed: nothing is known */
};

struct account {
    enum account_state state;
    /* The first bytes of SHA-256 over name, shadow password and day of its last change: it
     * changes when the password does. stamp_n is 0 for a user without a shadow entry. */
    uint8_t stamp[WIRE_STAMP_LEN];
    size_t stamp_n;
};

/* name is a C string that username_valid took; today is days since the Epoch. */
void account_look(const char *name, long today, const struct settings *settings,
                  struct account *ret);

/* A clause for the log: "the account has expired". Never NULL. */
const char *account_state_text(enum account_state state);
