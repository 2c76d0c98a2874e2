/*
 * A thin layer over a database: statements with parameters, and rows whose columns are read in
 * order. One SQL text serves both engines, SQLite (sqlite.c) and PostgreSQL (postgresql.c), so
 * it uses what both have: ?1 for parameters, "user" in quotes, ON CONFLICT DO NOTHING; and
 * SQL_LOCK. A statement is prepared once for each text. A failure to prepare or to
 * bind is returned by the step, so that only steps are checked.
 *
 * A database answers statements in the order in which they were sent, so calls are stepped in
 * the order in which they were started; starting several ones before the first step costs one
 * round trip for all.
 */
#pragma once

#include "jwtd/issuer/store/store.h"

#define SQL_MAX 128 /* texts of statements of a connection */

struct sql {
    const struct sql_engine *engine;
    void *connection;  /* of the engine */
    int64_t changed;   /* rows that the last statement changed */
    bool dirty;        /* rows were changed since sql_begin */
    char failure[480]; /* the last one; "": none */
};

/* Records a failure, what the administrator can do about it included. Returns STORE_FAILED. */
enum store_result sql_failed(struct sql *sql, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Records that the store has what it never writes. */
void sql_corrupt(struct sql *sql, const char *what);

void sql_close(struct sql *sql);

/* A transaction. After a failed commit it is not known whether it was done. */
bool sql_begin(struct sql *sql);
bool sql_commit(struct sql *sql);

/* Executes a statement without parameters, whose rows are not read; SQLite: or several. */
bool sql_execute(struct sql *sql, const char *text);

/* The number that a query of one row and column yields. */
bool sql_number(struct sql *sql, const char *query, int64_t *ret);

/* The value of a parameter. */
struct sql_value {
    enum { SQL_END, SQL_IS_INT, SQL_IS_TEXT, SQL_IS_BYTES, SQL_IS_IDS } type;
    int64_t number; /* or the length of the bytes, or how many ids */
    const void *p;
};

#define SQL_INT(value) ((struct sql_value){SQL_IS_INT, (int64_t)(value), NULL})
#define SQL_TEXT(text) ((struct sql_value){SQL_IS_TEXT, 0, (text)})
#define SQL_BYTES(bytes, n) ((struct sql_value){SQL_IS_BYTES, (int64_t)(n), (bytes)})
#define SQL_ID(id) SQL_BYTES(id, ISSUE_ID_BYTES)

/* An array of n ids, at most SQL_IDS_MAX; not with SQLite. */
#define SQL_IDS_MAX 128
#define SQL_IDS(ids, n) ((struct sql_value){SQL_IS_IDS, (int64_t)(n), (ids)})

/* The values of ?1, ?2 and so on; they are not copied. */
#define SQL_VALUES(...) ((const struct sql_value[]){__VA_ARGS__, {0}})

struct sql_call {
    struct sql *sql;
    bool started;
    void *rows;      /* of the engine */
    uint64_t number; /* of the answer, if the engine has not read it */
    int row;         /* the present one, if the engine has them all */
    int column;      /* the next one to read */
    bool corrupt;    /* a column has an impossible size */
};

/* A column of a row. */
struct sql_cell {
    bool null;
    int64_t number;
    const void *p;
    size_t n;
};

/* At the end of a text, before FOR UPDATE or FOR KEY SHARE: SQLite does not see what follows.
 * There, one transaction writes at a time. */
#define SQL_LOCK " /* lock */ "

/* How many rows a statement must change. SQL_PRESUMED_ROW: one; that it changes none is a
 * conflict (recover), and what else the transaction wrote stays. Not with SQLite. */
enum sql_rows { SQL_ANY_ROWS, SQL_ONE_ROW, SQL_PRESUMED_ROW };

/* What a database can do. After a false or STORE_FAILED the failure is recorded. */
struct sql_engine {
    const char *version; /* of a module; in this place in every release */
    bool shared;         /* other issuers write, too; and the time is the database's */
    bool (*open)(struct sql *sql, const char *where);
    void (*close)(struct sql *sql);
    bool (*begin)(struct sql *sql);
    void (*send_commit)(struct sql *sql); /* if shared: commit reports a failure */
    bool (*commit)(struct sql *sql);
    void (*rollback)(struct sql *sql);
    /* Rolls back after a failure of a statement. True: the failure has no effect on what is
     * done from now on, and is not recorded any more. *ret_conflict: it was a conflict with
     * another transaction. NULL: a failure stays. */
    bool (*recover)(struct sql *sql, bool *ret_conflict);
    bool (*execute)(struct sql *sql, const char *text);
    void (*report_corrupt)(struct sql *sql, const char *what);
    void (*start)(struct sql_call *call, const char *text, const struct sql_value *values);
    enum store_result (*queue)(struct sql *sql, const char *text,
                               const struct sql_value *values, enum sql_rows rows);
    enum store_result (*step)(struct sql_call *call); /* sets sql->changed at the end */
    struct sql_cell (*cell)(const struct sql_call *call, int column);
    void (*done)(struct sql_call *call);
};

extern const struct sql_engine sql_sqlite;

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

/* The same, and reads the first n columns of the row. */
enum store_result sql_find_numbers(struct sql *sql, const char *text,
                                   const struct sql_value *values, int64_t *ret,
                                   size_t n) MUST_CHECK;

/* Runs a statement that yields no rows. STORE_ABSENT: it changed none. */
enum store_result sql_run(struct sql *sql, const char *text,
                          const struct sql_value *values) MUST_CHECK;

/* The same, without waiting for a database: sql_commit fails if the statement does or if it
 * changes another number of rows. STORE_DONE or STORE_FAILED. */
enum store_result sql_queue(struct sql *sql, const char *text, const struct sql_value *values,
                            enum sql_rows rows) MUST_CHECK;
