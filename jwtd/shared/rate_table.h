/*
 * Counts of failures by name, in memory of a fixed size: 4096 rows in 96 KiB. jwtd counts by
 * source (http/throttle.h), jwtd-issuer by user (issuer/attempts.h).
 *
 * A name has a row until its time is over and no check of it is under way. When a set is full,
 * the row with the lowest count is reused, and among those the one whose time ends first; never
 * one with a check under way.
 *
 * Names are stored and compared as keyed hashes of 61 bits. Without the key a client cannot
 * choose names that share a set or a row.
 */
#pragma once

#include "common/base/slice.h"

#define RATE_SETS_LOG2 9
#define RATE_SETS ((size_t)1 << RATE_SETS_LOG2)
#define RATE_WAYS 8

struct rate_row {
    uint64_t name;  /* hash */
    uint64_t until; /* monotonic microseconds: then the count is 0 again */
    uint32_t count;
    uint32_t under_way; /* checks */
};

/* Zeroed, with a key of random bytes. */
struct rate_table {
    uint64_t key[2];
    struct rate_row rows[RATE_SETS][RATE_WAYS];
};

/* The row of a name; NULL when it has none. Its count is 0 when its time is over. */
struct rate_row *rate_table_find(struct rate_table *t, struct slice name, uint64_t now);

/* The row of a name, made when it has none. NULL when each row of its set has a check under
 * way. */
struct rate_row *rate_table_add(struct rate_table *t, struct slice name, uint64_t now);
