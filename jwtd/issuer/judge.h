/*
 * Judging a token that this issuer made: its keys, its names, its claims. Nothing here asks the
 * store: whether the token's session lives is asked in a turn.
 */
#pragma once

#include "common/base/secret.h"
#include "jwtd/issuer/store/store.h"
#include "jwtd/shared/wire.h"

struct issuer;

/* Which token_type a question takes. */
enum judge_type {
    JUDGE_NONE, /* it is about no token */
    JUDGE_ANY,
    JUDGE_ACCESS,
    JUDGE_REFRESH,
    JUDGE_SLIDING,
    JUDGE_BEARER, /* what stands for a person: access, and sliding where those are on */
};

enum judged_kind { JUDGED_OTHER, JUDGED_ACCESS, JUDGED_REFRESH, JUDGED_SLIDING };

struct judged {
    bool authentic; /* the signature held: sid and user are ours to name in a log */
    bool one_time;
    enum judged_kind kind;
    char user[USER_NAME_MAX + 1];
    char sid_text[ISSUE_ID_LEN + 1];
    uint8_t sid[ISSUE_ID_BYTES], jti[ISSUE_ID_BYTES];
    int64_t exp, gen;
    int64_t refresh_exp;    /* of a sliding token */
    struct secret audience; /* aud's JSON text */
    struct secret scope;    /* "" when there is none */
};

void judged_clear(struct judged *judged);

/* True when the token is for this audience. */
bool judged_has_audience(const struct judged *judged, struct slice audience);

/* WIRE_OK, or what simplejwt says of such a token. Refresh tokens are judged by the store's
 * time, others by the wall clock. *ret is filled as far as the check came; clear it always. */
enum wire_status judge_token(const struct issuer *x, struct slice token, enum judge_type type,
                             struct judged *ret);
