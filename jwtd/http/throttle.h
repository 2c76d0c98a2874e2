/*
 * FailuresPerSource: a token bucket for each source. A failed login takes a token; a source
 * that has none left is refused before its password is checked. Failures of requests that
 * were under way at the same time can overdraw the bucket, by as much as it holds; that is
 * refilled first.
 *
 * A bucket is stored as the time at which it will be full again (the virtual scheduling form of
 * the generic cell rate algorithm, ITU-T I.371), so a full bucket needs no row. When the table
 * is full, the source is forgotten whose bucket is full soonest: memory stays the same however
 * many addresses a client has, and a source that has to wait is not forgotten for one that
 * failed once.
 */
#pragma once

#include "common/config/settings.h"
#include "jwtd/http/source.h"
#include "jwtd/shared/rate_table.h"

/* Microseconds until this source may try a password; 0: now. per_source: FailuresPerSource;
 * loopback, which is every local user, has 60 a minute; 0 removes both. now: monotonic
 * microseconds. */
uint64_t throttle_wait(struct rate_table *t, struct settings_rate per_source,
                       const struct source *source, uint64_t now);

/* A login of this source failed. */
void throttle_failed(struct rate_table *t, struct settings_rate per_source,
                     const struct source *source, uint64_t now);
