/*
 * What the two files of the SQLite store share: store_schema.c makes, migrates and opens the
 * file, store_sqlite.c works with it.
 */
#pragma once

#include "clock.h"
#include "sql.h"

struct store {
    struct sql sql;
    struct clock_mark clock; /* as it is on disk */
    struct clock_mark next;  /* as this transaction leaves it */
    int64_t now;             /* of the transaction */
    int changes;             /* sqlite3_total_changes at its start */
};

/* Opens the file for an empty store, making it or bringing it to this release's schema. */
enum tok_err store_connect(struct store *store, const char *path, struct why *why) MUST_CHECK;
