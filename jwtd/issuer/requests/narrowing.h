/*
 * Access tokens for less than another one, or than what a login gets: fewer scope words, fewer
 * audiences, the host of one SSH key, a shorter lifetime, a single use.
 */
#pragma once

#include "jwtd/issuer/request.h"

struct narrowing {
    const struct store_session *session;
    const struct own_token *from; /* NULL: what a login gets, every audience and no scope */
    int64_t exp;                  /* the latest end; wall */
    /* Empty or 0: as `from`. */
    struct slice scope, audience, host_key;
    uint64_t lifetime, one_time;
};

/* *ret_jti: of the new token. WIRE_OK, or what to answer. *ret must be empty. */
enum wire_status narrowing_mint(const struct issuer *x, const struct narrowing *n,
                                uint8_t ret_jti[ISSUE_ID_BYTES], struct secret *ret);
