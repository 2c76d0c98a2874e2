/*
 * Shared by the files of the SQLite store: store_schema.c creates, migrates and opens the file,
 * store_sqlite.c has the statements and works on one session, store_list.c on many,
 * store_revoked.c revokes them.
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
    DO_PURGE_REVOKED,
    DO_FIND,
    DO_FIND_REVOKED,
    DO_PAGE_ALL,
    DO_PAGE_USER,
    DO_ADD,
    DO_ADD_USER,
    DO_ADD_REVOKED,
    DO_SET_UID,
    DO_ROTATE,
    DO_RENEW,
    DO_REVOKE,
    DO_REVOKE_OLDEST,
    DO_REVOKE_REPLACED,
    DO_HAS_USER,
    DO_EACH_REVOKED,
    DO_REVOKE_USER,
    DO_REVOKE_ALL,
    DO_COUNT_LIVE,
    DO_LAST_EXP,
    STATEMENT_COUNT,
};

_Static_assert(STATEMENT_COUNT <= SQL_MAX, "struct sql has room for all statements");

struct store {
    struct sql sql;
    struct clock_mark clock; /* as on disk */
    struct clock_mark next;  /* after this transaction */
    int64_t now;             /* of the transaction */
    int changes;             /* sqlite3_total_changes at its start */
};

/* Opens the file; creates it, or migrates it to the schema of this release. */
enum tok_err store_connect(struct store *store, const char *path,
                           struct errmsg *errmsg) MUST_CHECK;

/* Reads the columns that every query of sessions begins with. False: the row is corrupt. */
bool store_read_session(struct sql_call *call, struct store_session *s);
