/*
 * What each route does: read the body, ask jwtd-issuer, tell the outcome in simplejwt's words.
 * Each is called once with a whole request and answers the connection, now or later.
 */
#pragma once

#include "jwtd/http/connection.h"

void handlers_obtain(struct connection *c);
void handlers_refresh(struct connection *c);
void handlers_verify(struct connection *c);
void handlers_blacklist(struct connection *c);
void handlers_sliding(struct connection *c);
void handlers_sliding_refresh(struct connection *c);
void handlers_user(struct connection *c);
void handlers_auth(struct connection *c);
void handlers_sessions(struct connection *c);
void handlers_session_end(struct connection *c);
void handlers_logout(struct connection *c);
void handlers_logout_all(struct connection *c);
void handlers_narrow(struct connection *c);
void handlers_keys(struct connection *c);
void handlers_health(struct connection *c);
void handlers_metrics(struct connection *c);

/* A token by its name, and a second one; that may be "": there is none. */
void handlers_tokens(struct connection *c, const char *name, struct slice token,
                     const char *second_name, struct slice second);

/* {} */
void handlers_nothing(struct connection *c);
