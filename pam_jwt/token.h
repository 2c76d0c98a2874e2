/*
 * The judgement of one token, and of its claims again in the account phase. Each check has an
 * OSSL_LIB_CTX of its own, so that nothing of it is left in a program that may use libcrypto
 * itself, and what the program has in libcrypto's error queue stays as it was.
 */
#pragma once

#include "common/config/resolve.h"
#include "pam_jwt/options.h"
#include "pam_jwt/prompt.h"
#include "pam_jwt/session.h"

struct token_check {
    OSSL_LIB_CTX *ctx;
    struct parsed_token parsed;
    struct resolved rules;
    struct verify_result token; /* as far as the check came */
    struct errmsg errmsg;       /* a sentence for the errors that are ours */
};

/* *ret must be TOKEN_CHECK_EMPTY and is to be cleared in any case. TOK_OK: the token holds and
 * is that user's, for that service. What can't be a token is TOK_MALFORMED before any file is
 * read. */
#define TOKEN_CHECK_EMPTY                                                                      \
    {                                                                                          \
        .rules.list.fd = -1                                                                    \
    }
enum tok_err token_check(const struct options *o, const struct asked *asked, struct slice token,
                         int64_t now, struct token_check *ret) MUST_CHECK;
void token_check_clear(struct token_check *c);

/* The claims that pam_authenticate took, judged again: expired since, another service or user
 * now, session ended since. */
enum tok_err token_check_again(const struct session *session, const struct asked *asked,
                               int64_t now, struct errmsg *errmsg) MUST_CHECK;

/* The same for what is left where another process authenticated: its end, and every list of
 * ended sessions that may hold its session. */
enum tok_err token_check_env(const struct options *o, const struct session_env *env,
                             int64_t now, struct errmsg *errmsg) MUST_CHECK;
