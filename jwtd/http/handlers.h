/*
 * What each route does: read the body, ask jwtd-issuer, tell the outcome in simplejwt's words.
 * Each is called once with a whole request and answers the connection, now or later.
 */
#pragma once

#include "connection.h"

void handlers_obtain(struct connection *c);
void handlers_refresh(struct connection *c);
void handlers_verify(struct connection *c);
void handlers_blacklist(struct connection *c);
void handlers_user(struct connection *c);
void handlers_keys(struct connection *c);
void handlers_health(struct connection *c);
