/*
 * Tokens for one use, each spent once on this machine whatever the service. A used token has a
 * file in ONETIME_USED, named by its issuer and id; the file is made exclusively, so of any
 * number of logins at once with one token a single one succeeds. Its mtime is the token's exp:
 * it is taken away when no leeway could let the token in any more.
 *
 * /run begins empty. What was made before ONETIME_SINCE may have been spent before that, so it
 * is refused; tmpfiles.d makes the directory and the file together.
 */
#pragma once

#include "common/token/policy.h"

#include <openssl/crypto.h>

#define ONETIME_RUN "/run/jwt"
#define ONETIME_USED ONETIME_RUN "/used"   /* of root, 0700 */
#define ONETIME_SINCE ONETIME_RUN "/since" /* of root; its mtime counts */

/* Spends a token that policy_check took with .accept_one_time; to be asked when all else holds.
 * issuer: the one that the token was judged by. TOK_SPENT: spent before, or too old to tell.
 * TOK_FILE, with a sentence: it can't be spent here (a directory or file is missing or open to
 * others, the caller is not root, the disk is full): then it is not good, and may be good
 * later. */
enum tok_err onetime_spend(OSSL_LIB_CTX *ctx, const char *issuer, const struct claims *claims,
                           int64_t now, struct errmsg *errmsg) MUST_CHECK;
