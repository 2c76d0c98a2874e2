/*
 * What root's jwtctl asks about sessions: how things are, and to end some. It needs no token:
 * the kernel says that root asks. rotate.h has the questions about keys.
 */
#pragma once

#include "jwtd/issuer/issuer.h"

/* {"version","issuer","audience":[...],"algorithm","keys":[{"kid","alg","signs"[,"until"]}],
 * "sessions":{"live","more"},"store":{"path","bytes"},"revoked","clock_behind"}: sessions are
 * counted among the newest ADMIN_COUNT_ROWS (everybody else waits meanwhile), revoked is the
 * list's lines, spans and times are seconds. */
enum step admin_status_step(struct issuer *x, struct job *job);

#define ADMIN_COUNT_ROWS 5000

/* Ends every session of the user of this name, or else the session of this sid. */
enum step admin_revoke_step(struct issuer *x, struct job *job);
