/*
 * Tokens from a session's row. The same row under the same settings and keys gives the same
 * bytes (EdDSA signs deterministically), which is what makes a rotation repeatable.
 */
#pragma once

#include "jwtd/issuer/issuer.h"

/* WIRE_OK, WIRE_TOO_LONG (over MaxTokenLength) or WIRE_UNAVAILABLE (logged). */
enum wire_status mint_access(const struct issuer *x, const struct store_session *session,
                             struct secret *ret);
enum wire_status mint_refresh(const struct issuer *x, const struct store_session *session,
                              struct secret *ret);

/* A sliding token; pair.access_* and pair.refresh_exp are its own. */
enum wire_status mint_sliding(const struct issuer *x, const struct store_session *session,
                              struct secret *ret);

struct mint_narrowed {
    int64_t iat, exp;
    const uint8_t *jti;
    char *const *audience;
    const char *scope; /* NULL: none */
    bool one_time;
};

/* An access token of this session that may less than others. */
enum wire_status mint_narrowed(const struct issuer *x, const struct store_session *session,
                               const struct mint_narrowed *to, struct secret *ret);

/* Makes the next pair of a session: new ids and times within the session's ends, of this
 * generation. now: the store's time; wall: what goes into the tokens. */
bool mint_next(const struct issuer *x, struct store_session *session, int64_t gen, int64_t now,
               int64_t wall);

/* The same for a session of sliding tokens, of which there is one generation: its first token,
 * and new times for the same id. */
bool mint_first_sliding(const struct issuer *x, struct store_session *session, int64_t now,
                        int64_t wall);
void mint_slide(const struct issuer *x, struct store_session *session, int64_t now,
                int64_t wall);

/* A new id, time-ordered. */
bool mint_id(int64_t now, uint8_t ret[ISSUE_ID_BYTES]);

/* The letters of an access token for a user name of n letters. 0: it can't be minted. */
size_t mint_length(const struct issuer *x, size_t user_len);
