/* Copies an SQLite store into a PostgreSQL database. */
#include "common/base/text.h"
#include "jwtd/issuer/store/postgresql_schema.h"
#include "jwtd/issuer/store/sqlite.h"
#include "jwtd/issuer/store/store_internal.h"

#include <inttypes.h>
#include <string.h>

#define COLUMNS_MAX 24
#define STOP "systemctl stop jwtd.socket jwtd-issuer.socket jwtd-issuer.service"

/* A table, its columns in the order of `types` (i: integer, t: text, p: text of a client, which
 * may have any bytes, made printable, b: bytes) on both sides. */
static const struct {
    const char *name, *select, *insert, *types, *count;
} tables[STORE_COPIED] = {
    {"session",
     "SELECT sid, \"user\", source, client, created_at, absolute_exp, idle_exp, gen,"
     " refresh_jti, previous_jti, access_jti, kid, rotated_at, issued_at, access_exp,"
     " refresh_exp, last_access_exp, purge_at, stamp, last_used, uid, method, amr"
     " FROM session",
     "INSERT INTO session (sid, \"user\", source, client, created_at, absolute_exp, idle_exp,"
     " gen, refresh_jti, previous_jti, access_jti, kid, rotated_at, issued_at, access_exp,"
     " refresh_exp, last_access_exp, purge_at, stamp, last_used, uid, method, amr) VALUES"
     " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, nullif(?10, ''::bytea), ?11, ?12, ?13, ?14, ?15,"
     " ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)",
     "btppiiiibbbtiiiiiibiitt", "SELECT count(*) FROM session"},
    /* As one new change: issuers that run read the list again. */
    {"revoked", "SELECT sid, last_access_exp, purge_at FROM revoked",
     "INSERT INTO revoked (sid, last_access_exp, purge_at, change) VALUES (?1, ?2, ?3,"
     " (SELECT value FROM counter WHERE name = 'revocations'))",
     "bii", "SELECT count(*) FROM revoked"},
    {"user", "SELECT name FROM \"user\"", "INSERT INTO \"user\" VALUES (?1)", "t",
     "SELECT count(*) FROM \"user\""},
    {"spent", "SELECT id, issuer, purge_at FROM spent",
     "INSERT INTO spent (id, issuer, purge_at) VALUES (?1, ?2, ?3)", "bbi",
     "SELECT count(*) FROM spent"},
};

struct copy {
    struct sql *from, *to;
    struct store_copied *ret;
};

static bool copy_row(struct sql_call *row, const char *types, struct sql *to,
                     const char *insert)
{
    struct sql_value values[COLUMNS_MAX] = {0};
    char texts[COLUMNS_MAX][KEY_KID_MAX + 1]; /* no column has a longer text */

    for (int i = 0; types[i]; i++) {
        struct sql_cell cell = row->sql->engine->cell(row, i);

        values[i] = (struct sql_value){SQL_IS_BYTES, (int64_t)cell.n, cell.p};
        if (types[i] == 'i')
            values[i] = (struct sql_value){SQL_IS_INT, cell.number, NULL};
        if (types[i] != 't' && types[i] != 'p')
            continue;
        row->column = i;
        sql_read_text(row, texts[i], sizeof(texts[i]));
        if (types[i] == 'p')
            text_make_printable(texts[i]);
        values[i] = (struct sql_value){SQL_IS_TEXT, 0, texts[i]};
    }
    if (row->corrupt) {
        sql_corrupt(row->sql, "a row is corrupt");
        return false;
    }
    return sql_queue(to, insert, values, SQL_ONE_ROW) == STORE_DONE;
}

static bool copy_table(const struct copy *c, size_t i)
{
    struct sql_call row = sql_call(c->from, tables[i].select, NULL);
    enum store_result result = sql_step(&row);
    int64_t rows, written;

    while (result == STORE_DONE)
        result = copy_row(&row, tables[i].types, c->to, tables[i].insert) ? sql_step(&row)
                                                                          : STORE_FAILED;
    sql_done(&row);
    if (result == STORE_FAILED || !sql_number(c->from, tables[i].count, &rows) ||
        !sql_number(c->to, tables[i].count, &written))
        return false;
    if (rows != written)
        (void)sql_failed(c->to, "table %s: %" PRId64 " rows were written, expected %" PRId64,
                         tables[i].name, written, rows);
    c->ret[i] = (struct store_copied){tables[i].name, rows};
    return rows == written;
}

static bool is_empty(struct sql *to)
{
    for (size_t i = 0; i < STORE_COPIED; i++) {
        int64_t rows;

        if (!sql_number(to, tables[i].count, &rows))
            return false;
        if (rows > 0) {
            (void)sql_failed(to,
                             "PostgreSQL: table %s has %" PRId64 " rows: a store is copied "
                             "into an empty database only",
                             tables[i].name, rows);
            return false;
        }
    }
    return true;
}

/* The time is never behind that of either store. */
static bool copy_clock(const struct copy *c)
{
    int64_t mark;

    return sql_number(c->from, "SELECT mark FROM clock", &mark) &&
           sql_run(c->to, "UPDATE clock SET mark = ?1 WHERE mark < ?1",
                   SQL_VALUES(SQL_INT(mark))) != STORE_FAILED;
}

static bool copy_all(const struct copy *c)
{
    if (!sql_begin(c->to) ||
        !sql_execute(c->to, "LOCK TABLE session, revoked, \"user\", spent IN EXCLUSIVE MODE") ||
        !is_empty(c->to) || !copy_clock(c) ||
        sql_run(c->to, "UPDATE counter SET value = value + 1 WHERE name = 'revocations'",
                NULL) != STORE_DONE)
        return false;
    for (size_t i = 0; i < STORE_COPIED; i++)
        if (!copy_table(c, i))
            return false;
    return sql_commit(c->to);
}

/* An issuer that has the file open keeps a shared lock of it. */
static bool open_alone(struct sql *sql, const char *path, struct errmsg *errmsg)
{
    if (access(path, F_OK) < 0) {
        (void)errmsg_set(errmsg, TOK_FILE, "%s: %s", path, strerrordesc_np(errno));
        return false;
    }
    if (sqlite_open_file(sql, path, SQLITE_OPEN_READWRITE) &&
        sql_execute(sql, "PRAGMA locking_mode = EXCLUSIVE") && sqlite_prepare(sql, path) &&
        sql_begin(sql))
        return true;
    (void)errmsg_set(errmsg, TOK_FILE, "%s; the issuer must be stopped: " STOP, sql->failure);
    return false;
}

enum tok_err store_copy(const char *path, const char *url, const char *modules,
                        struct store_copied ret[STORE_COPIED], struct errmsg *errmsg)
{
    CLEANUP(sql_close) struct sql from = {.engine = &sql_sqlite};
    CLEANUP(cleanup_store) struct store *to = NULL;
    struct copy copy = {&from, NULL, ret};

    if (!open_alone(&from, path, errmsg))
        return TOK_FILE;
    to = store_connect_database(url, modules, errmsg);
    if (!to)
        return TOK_FILE;
    copy.to = &to->sql;
    if (postgresql_check_version(copy.to) && copy_all(&copy))
        return TOK_OK;
    return errmsg_set(errmsg, TOK_FILE, "%s",
                      from.failure[0] ? from.failure : copy.to->failure);
}
