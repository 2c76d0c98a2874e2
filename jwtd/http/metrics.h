/*
 * The counters of GET /metrics, in Prometheus' text format. Counters start at 0 with the
 * process and only grow. The values of all labels come from constant tables (routes, statuses,
 * words of the wire), so that no client can add one; none names a user or a source.
 */
#pragma once

#include "jwtd/shared/wire.h"

#define METRICS_ROUTES 24    /* and one more: no route */
#define METRICS_STATUSES 600 /* of HTTP */

enum metrics_limit {
    METRICS_MAX_CONNECTIONS,
    METRICS_MAX_CONNECTIONS_PER_SOURCE,
    METRICS_LIMITS,
};
extern const char *const metrics_limits[METRICS_LIMITS]; /* their settings */

struct metrics {
    uint64_t started; /* seconds since the Epoch */
    uint64_t requests[METRICS_ROUTES + 1][METRICS_STATUSES];
    uint64_t answers[WIRE_STATUS_COUNT]; /* of jwtd-issuer */
    uint64_t no_answers;
    uint64_t connections; /* accepted within the limits */
    uint64_t refused[METRICS_LIMITS];
    uint64_t throttled;                              /* by FailuresPerSource */
    uint64_t bundle_iat, bundle_seq, bundle_revoked; /* of the one sent last; 0: none */
};

/* The text, malloc'ed, of *ret_n bytes. paths: of the n routes, by number. open: connections
 * now. NULL: out of memory. */
char *metrics_text(const struct metrics *m, const char *const *paths, size_t n, size_t open,
                   size_t *ret_n);
