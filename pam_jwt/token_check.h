/*
 * The verification of one token, and the repeated check of its claims in the account phase.
 * Each verification has a separate OSSL_LIB_CTX, so that it leaves nothing behind in a
 * program that uses libcrypto itself, and libcrypto's error queue stays as the program left it.
 */
#pragma once

#include "common/config/resolve.h"
#include "pam_jwt/auth_state.h"
#include "pam_jwt/call.h"

struct token_check {
    OSSL_LIB_CTX *ctx;
    struct parsed_token parsed;
    struct resolved rules;
    struct verify_result token; /* filled as far as the verification came */
    struct errmsg errmsg;       /* a sentence for the errors that are ours */
};

/* *ret must be zeros but for rules.list.fd = -1, and is to be cleared in any case. TOK_OK: the
 * token is valid, for this user and service. What cannot be a token is TOK_MALFORMED before any
 * file is read. */
enum tok_err token_check(const struct pam_call *call, struct slice token, int64_t now,
                         struct token_check *ret) MUST_CHECK;
void token_check_clear(struct token_check *c);

/* Checks the claims that pam_authenticate accepted again: the token may have expired since, the
 * service or user changed, the session been revoked. A one-time token stays good for the
 * login that used it. */
enum tok_err token_check_again(const struct pam_call *call, const struct auth_state *state,
                               int64_t now, struct errmsg *errmsg) MUST_CHECK;

/* Checks what is known where another process authenticated: the token's exp, and every list of
 * revoked sessions that could hold its sid. */
enum tok_err token_check_env(const struct pam_call *call, const struct auth_env *env,
                             int64_t now, struct errmsg *errmsg) MUST_CHECK;
