/*
 * The begin of a session: of a login, of a token that was exchanged, or by root.
 */
#pragma once

#include "jwtd/issuer/request.h"

struct new_session {
    const char *method, *amr;
    struct slice user;
    int64_t lifetime; /* seconds until its absolute end */
};

/* May this account begin a session, by r->login_reply? WIRE_NOT_ALLOWED: jwtd-login does not
 * check it, with CheckAccount=no. */
enum wire_status new_session_check(const struct issuer *x, const struct issuer_request *r);

/* A session of the account that jwtd-login's answer, r->login_reply, is about. It has no tokens
 * and is not in the store. */
void new_session_init(struct issuer *x, const struct issuer_request *r,
                      const struct new_session *how, struct store_session *ret);

/* Adds it to the store. Revokes the sessions of an account that had this name before, those of
 * an earlier password, and the oldest ones over MaxSessionsPerUser. */
enum store_result new_session_add(struct issuer *x, struct issuer_request *r,
                                  const struct store_session *s) MUST_CHECK;

/* Sets the event: this session began, and this access token was issued. */
void new_session_log(struct issuer_request *r, const struct store_session *s,
                     const uint8_t jti[ISSUE_ID_BYTES], const char *id, const char *message);
