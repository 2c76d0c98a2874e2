/*
 * Tokens from a session's row. The same row under the same settings and keys gives the same
 * bytes (EdDSA signs deterministically), which is what makes a rotation repeatable.
 */
#pragma once

#include "issuer.h"

/* WIRE_OK, WIRE_TOO_LONG (over MaxTokenLength) or WIRE_UNAVAILABLE (logged). */
enum wire_status mint_access(const struct issuer *x, const struct store_session *session,
                             struct secret *ret);
enum wire_status mint_refresh(const struct issuer *x, const struct store_session *session,
                              struct secret *ret);

/* Makes the next pair of a session: new ids and times within the session's ends, of this
 * generation. now: the store's time; wall: what goes into the tokens. */
bool mint_next(const struct issuer *x, struct store_session *session, int64_t gen, int64_t now,
               int64_t wall);

/* A new id, time-ordered. */
bool mint_id(int64_t now, uint8_t ret[ISSUE_ID_BYTES]);

/* The letters of an access token for a user name of n letters. 0: it can't be minted. */
size_t mint_length(const struct issuer *x, size_t user_len);
