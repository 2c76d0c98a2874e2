/*
 * Tokens, valid and invalid, from raw JSON: what an attacker or a broken issuer could write.
 * Invalid ones are the good plan with one thing wrong, so that each test shows one reason.
 */
#pragma once

#include "common/jose/key.h"

#define MINT_SID "AZjmXvZ0cKqkz1y9sUe3vA"

/* Each is JSON text; empty: the member is left out. */
struct plan {
    char header[512];
    char token_type[32], exp[64], iat[64], jti[64], sub[300], iss[96], aud[192], sid[64];
    char more[512]; /* further members, each with a comma in front */
};

/* A valid token for this user: 15 minutes from now. */
struct plan plan_good(const char *user);

/* The compact form, malloc'ed. */
char *mint_sign(const struct plan *plan);
char *mint_sign_by(const struct plan *plan, const struct key *key);

/* With these bytes as signature part instead. */
char *mint_with_signature(const struct plan *plan, const void *signature, size_t n);

/* HMAC-SHA256 over header and payload with these bytes as key. */
char *mint_hmac(const struct plan *plan, const void *key, size_t n);

/* One letter of the signature becomes another; the form stays. */
void mint_spoil(char *token);
