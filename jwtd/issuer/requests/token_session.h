/*
 * The session of a request's token. A token whose session is not live in the store is
 * blacklisted, whether the session was revoked or the store does not know it (it was
 * restored from a backup, or lost).
 *
 * Each function returns WIRE_OK, or the status to answer.
 */
#pragma once

#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/request.h"

/* The live session of the token. */
enum wire_status token_session_find(struct issuer *x, struct issuer_request *r,
                                    struct store_session *ret);

/* Is the account, by r->login_reply, the one that the session began with? If not, revokes the
 * session. See CheckAccount= and EndOnPasswordChange= in jwt.conf(5). */
enum wire_status token_session_check_account(struct issuer *x, struct issuer_request *r,
                                             const struct store_session *session);

/* Both of these: the session of a token that may be used. */
enum wire_status token_session_use(struct issuer *x, struct issuer_request *r,
                                   struct store_session *ret);

/* When the session of this token ends at the latest. */
int64_t token_session_end(const struct issuer *x, const struct own_token *token);

/* Revokes the session of the token. One that is not in the store is added as revoked, so that
 * its tokens are refused everywhere. WIRE_BLACKLISTED: it was revoked before. */
enum wire_status token_session_revoke(struct issuer *x, struct issuer_request *r);

/* The token proves that the store is older than it: revokes the session, and logs an alert.
 * WIRE_BLACKLISTED, or WIRE_UNAVAILABLE. */
enum wire_status token_session_rolled_back(struct issuer *x, struct issuer_request *r);
