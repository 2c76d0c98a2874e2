/*
 * The one verification of a token (RFC 7519 7.2, RFC 8725), as a list of steps: length, parts,
 * header, typ, alg, key by kid, signature, claims, policy and user, revoked sessions. The
 * payload is not read before the signature is verified.
 */
#pragma once

#include "common/jose/keyset.h"
#include "common/token/parsed_token.h"
#include "common/token/policy.h"
#include "common/token/revoked.h"

struct verify_params {
    const struct parsed_token *token;
    const struct policy *policy;
    const struct keyset *keys;
    const struct revoked *list; /* NULL: no list is searched (the policy says none) */
    struct policy_params check; /* time, user, service */
};

/* What is known about a token. Filled as far as the verification came, also when it fails, for
 * the log: strings are empty until known, and nothing from the token is in here unless
 * authentic is true. */
struct verify_result {
    bool authentic;               /* the signature was verified */
    char kid[KEY_KID_MAX + 1];    /* the key's, "" when it has none */
    char user[USER_NAME_MAX + 1]; /* set when every check but that of the list succeeded */
    const struct usermap_line *map_line; /* NULL: none applies. It lives as long as the map */
    int64_t exp, iat;                    /* 0 when absent */
    struct slice payload;                /* the parsed token's */
    struct claims claims;                /* slices of it; the last member, as it is large */
};

/* TOK_OK: the token is accepted. *ret lives as long as the parsed token. errmsg (may be NULL)
 * is set only for errors of claims. */
enum tok_err verify_token(const struct verify_params *params, struct verify_result *ret,
                          struct errmsg *errmsg) MUST_CHECK;

/* An id (jti, sid) of a result's claims for the log, NUL-terminated: base64url letters;
 * "" for any other text, a longer one, and id NULL. */
#define VERIFY_ID_MAX 64
void verify_id(const struct scan_value *id, char ret[VERIFY_ID_MAX + 1]);
