/*
 * What GET /metrics tells, in Prometheus' text form: plain counters that only grow while this
 * process lives, and a gauge of connections. Every label has a value out of a const table (a
 * route, a status, a word of the wire), never one that a peer chose, so that nobody can make it
 * grow; nothing in it names a user or a source.
 */
#pragma once

#include "common/json/emit.h"
#include "jwtd/http/reply.h"
#include "jwtd/shared/wire.h"

#define METRICS_ROUTES 24 /* and one more: no route */

enum metrics_limit {
    METRICS_MAX_CONNECTIONS,
    METRICS_MAX_CONNECTIONS_PER_SOURCE,
    METRICS_LIMITS,
};

struct metrics {
    uint64_t started; /* seconds since the Epoch */
    uint64_t requests[METRICS_ROUTES + 1][REPLY_STATUSES];
    uint64_t answers[WIRE_STATUS_COUNT]; /* of jwtd-issuer */
    uint64_t no_answers;
    uint64_t connections; /* accepted within the limits */
    uint64_t refused[METRICS_LIMITS];
    uint64_t throttled; /* by FailuresPerSource */
};

/* route: its number, or METRICS_ROUTES for a request that has none. */
void metrics_request(struct metrics *m, size_t route, int status);

/* The setting that the limit is. */
const char *metrics_limit_name(enum metrics_limit limit);

/* paths: of the n routes, by number. open: connections now. */
void metrics_write(const struct metrics *m, const char *const *paths, size_t n, size_t open,
                   struct emit *out);
