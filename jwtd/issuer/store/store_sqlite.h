/*
 * What the files of the SQLite store share: store_schema.c makes, migrates and opens the file,
 * store_sqlite.c has the statements and works with one session, store_list.c with many.
 */
#pragma once

#include "jwtd/issuer/store/clock.h"
#include "jwtd/issuer/store/sql.h"

enum store_statement {
    DO_BEGIN,
    DO_COMMIT,
    DO_ROLLBACK,
    DO_SET_MARK,
    DO_PURGE,
    DO_FIND,
    DO_PAGE_ALL,
    DO_PAGE_USER,
    DO_ADD,
    DO_ROTATE,
    DO_RENEW,
    DO_END,
    DO_END_OLDEST,
    DO_KNOWS_USER,
    DO_EACH_ENDED,
    DO_END_USER,
    DO_COUNT_LIVE,
    DO_LAST_EXP,
    STATEMENT_COUNT,
};

_Static_assert(STATEMENT_COUNT <= SQL_MAX, "sql.h keeps them all");

struct store {
    struct sql sql;
    struct clock_mark clock; /* as it is on disk */
    struct clock_mark next;  /* as this transaction leaves it */
    int64_t now;             /* of the transaction */
    int changes;             /* sqlite3_total_changes at its start */
};

/* Opens the file for an empty store, making it or bringing it to this release's schema. */
enum tok_err store_connect(struct store *store, const char *path,
                           struct errmsg *errmsg) MUST_CHECK;

/* Reads the columns that all queries of sessions begin with. False: a row is damaged. */
bool store_read_session(struct sql_call *call, struct store_session *s);
