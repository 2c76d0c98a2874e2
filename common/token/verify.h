/*
 * The one check of a token (RFC 7519 7.2, RFC 8725). It reads as the list of its steps: length,
 * split, header, key by kid, header alg == key alg, signature, claims, policy, user, revoked.
 * No step looks at claims before the signature held, but for verify_peek_issuer, which only
 * chooses by whose settings a token is judged.
 */
#pragma once

#include "common/jose/keyset.h"
#include "common/token/policy.h"
#include "common/token/revoked.h"

struct verify_params {
    struct slice token;
    const struct policy *policy;
    const struct keyset *keys;
    const struct revoked *list; /* NULL: no list is asked (the policy says none) */
    int64_t now;                /* seconds since the Epoch */
    struct slice user;          /* p NULL: any */
    struct slice service;       /* p NULL: any */
    const struct usermap *map;  /* as policy_params's */
    bool accept_one_time;       /* as policy_params's */
    char *scratch;              /* room for the decoded payload: BASE64URL_BYTES(token.n) do */
    size_t scratch_size;
};

/* What is known of a token. Filled as far as the check came, also when it fails, for the log
 * line: text members are empty strings until known, and nothing from the token is in here
 * unless authentic is true. */
struct verify_result {
    bool authentic;               /* the signature held */
    char kid[KEY_KID_MAX + 1];    /* the key's, "" when it has none */
    char user[USER_NAME_MAX + 1]; /* set only when everything but the list held */
    int64_t exp, iat;             /* 0 when absent */
    struct slice payload;         /* decoded, in scratch */
    struct claims claims;         /* spans in scratch; the last member, as large as it is */
};

/* TOK_OK: the token may do this. */
enum tok_err verify_token(const struct verify_params *ask,
                          struct verify_result *ret) MUST_CHECK;

/* An id (jti, sid) of a result's claims for the log, NUL-terminated: base64url letters alone;
 * "" for any other, a longer one, and none (id NULL). */
#define VERIFY_ID_MAX 64
void verify_id(const struct scan_value *id, char ret[VERIFY_ID_MAX + 1]);

/* The iss of a token nobody has checked, decoded, into ret (room for size, NUL-terminated). Any
 * fault: TOK_MALFORMED. */
enum tok_err verify_peek_issuer(struct slice token, char *scratch, size_t scratch_size,
                                char *ret, size_t size) MUST_CHECK;
