/*
 * What it takes to answer: settings, keys, names, the store, and public files that agree with
 * them. Made once; when something of it is out of reach or wrong, the cause is logged once and
 * it is tried again at most once a second.
 */
#pragma once

#include "jwtd/issuer/issuer.h"

/* True when questions can be answered now. */
bool state_ready(struct issuer *x);

/* service.on_reload of an issuer: keys, names and, under another Store Path=, the store are
 * read again. Where one of them can't be used all stays as it was. */
bool state_reload(void *arg, const struct settings *old, struct errmsg *errmsg);

/* The store failed: it is opened again before the next turn. */
void state_lost(struct issuer *x);

/* Brings `revoked` to disk. On false it is tried again, by itself too, and nothing is answered
 * until it is there. */
bool state_publish(struct issuer *x);

/* The store's time, with an alarm when the wall clock is more than five minutes behind it. */
int64_t state_time(struct issuer *x);

void state_end(struct issuer *x);
