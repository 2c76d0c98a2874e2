#include "jwtd/issuer/store/sql.h"

#include <stdio.h>
#include <string.h>

/* What the administrator can do about an error, by SQLite's primary code. */
static const struct {
    int code;
    const char *remedy;
} remedies[] = {
    {SQLITE_FULL, "remove other files to get free space on its file system"},
    {SQLITE_READONLY, "make it writable for jwtd-issuer (owner, mode 0600, mount)"},
    {SQLITE_PERM, "make it writable for jwtd-issuer (owner, mode 0600, mount)"},
    {SQLITE_CANTOPEN,
     "make it and its directory writable for jwtd-issuer, on a file system with free space"},
    {SQLITE_CORRUPT, "restore it from a backup, or move it away to start an empty store"},
    {SQLITE_NOTADB, "restore it from a backup, or move it away to start an empty store"},
    {SQLITE_IOERR, "check the kernel log and whether its file system has free space"},
    {SQLITE_BUSY, "stop the other program that has it open"},
};

static const char *remedy_for(int code)
{
    for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
        if (remedies[i].code == code)
            return remedies[i].remedy;
    return "see jwtd-issuer(8)";
}

static void record(struct sql *sql, const char *what, int code)
{
    const char *path = sqlite3_db_filename(sql->db, "main");

    (void)snprintf(sql->failure, sizeof(sql->failure), "%s: %s (%d): %s", path ? path : "",
                   what, code, remedy_for(code & 0xff));
}

enum store_result sql_failed(struct sql *sql)
{
    record(sql, sqlite3_errmsg(sql->db), sqlite3_extended_errcode(sql->db));
    return STORE_FAILED;
}

void sql_corrupt(struct sql *sql, const char *what)
{
    record(sql, what, SQLITE_CORRUPT);
}

bool sql_execute(struct sql *sql, const char *text)
{
    if (sqlite3_exec(sql->db, text, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    (void)sql_failed(sql);
    return false;
}

bool sql_number(struct sql *sql, const char *query, int64_t *ret)
{
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(sql->db, query, -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;

    if (ok)
        *ret = sqlite3_column_int64(statement, 0);
    else
        (void)sql_failed(sql);
    (void)sqlite3_finalize(statement);
    return ok;
}

void sql_close(struct sql *sql)
{
    for (size_t i = 0; i < SQL_MAX; i++)
        (void)sqlite3_finalize(sql->statements[i]);
    (void)sqlite3_close_v2(sql->db);
}

static int bind(sqlite3_stmt *statement, int n, const struct sql_value *value)
{
    if (value->type == SQL_IS_INT)
        return sqlite3_bind_int64(statement, n, value->number);
    if (value->type == SQL_IS_TEXT)
        return sqlite3_bind_text(statement, n, value->p, -1, SQLITE_STATIC);
    if (value->number == 0)
        return sqlite3_bind_zeroblob(statement, n, 0);
    return sqlite3_bind_blob(statement, n, value->p, (int)value->number, SQLITE_STATIC);
}

/* The prepared statement of this text; NULL: it cannot be prepared. */
static sqlite3_stmt *find_statement(struct sql *sql, const char *text)
{
    size_t n = 0;

    while (n < SQL_MAX - 1 && sql->texts[n] && sql->texts[n] != text)
        n++;
    if (sql->texts[n] == text)
        return sql->statements[n];
    (void)sqlite3_finalize(sql->statements[n]);
    sql->statements[n] = NULL;
    sql->texts[n] = NULL;
    if (sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, &sql->statements[n],
                           NULL) == SQLITE_OK)
        sql->texts[n] = text;
    return sql->statements[n];
}

struct sql_call sql_call(struct sql *sql, const char *text, const struct sql_value *values)
{
    sqlite3_stmt *statement = find_statement(sql, text);
    int rc = statement ? SQLITE_OK : SQLITE_ERROR;

    for (int i = 0; rc == SQLITE_OK && values && values[i].type != SQL_END; i++)
        rc = bind(statement, i + 1, &values[i]);
    return (struct sql_call){.sql = sql, .statement = statement, .rc = rc};
}

enum store_result sql_step(struct sql_call *call)
{
    int rc = call->rc == SQLITE_OK ? sqlite3_step(call->statement) : call->rc;

    if (rc == SQLITE_ROW) {
        call->column = 0;
        return STORE_DONE;
    }
    return rc == SQLITE_DONE ? STORE_ABSENT : sql_failed(call->sql);
}

int64_t sql_read_int(struct sql_call *call)
{
    return sqlite3_column_int64(call->statement, call->column++);
}

size_t sql_read_bytes(struct sql_call *call, void *ret, size_t size)
{
    const void *bytes = sqlite3_column_blob(call->statement, call->column);
    size_t n = (size_t)sqlite3_column_bytes(call->statement, call->column++);

    if (n > size) {
        call->corrupt = true;
        return 0;
    }
    if (n > 0)
        memcpy(ret, bytes, n);
    return n;
}

void sql_read_text(struct sql_call *call, char *ret, size_t size)
{
    ret[sql_read_bytes(call, ret, size - 1)] = '\0';
}

bool sql_read_id(struct sql_call *call, uint8_t ret[ISSUE_ID_BYTES])
{
    if (sqlite3_column_type(call->statement, call->column) == SQLITE_NULL) {
        call->column++;
        return false;
    }
    if (sql_read_bytes(call, ret, ISSUE_ID_BYTES) != ISSUE_ID_BYTES)
        call->corrupt = true;
    return true;
}

void sql_done(struct sql_call *call)
{
    if (!call->statement)
        return;
    (void)sqlite3_reset(call->statement);
    (void)sqlite3_clear_bindings(call->statement);
}

enum store_result sql_find(struct sql *sql, const char *text, const struct sql_value *values)
{
    struct sql_call call = sql_call(sql, text, values);
    enum store_result result = sql_step(&call);

    sql_done(&call);
    return result;
}

enum store_result sql_run(struct sql *sql, const char *text, const struct sql_value *values)
{
    enum store_result result = sql_find(sql, text, values);

    return result == STORE_ABSENT && sqlite3_changes(sql->db) > 0 ? STORE_DONE : result;
}
