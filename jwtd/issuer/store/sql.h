/*
 * SQLite, as little of it as the store needs: statements prepared once from a const table,
 * parameters bound and columns read one after the other. The first failure of a statement stays
 * until it is run, so that only running is checked.
 */
#pragma once

#include "jwtd/issuer/store/store.h"

#include <sqlite3.h>

#define SQL_MAX 32 /* statements of a table */

struct sql {
    sqlite3 *db;
    const char *const *texts;
    sqlite3_stmt *statements[SQL_MAX];
    char failure[480];
};

/* Keeps the file, what SQLite says of the last failure, and the cure. Always STORE_FAILED. */
enum store_result sql_failed(struct sql *sql);

/* The same for a row that can't be one of ours. */
void sql_damaged(struct sql *sql);

/* One or more statements without parameters or rows. */
bool sql_execute(struct sql *sql, const char *text);

/* The single number that a query yields. */
bool sql_number(struct sql *sql, const char *query, int64_t *ret);

void sql_close(struct sql *sql);

struct sql_call {
    struct sql *sql;
    sqlite3_stmt *statement;
    int parameter, column; /* the last one bound, the next one to read */
    int rc;
    bool damaged; /* a column was of an impossible size */
};

/* A call of the table's nth statement; sql_done ends it. */
struct sql_call sql_call(struct sql *sql, unsigned n);

void sql_bind_int(struct sql_call *call, int64_t value);
void sql_bind_text(struct sql_call *call, const char *text); /* NULL is NULL */
void sql_bind_bytes(struct sql_call *call, const uint8_t *bytes, size_t n);
void sql_bind_id(struct sql_call *call, const uint8_t id[ISSUE_ID_BYTES]);

/* The next row. STORE_ABSENT: there is none. */
enum store_result sql_step(struct sql_call *call) MUST_CHECK;

int64_t sql_read_int(struct sql_call *call);
size_t sql_read_bytes(struct sql_call *call, void *ret, size_t size);
void sql_read_text(struct sql_call *call, char *ret, size_t size);

/* False, and nothing read, when the column is NULL. */
bool sql_read_id(struct sql_call *call, uint8_t ret[ISSUE_ID_BYTES]);

void sql_done(struct sql_call *call);

/* Runs a call that yields no rows, and ends it. STORE_ABSENT: it changed none. */
enum store_result sql_run(struct sql_call *call) MUST_CHECK;
