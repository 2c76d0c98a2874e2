/*
 * Shared by the files of the store: store.c works on one session, store_list.c on many,
 * store_revoked.c revokes them. All use sql.h alone.
 */
#pragma once

#include "jwtd/issuer/store/clock.h"
#include "jwtd/issuer/store/sql.h"

#define SCHEMA_VERSION 5 /* of both engines; PostgreSQL begins with it */

/* The columns of a session, in the order in which store_read_session reads them. */
#define COLUMNS                                                                                \
    "\"user\", source, client, created_at, last_used, absolute_exp, idle_exp, gen, "           \
    "refresh_jti,"                                                                             \
    " previous_jti, access_jti, kid, rotated_at, issued_at, access_exp, refresh_exp,"          \
    " last_access_exp, stamp, uid, method, amr"

/* A trigger deletes from `session` what is added to `revoked` (sqlite_schema.c). ?1: the number
 * of this change. */
#define REVOKE_SESSIONS                                                                        \
    "INSERT INTO revoked (change, sid, last_access_exp, purge_at)"                             \
    " SELECT ?1, sid, last_access_exp, purge_at FROM session"

/* ?2: the store's time, ?3: wall. */
#define HAS_USABLE_TOKEN "(last_access_exp > ?3 OR (absolute_exp > ?2 AND idle_exp > ?2))"

struct store {
    struct sql sql;
    void *module;            /* of an engine that was loaded */
    struct clock_mark clock; /* as on disk */
    struct clock_mark next;  /* after this transaction */
    int64_t now;             /* of the transaction */
    struct store_changes changes; /* as read last */
    int64_t change;          /* the number of what it revokes; 0: nothing yet */
    int64_t listed;          /* of the last change when revoked sessions were listed last */
    int64_t published;       /* the same when they were published; -1: not known */
};

/* The engine for PostgreSQL, from this directory; NULL: store->sql.failure says why. */
const struct sql_engine *load_engine(struct store *store, const char *modules);

/* Connects to a database, whose tables are not checked. NULL: errmsg says why. */
struct store *store_connect(const char *url, const char *modules, struct errmsg *errmsg);

/* Reads the columns that every query of sessions begins with. False: the row is corrupt. */
bool store_read_session(struct sql_call *call, struct store_session *s);
