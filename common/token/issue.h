/*
 * Issuing tokens. The claims are in simplejwt's order: token_type, exp, iat, jti, refresh_exp
 * of a sliding token, sub, iss, aud, sid, then amr, gen, scope and one_time if they are set;
 * the header is {"alg","typ","kid"}. With EdDSA, RS and HS the same input gives the same bytes.
 */
#pragma once

#include "common/jose/key.h"
#include "common/token/claims.h"

#define ISSUE_ID_BYTES 16
#define ISSUE_ID_LEN 22 /* letters */

struct issue_claims {
    struct claims_names names;
    const char *token_type;
    int64_t exp, iat;    /* seconds since the Epoch */
    int64_t refresh_exp; /* likewise; 0: none */
    const uint8_t *jti;  /* ISSUE_ID_BYTES */
    const uint8_t *sid;
    const char *user;
    const char *issuer;
    char *const *audience; /* NULL-terminated; one becomes a string, more an array */
    const char *amr;       /* words of RFC 8176, separated by spaces; NULL, "": none */
    int64_t gen;           /* below 0: none */
    const char *scope;     /* NULL: none */
    bool one_time;
};

/* TOK_TOO_LONG when the token would be longer than max bytes (0: no limit). *ret must be empty.
 * TOK_JSON, TOK_CLAIM_TYPE: claims that verify_token would refuse. */
enum tok_err issue_token(const struct key *key, const struct issue_claims *claims, size_t max,
                         struct secret *ret) MUST_CHECK;

/* The length of that token. */
size_t issue_length(const struct key *key, const struct issue_claims *claims);

/* Decodes an id of 22 letters; false for any other text. */
bool issue_id_read(struct slice letters, uint8_t ret[ISSUE_ID_BYTES]) MUST_CHECK;

/* A UUIDv7 (RFC 9562 5.7) as 16 bytes: the time in milliseconds since the Epoch, and ten random
 * bytes in which version and variant are set. */
void issue_id(uint64_t unix_ms, const uint8_t random[10], uint8_t ret[ISSUE_ID_BYTES]);
