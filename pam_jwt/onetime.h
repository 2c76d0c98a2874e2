/*
 * One-time tokens: each is accepted once on this host, whatever the service. A used token
 * has a file below ONETIME_USED, named by its issuer and id. The file is created exclusively,
 * so of any number of simultaneous logins with one token exactly one succeeds. Its mtime is the
 * token's exp; the file is removed when no leeway could accept the token any more. The files
 * are spread over directories, because each login looks for old ones in one directory only.
 *
 * /run is empty after a boot. A token issued before that may have been used before it, and is
 * refused: one issued before ONETIME_SINCE was modified, and one issued before the system was
 * started (process.h), because the clock may have been behind when the file was made.
 * tmpfiles.d creates the directory and the file together.
 */
#pragma once

#include "common/token/policy.h"

#include <openssl/crypto.h>

#define ONETIME_RUN "/run/jwt"
#define ONETIME_USED ONETIME_RUN "/used"   /* of root, 0700 */
#define ONETIME_SINCE ONETIME_RUN "/since" /* of root; its mtime counts */

/* Records the use of a token that policy_check accepted, as the last step of a login. issuer:
 * the one whose settings accepted it. TOK_SPENT: it was used before, or is too old to tell.
 * TOK_FILE, with a message: the use cannot be recorded (a directory or file is missing or has
 * the wrong owner or mode, the caller is not root, the disk is full); the token may be accepted
 * later. */
enum tok_err onetime_spend(OSSL_LIB_CTX *ctx, const char *issuer, const struct claims *claims,
                           int64_t now, struct errmsg *errmsg) MUST_CHECK;
