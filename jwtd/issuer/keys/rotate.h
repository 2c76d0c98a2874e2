/*
 * A new key signs, the old one stays published until the last token it signed has expired. The
 * steps on disk are, each whole or not at all: `signer` names the old key; the new key's file;
 * jwks.json with both; `signer` names the new key, and says until when the old one is needed. A
 * kill between any two of them leaves keys that sign and verify as before.
 */
#pragma once

#include "jwtd/issuer/issuer.h"

/* After keys and store were loaded: where another key signs than `signer` says (Algorithm= is
 * another now), it says so from here on. */
enum tok_err rotate_settle(struct issuer *x, struct errmsg *errmsg) MUST_CHECK;

/* What `jwtctl key rotate` and `key retire` ask for. Answers the job. */
enum step rotate_step(struct issuer *x, struct job *job);
enum step retire_step(struct issuer *x, struct job *job);
