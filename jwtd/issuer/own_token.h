/*
 * Verification of tokens of this issuer: signature, claims and token type. Whether the token's
 * session is alive is for the store, within a turn.
 */
#pragma once

#include "common/base/secret.h"
#include "jwtd/issuer/issuer.h"
#include "jwtd/shared/wire.h"

/* The token_type that a request accepts. */
enum own_token_type {
    OWN_TOKEN_NONE, /* the request carries no token */
    OWN_TOKEN_ANY,
    OWN_TOKEN_ACCESS,
    OWN_TOKEN_REFRESH,
    OWN_TOKEN_SLIDING,
    OWN_TOKEN_BEARER, /* access; with SlidingTokens=yes also sliding */
};

struct own_token {
    bool authentic;   /* the signature is valid: user and sid_text may be logged */
    bool unknown_key; /* the key that signed is not among ours and those of other issuers */
    bool one_time;
    unsigned key_changes;     /* of the issuer when it was verified */
    enum own_token_type type; /* ACCESS, REFRESH, SLIDING; ANY: another one */
    char user[USER_NAME_MAX + 1];
    char sid_text[ISSUE_ID_LEN + 1];
    uint8_t sid[ISSUE_ID_BYTES], jti[ISSUE_ID_BYTES];
    int64_t exp, gen;
    int64_t refresh_exp;    /* of a sliding token */
    struct secret audience; /* aud as JSON text */
    struct secret scope;    /* "": none */
    char amr[STORE_AMR_MAX + 1];
};

/* WIRE_OK, or simplejwt's answer to such a token. Refresh tokens are checked against the
 * store's time, others against the wall clock. *ret is filled in as far as the check got; clear
 * it in any case. */
enum wire_status own_token_verify(const struct issuer *x, struct slice token,
                                  enum own_token_type type, struct own_token *ret);
void own_token_clear(struct own_token *token);

bool own_token_has_audience(const struct own_token *token, struct slice audience);
