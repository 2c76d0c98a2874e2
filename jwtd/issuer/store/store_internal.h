/*
 * Shared by the files of the store: store_session.c works on one session, store_list.c on many,
 * store_revoked.c revokes them. All use sql.h alone.
 */
#pragma once

#include "jwtd/issuer/store/clock.h"
#include "jwtd/issuer/store/sql.h"

#define SCHEMA_VERSION 5 /* of both engines; PostgreSQL begins with it */

/* The columns of a session, in the order in which store_read_session reads them. */
#define COLUMNS                                                                                \
    "\"user\", source, client, created_at, last_used, absolute_exp, idle_exp, gen,"            \
    " refresh_jti, previous_jti, access_jti, kid, rotated_at, issued_at, access_exp,"          \
    " refresh_exp, last_access_exp, stamp, uid, method, amr, sid"

/* A trigger deletes from `session` what is added to `revoked` (sqlite_schema.c). The number of
 * this change: number_change. Another issuer may rotate a session that is being revoked: its
 * row is locked, so that what is kept of it is what it had last. */
#define REVOKE_SESSIONS                                                                        \
    "INSERT INTO revoked (change, sid, last_access_exp, purge_at)"                             \
    " SELECT (SELECT value FROM counter WHERE name = 'revocations'),"                          \
    " sid, last_access_exp, purge_at FROM session"

/* ?1: the store's time, ?2: wall. */
#define HAS_USABLE_TOKEN "(last_access_exp > ?2 OR (absolute_exp > ?1 AND idle_exp > ?1))"

/* A session that a transaction was begun for, in a shared store: its row is locked, unless it
 * is presumed. */
struct expected {
    enum { ROW_ABSENT, ROW_READ, ROW_PRESUMED, ROW_WRITTEN } state; /* written: read it again */
    struct store_session row;
};

struct store {
    struct sql sql;
    struct clock_mark clock; /* as on disk */
    struct clock_mark next;  /* after this transaction */
    int64_t now;             /* of the transaction */
    bool numbered;           /* it has a number for what it revokes */
    int64_t purged;          /* when rows were purged last */
    int64_t confirmed;       /* the time of the last transaction that was committed */
    bool commit_sent;
    struct store_changes changes;
    int64_t offset; /* of the database's time to CLOCK_BOOTTIME, microseconds */
    size_t n_expected;
    uint8_t sids[SQL_IDS_MAX][ISSUE_ID_BYTES]; /* of `expected` */
    struct expected expected[SQL_IDS_MAX];
    int64_t listed;    /* of the last change when revoked sessions were listed last */
    int64_t published; /* the same when they were published; -1: not known */
};

/* As store_open, but the tables of a database are not checked. NULL: errmsg says why. */
struct store *store_connect(const char *where, const char *modules, struct errmsg *errmsg);

/* The same, and a file is refused. */
struct store *store_connect_database(const char *url, const char *modules,
                                     struct errmsg *errmsg);

/* Reads COLUMNS. False: the row is corrupt, which is recorded. */
bool store_read_session(struct sql_call *call, struct store_session *s);

/* The row of a session that this transaction was begun for, or NULL. */
struct expected *store_find_expected(struct store *store, const uint8_t sid[ISSUE_ID_BYTES]);

/* Writes one session, which has this generation; -1: any. */
enum store_result store_write_session(struct store *store, const uint8_t sid[ISSUE_ID_BYTES],
                                      int64_t gen, const char *text,
                                      const struct sql_value *values);

/* Reads the rows of the sessions that this transaction was begun for. */
bool store_read_expected(struct store *store, struct sql_call *call);

/* Rows were written by a statement that does not say which. */
void store_forget_expected(struct store *store);
