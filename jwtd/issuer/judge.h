/*
 * Judging a token that this issuer made: its keys, its names, its claims. Nothing here asks the
 * store: whether the token's session lives is asked in a turn.
 */
#pragma once

#include "secret.h"
#include "store.h"
#include "wire.h"

struct issuer;

enum judge_type { JUDGE_NONE, JUDGE_ANY, JUDGE_ACCESS, JUDGE_REFRESH };

struct judged {
    bool authentic; /* the signature held: sid and user are ours to name in a log */
    bool is_refresh;
    char user[USER_NAME_MAX + 1];
    char sid_text[ISSUE_ID_LEN + 1];
    uint8_t sid[ISSUE_ID_BYTES], jti[ISSUE_ID_BYTES];
    int64_t exp, gen;
    struct secret audience; /* aud's JSON text */
    struct secret scope;    /* "" when there is none */
};

void judged_clear(struct judged *judged);

/* WIRE_OK, or what simplejwt says of such a token. Refresh tokens are judged by the store's
 * time, others by the wall clock. *ret is filled as far as the check came; clear it always. */
enum wire_status judge_token(const struct issuer *x, struct slice token, enum judge_type type,
                             struct judged *ret);
