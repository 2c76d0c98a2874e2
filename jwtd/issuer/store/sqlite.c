/* Executes statements in a SQLite file, with WAL and synchronous=FULL: one fdatasync per
 * commit. */
#include "jwtd/issuer/store/sqlite.h"

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

static enum store_result record(struct sql *sql, const char *what, int code)
{
    const struct sqlite *s = sql->connection;
    const char *path = sqlite3_db_filename(s->db, "main");

    return sql_failed(sql, "%s: %s (%d): %s", path ? path : "", what, code,
                      remedy_for(code & 0xff));
}

/* Records SQLite's last failure: file, message, remedy. Returns STORE_FAILED. */
static enum store_result fail(struct sql *sql)
{
    const struct sqlite *s = sql->connection;

    return record(sql, sqlite3_errmsg(s->db), sqlite3_extended_errcode(s->db));
}

static void report_corrupt(struct sql *sql, const char *what)
{
    (void)record(sql, what, SQLITE_CORRUPT);
}

static bool execute(struct sql *sql, const char *text)
{
    const struct sqlite *s = sql->connection;

    if (sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    (void)fail(sql);
    return false;
}

static void close_file(struct sql *sql)
{
    struct sqlite *s = sql->connection;

    for (size_t i = 0; s && i < SQL_MAX; i++)
        (void)sqlite3_finalize(s->statements[i]);
    if (s)
        (void)sqlite3_close_v2(s->db);
    free(s);
    sql->connection = NULL;
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
static sqlite3_stmt *find_statement(struct sqlite *s, const char *text)
{
    const char *lock;
    size_t n = 0;

    while (n < SQL_MAX - 1 && s->texts[n] && s->texts[n] != text)
        n++;
    if (s->texts[n] == text)
        return s->statements[n];
    (void)sqlite3_finalize(s->statements[n]);
    s->statements[n] = NULL;
    s->texts[n] = NULL;
    lock = strstr(text, SQL_LOCK);
    if (sqlite3_prepare_v3(s->db, text, lock ? (int)(lock - text) : -1,
                           SQLITE_PREPARE_PERSISTENT, &s->statements[n], NULL) == SQLITE_OK)
        s->texts[n] = text;
    return s->statements[n];
}

static void finish(struct sql_call *call)
{
    (void)sqlite3_reset(call->rows);
    (void)sqlite3_clear_bindings(call->rows);
}

static void start(struct sql_call *call, const char *text, const struct sql_value *values)
{
    sqlite3_stmt *statement = find_statement(call->sql->connection, text);
    int rc = statement ? SQLITE_OK : SQLITE_ERROR;

    call->rows = statement;
    call->started = true;
    for (int i = 0; rc == SQLITE_OK && values && values[i].type != SQL_END; i++)
        rc = bind(statement, i + 1, &values[i]);
    if (rc == SQLITE_OK)
        return;
    (void)fail(call->sql);
    if (statement)
        finish(call);
    call->started = false;
}

static enum store_result queue(struct sql *sql, const char *text,
                               const struct sql_value *values, enum sql_rows rows)
{
    enum store_result result = sql_run(sql, text, values);

    if (result == STORE_ABSENT && rows == SQL_ONE_ROW)
        report_corrupt(sql, "a row is missing");
    return result == STORE_FAILED || sql->failure[0] ? STORE_FAILED : STORE_DONE;
}

static enum store_result step(struct sql_call *call)
{
    struct sql *sql = call->sql;
    const struct sqlite *s = sql->connection;
    int rc = sqlite3_step(call->rows);

    if (rc == SQLITE_ROW)
        return STORE_DONE;
    if (rc != SQLITE_DONE)
        return fail(sql);
    sql->changed = sqlite3_stmt_readonly(call->rows) ? 0 : sqlite3_changes(s->db);
    sql->dirty = sql->dirty || sql->changed > 0;
    return STORE_ABSENT;
}

static struct sql_cell cell(const struct sql_call *call, int column)
{
    struct sql_cell c = {
        .null = sqlite3_column_type(call->rows, column) == SQLITE_NULL,
        .number = sqlite3_column_int64(call->rows, column),
        .p = sqlite3_column_blob(call->rows, column),
    };

    c.n = (size_t)sqlite3_column_bytes(call->rows, column);
    return c;
}

static bool run_plain(struct sql *sql, const char *text)
{
    return sql_run(sql, text, NULL) != STORE_FAILED;
}

static bool begin(struct sql *sql)
{
    return run_plain(sql, "BEGIN IMMEDIATE");
}

static bool commit(struct sql *sql)
{
    return run_plain(sql, "COMMIT");
}

static void rollback(struct sql *sql)
{
    const struct sqlite *s = sql->connection;

    if (!sqlite3_get_autocommit(s->db))
        (void)run_plain(sql, "ROLLBACK");
}

const struct sql_engine sql_sqlite = {
    .open = sqlite_open,
    .close = close_file,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .execute = execute,
    .report_corrupt = report_corrupt,
    .start = start,
    .queue = queue,
    .step = step,
    .cell = cell,
    .done = finish,
};
