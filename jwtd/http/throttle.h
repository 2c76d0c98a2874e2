/*
 * FailuresPerSource: a token bucket a source, in a table of a fixed size. A wrong password
 * takes a token; a source without one is told when to come back before anything is asked. What
 * was asked at the same time may overdraw the bucket, which is then paid back first. Where the
 * table is full the source is forgotten that may fail most often still: however many addresses
 * somebody has, memory stays the same, and who was told to wait waits.
 */
#pragma once

#include "common/config/settings.h"
#include "jwtd/http/source.h"

#define THROTTLE_SETS 512
#define THROTTLE_WAYS 8

struct throttle_bucket {
    struct source source;
    int64_t tokens; /* in microseconds of refilling; below 0: overdrawn */
    uint64_t at;    /* when that was so; monotonic microseconds, 0: a free row */
};

struct throttle {
    uint64_t key[4]; /* random, or sources can be chosen that share a set */
    struct throttle_bucket sets[THROTTLE_SETS][THROTTLE_WAYS];
};

/* Microseconds until this source may try a password; 0: now. */
uint64_t throttle_wait(const struct throttle *t, struct settings_rate rate,
                       const struct source *source, uint64_t now);

/* A password of this source was wrong. */
void throttle_failed(struct throttle *t, struct settings_rate rate, const struct source *source,
                     uint64_t now);
