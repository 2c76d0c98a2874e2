/*
 * Verification of the subject token of an exchange (RFC 8693): a token of another issuer, with
 * the [Issuer] section that its iss names, where that has Exchange=yes. The section's key set,
 * user map and list are read anew each time, as pam_jwt does. Whether the token was exchanged
 * before is for the store, within a turn.
 */
#pragma once

#include "common/token/usermap.h"
#include "jwtd/issuer/issuer.h"

struct subject_token {
    char issuer[VALUE_NAME_MAX + 1]; /* of the section; "": not known */
    char user[USER_NAME_MAX + 1];    /* local; need not be an account */
    uint8_t id[ISSUE_ID_BYTES];      /* digest of iss and jti, or of iss and the signed text */
    uint8_t issuer_id[ISSUE_ID_BYTES];
    int64_t exp;      /* wall */
    bool session;     /* Session=yes */
    bool allow_root;  /* AllowRoot=yes */
    int64_t lifetime; /* ExchangeLifetime=, seconds */
    bool mapped;      /* by the line: of its slices none is set */
    struct usermap_line line;
    struct errmsg errmsg; /* why it was refused, for the log */
};

/* WIRE_OK, or what to answer. *ret is filled in as far as the check got. */
enum wire_status subject_token_verify(const struct issuer *x, struct slice token,
                                      struct subject_token *ret);
