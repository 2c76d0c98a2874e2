/*
 * A thin layer over SQLite: a statement is prepared once for each text, and columns are read in
 * order. A failure to prepare or to bind is returned by the step, so that only steps
 * are checked.
 */
#pragma once

#include "jwtd/issuer/store/store.h"

#include <sqlite3.h>

#define SQL_MAX 32 /* texts of statements */

struct sql {
    sqlite3 *db;
    const char *texts[SQL_MAX];
    sqlite3_stmt *statements[SQL_MAX];
    char failure[480]; /* the last one; "": none */
};

/* Records the failure: file, SQLite's message, remedy. Returns STORE_FAILED. */
enum store_result sql_failed(struct sql *sql);

/* Records that the store has what it never writes. */
void sql_corrupt(struct sql *sql, const char *what);

/* Executes one or more statements without parameters or rows. */
bool sql_execute(struct sql *sql, const char *text);

/* The number that a query of one row and column yields. */
bool sql_number(struct sql *sql, const char *query, int64_t *ret);

void sql_close(struct sql *sql);

/* The value of a parameter. */
struct sql_value {
    enum { SQL_END, SQL_IS_INT, SQL_IS_TEXT, SQL_IS_BYTES } type;
    int64_t number; /* or the length of the bytes */
    const void *p;
};

#define SQL_INT(value)                                                                         \
    {                                                                                          \
        SQL_IS_INT, (int64_t)(value), NULL                                                     \
    }
#define SQL_TEXT(text)                                                                         \
    {                                                                                          \
        SQL_IS_TEXT, 0, (text)                                                                 \
    }
#define SQL_BYTES(bytes, n)                                                                    \
    {                                                                                          \
        SQL_IS_BYTES, (int64_t)(n), (bytes)                                                    \
    }
#define SQL_ID(id) SQL_BYTES(id, ISSUE_ID_BYTES)

/* The values of ?1, ?2 and so on; they are not copied. */
#define SQL_VALUES(...) ((const struct sql_value[]){__VA_ARGS__, {0}})

struct sql_call {
    struct sql *sql;
    sqlite3_stmt *statement;
    int column; /* the next one to read */
    int rc;
    bool corrupt; /* a column has an impossible size */
};

/* Starts a statement; sql_done ends it. text: a literal, known by its address. values NULL: it
 * has none. */
struct sql_call sql_call(struct sql *sql, const char *text, const struct sql_value *values);

/* The next row. STORE_ABSENT: no more rows. */
enum store_result sql_step(struct sql_call *call) MUST_CHECK;

int64_t sql_read_int(struct sql_call *call);
size_t sql_read_bytes(struct sql_call *call, void *ret, size_t size);
void sql_read_text(struct sql_call *call, char *ret, size_t size);

/* False when the column is NULL; then *ret is not written. */
bool sql_read_id(struct sql_call *call, uint8_t ret[ISSUE_ID_BYTES]);

void sql_done(struct sql_call *call);

/* Runs a statement that yields a row or none (STORE_ABSENT), from start to end. */
enum store_result sql_find(struct sql *sql, const char *text,
                           const struct sql_value *values) MUST_CHECK;

/* Runs a statement that yields no rows. STORE_ABSENT: it changed none. */
enum store_result sql_run(struct sql *sql, const char *text,
                          const struct sql_value *values) MUST_CHECK;
