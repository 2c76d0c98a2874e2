/*
 * Shared by the files of the SQLite store: store_schema.c creates, migrates and opens the file,
 * store_sqlite.c works on one session, store_list.c on many, store_revoked.c revokes them.
 */
#pragma once

#include "jwtd/issuer/store/clock.h"
#include "jwtd/issuer/store/sql.h"

/* The columns of a session, in the order in which store_read_session reads them. */
#define COLUMNS                                                                                \
    "user, source, client, created_at, last_used, absolute_exp, idle_exp, gen, refresh_jti,"   \
    " previous_jti, access_jti, kid, rotated_at, issued_at, access_exp, refresh_exp,"          \
    " last_access_exp, stamp, uid, method, amr"

/* A trigger deletes from `session` what is added to `revoked` (store_schema.c). */
#define REVOKE_SESSIONS "INSERT INTO revoked SELECT sid, last_access_exp, purge_at FROM session"

#define UNPUBLISHED_MAX "4096"

/* ?1: the store's time, ?2: wall. */
#define HAS_USABLE_TOKEN "(last_access_exp > ?2 OR (absolute_exp > ?1 AND idle_exp > ?1))"

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
