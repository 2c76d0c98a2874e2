/*
 * Mints tokens from a session's row. The same row gives the same bytes again under the same
 * settings and keys (EdDSA, RS and HS signatures are deterministic); so a refresh that is
 * repeated within RotationGrace gives the same pair.
 */
#pragma once

#include "jwtd/issuer/issuer.h"

/* WIRE_OK, WIRE_TOO_LONG (over MaxTokenLength) or WIRE_UNAVAILABLE (logged). ret NULL: the
 * length alone is checked. */
enum wire_status mint_access(const struct issuer *x, const struct store_session *session,
                             struct secret *ret);
enum wire_status mint_refresh(const struct issuer *x, const struct store_session *session,
                              struct secret *ret);

/* Uses pair.access_* and pair.refresh_exp. */
enum wire_status mint_sliding(const struct issuer *x, const struct store_session *session,
                              struct secret *ret);

struct mint_narrowed {
    int64_t iat, exp;
    const uint8_t *jti;
    char *const *audience;
    const char *scope; /* NULL: none */
    bool one_time;
};

/* An access token of this session with these restrictions. For sshd alone it may exceed
 * MaxTokenLength: 1,023 characters. */
enum wire_status mint_narrowed(const struct issuer *x, const struct store_session *session,
                               const struct mint_narrowed *to, struct secret *ret);

/* Sets the pair of a session to the next one, of this generation: new ids, and times within the
 * session's ends. now: the store's time. */
void mint_next(const struct issuer *x, struct store_session *session, int64_t gen, int64_t now);

/* The same for a session that has one access token and no refresh token. lifetime:
 * microseconds. */
void mint_only(const struct issuer *x, struct store_session *session, uint64_t lifetime,
               int64_t now);

/* The same for sliding tokens, which have one generation: the first token; and new times for
 * the same id. */
void mint_first_sliding(const struct issuer *x, struct store_session *session, int64_t now);
void mint_slide(const struct issuer *x, struct store_session *session, int64_t now);

/* A new id, ordered by time. */
void mint_id(const struct issuer *x, int64_t now, uint8_t ret[ISSUE_ID_BYTES]);

/* The length of an access token for a user name of this length; with `restricted`, of one that
 * has the first audience, bound to a host key, for sudo and for one use. */
size_t mint_length(const struct issuer *x, size_t user_len, bool restricted);
