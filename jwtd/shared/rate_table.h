/*
 * Failures by name, in memory of a fixed size: 4096 rows in 96 KiB. throttle.h (by source) and
 * attempts.h (by user) say what is counted and what the limit is.
 *
 * A row belongs to a name until its time is over and no check of it is under way. Where a set
 * is full, the row with the lowest count is given up, the one whose time ends first among
 * those; never one with a check under way.
 *
 * Names are kept and compared as keyed hashes of 61 bits, so that nobody who does not know the
 * key can choose names that share a set or a row.
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
