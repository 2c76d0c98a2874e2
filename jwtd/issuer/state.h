/*
 * Keeps the issuer usable: loads what answering needs, publishes, reloads, opens a failed store
 * again. The cause of a failure is logged once, and loading is retried at most once a second.
 */
#pragma once

#include "jwtd/issuer/issuer.h"

/* True when requests can be answered now. */
bool state_ready(struct issuer *x);

/* Reads the keys that other issuers have changed since the last turn. When state_ready. */
bool state_read_keys(struct issuer *x);

/* True when there is space for sessions and, after a failure of the store, a write succeeds.
 * Requests that write nothing can be answered without it. When state_ready. */
bool state_can_write(struct issuer *x);

/* service.on_reload, arg: the issuer. Loads keys, names and, if Path= or Database= has
 * changed, the store again. If any of them is unusable, everything stays as it was. */
bool state_reload(void *arg, const struct settings *old, struct errmsg *errmsg);

/* The store or the keys failed within a turn: they are loaded again before the next. */
void state_lost(struct issuer *x);

/* Publishes what other issuers of the store have revoked (follow.h). False: nothing can be
 * answered. */
bool state_follow(struct issuer *x);

/* Publishes `revoked`. False: it is retried, by a timer too, and nothing is answered before
 * that succeeds. */
bool state_publish(struct issuer *x);

/* Publishes it within a second, also when the daemon ends before. */
void state_publish_soon(struct issuer *x);

void state_end(struct issuer *x);
