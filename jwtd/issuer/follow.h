/*
 * Follows the other issuers of a shared store: what they revoked is published here within
 * FOLLOW_TIME, or before the next request is handled. With SQLite it publishes what this issuer
 * has revoked, and nothing else.
 */
#pragma once

#include "jwtd/issuer/issuer.h"

#define FOLLOW_TIME SECOND

/* Brings the public files up to the changes that store_begin has seen. Before the handlers of a
 * transaction. */
enum tok_err follow(struct issuer *x, struct errmsg *errmsg) MUST_CHECK;

/* Publishes `revoked` from the store. */
enum tok_err follow_publish(struct issuer *x, struct errmsg *errmsg) MUST_CHECK;

/* The same in a new transaction, if the store is shared. */
enum tok_err follow_publish_alone(struct issuer *x, struct errmsg *errmsg) MUST_CHECK;

/* True when other issuers have revoked sessions since. */
bool follow_is_behind(const struct issuer *x);

/* Lines of `revoked` that expire until then may be dropped (wall). */
int64_t follow_expired(const struct issuer *x);
