/* Opening the SQLite file, its tables and their versions. */
#include "jwtd/issuer/store/store_sqlite.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SCHEMA_VERSION 4

/* migrations[N] upgrades version N to N + 1; version 0 is an empty file. */
static const char *const migrations[SCHEMA_VERSION] = {
    /* 1: sessions and the mark */
    "CREATE TABLE session ("
    " sid BLOB PRIMARY KEY NOT NULL,"
    " user TEXT NOT NULL,"
    " source TEXT NOT NULL,"
    " client TEXT NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " absolute_exp INTEGER NOT NULL,"
    " idle_exp INTEGER NOT NULL,"
    " gen INTEGER NOT NULL,"
    " refresh_jti BLOB NOT NULL,"
    " previous_jti BLOB,"
    " access_jti BLOB NOT NULL,"
    " kid TEXT NOT NULL,"
    " rotated_at INTEGER NOT NULL,"
    " issued_at INTEGER NOT NULL,"
    " access_exp INTEGER NOT NULL,"
    " refresh_exp INTEGER NOT NULL,"
    " last_access_exp INTEGER NOT NULL,"
    " purge_at INTEGER NOT NULL,"
    " stamp BLOB NOT NULL,"
    " revoked_at INTEGER,"
    " reason TEXT"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX session_user ON session (user, created_at);"
    "CREATE INDEX session_revoked ON session (last_access_exp) WHERE revoked_at IS NOT NULL;"
    "CREATE INDEX session_purge ON session (purge_at);"
    "CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 1), mark INTEGER NOT NULL) STRICT;"
    "INSERT INTO clock VALUES (1, 0);"
    "PRAGMA user_version = 1;",
    /* 2: when a session was last used; an index of the sessions that are not revoked (a user
     * may have many revoked ones); what distinguishes a clock that was set from one that ran */
    "ALTER TABLE session ADD COLUMN last_used INTEGER NOT NULL DEFAULT 0;"
    "UPDATE session SET last_used = rotated_at;"
    "CREATE INDEX session_live ON session (user, created_at) WHERE revoked_at IS NULL;"
    "ALTER TABLE clock ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE clock ADD COLUMN odd_since INTEGER NOT NULL DEFAULT 0;"
    "PRAGMA user_version = 2;",
    /* 3: revoked sessions in a separate table, with what refusing their tokens needs; a sid
     * is in one of both tables. The uid of the account. The users who have ever logged in. */
    "CREATE TABLE revoked ("
    " sid BLOB PRIMARY KEY NOT NULL,"
    " last_access_exp INTEGER NOT NULL,"
    " purge_at INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO revoked SELECT sid, last_access_exp, purge_at FROM session"
    " WHERE revoked_at IS NOT NULL;"
    "CREATE INDEX revoked_access ON revoked (last_access_exp);"
    "CREATE INDEX revoked_purge ON revoked (purge_at);"
    "CREATE TABLE user (name TEXT PRIMARY KEY NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO user SELECT DISTINCT user FROM session;"
    "DELETE FROM session WHERE revoked_at IS NOT NULL;"
    "DROP INDEX session_revoked;"
    "DROP INDEX session_live;"
    "ALTER TABLE session DROP COLUMN revoked_at;"
    "ALTER TABLE session DROP COLUMN reason;"
    "ALTER TABLE session ADD COLUMN uid INTEGER NOT NULL DEFAULT -1;"
    "CREATE TRIGGER session_revoked AFTER INSERT ON revoked"
    " BEGIN DELETE FROM session WHERE sid = NEW.sid; END;"
    "PRAGMA user_version = 3;",
    /* 4: how a session began, and what was checked then; tokens of other issuers that were
     * exchanged */
    "ALTER TABLE session ADD COLUMN method TEXT NOT NULL DEFAULT 'login';"
    "ALTER TABLE session ADD COLUMN amr TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE spent ("
    " id BLOB PRIMARY KEY NOT NULL,"
    " issuer BLOB NOT NULL,"
    " purge_at INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX spent_issuer ON spent (issuer);"
    "CREATE INDEX spent_purge ON spent (purge_at);"
    "PRAGMA user_version = 4;",
};

/* Under the write lock: another process may migrate at the same time. */
static bool migrate(struct store *store)
{
    int64_t version;

    if (!sql_execute(&store->sql, "BEGIN IMMEDIATE") ||
        !sql_number(&store->sql, "PRAGMA user_version", &version))
        return false;
    for (; version < SCHEMA_VERSION; version++)
        if (!sql_execute(&store->sql, migrations[version]))
            return false;
    return sql_execute(&store->sql, "COMMIT");
}

/* A pragma writes its page even if the value is the same. */
enum store_result store_try_write(struct store *store)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "PRAGMA user_version = %d", SCHEMA_VERSION);
    return sql_execute(&store->sql, text) ? STORE_DONE : STORE_FAILED;
}

static bool read_clock(struct store *store)
{
    return sql_number(&store->sql, "SELECT mark FROM clock", &store->clock.mark) &&
           sql_number(&store->sql, "SELECT seen FROM clock", &store->clock.seen) &&
           sql_number(&store->sql, "SELECT odd_since FROM clock", &store->clock.odd_since);
}

static bool is_version(const char *path, int64_t version, struct errmsg *errmsg)
{
    if (version < 0)
        (void)errmsg_set(errmsg, TOK_FILE, "%s: not a session store", path);
    else if (version > SCHEMA_VERSION)
        (void)errmsg_set(errmsg, TOK_FILE,
                         "%s: schema version %" PRId64 " of a newer release, expected at most "
                         "%d: install the newer release again",
                         path, version, SCHEMA_VERSION);
    return version >= 0 && version <= SCHEMA_VERSION;
}

/* What this connection has revoked since store_set_published(); it is rolled back with it. */
static const char note_unpublished[] =
    "CREATE TEMP TABLE unpublished (sid BLOB NOT NULL, last_access_exp INTEGER NOT NULL);"
    "CREATE TEMP TRIGGER note_unpublished AFTER INSERT ON main.revoked"
    " WHEN (SELECT coalesce(max(rowid), 0) FROM unpublished) < " UNPUBLISHED_MAX
    " BEGIN INSERT INTO unpublished VALUES (NEW.sid, NEW.last_access_exp); END;";

static enum tok_err prepare(struct store *store, const char *path, struct errmsg *errmsg)
{
    int64_t version;

    if (!sql_execute(&store->sql,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "PRAGMA cache_size = -512; PRAGMA mmap_size = 0;"
                     "PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 256;"
                     "PRAGMA journal_size_limit = 4194304; PRAGMA trusted_schema = OFF;") ||
        !sql_number(&store->sql, "PRAGMA user_version", &version))
        return errmsg_set(errmsg, TOK_FILE, "%s", store->sql.failure);
    if (!is_version(path, version, errmsg))
        return TOK_FILE;
    if (version < SCHEMA_VERSION && !migrate(store))
        return errmsg_set(errmsg, TOK_FILE, "%s", store->sql.failure);
    if (!read_clock(store) || !sql_execute(&store->sql, note_unpublished))
        return errmsg_set(errmsg, TOK_FILE, "%s", store->sql.failure);
    return TOK_OK;
}

/* SQLite creates files with mode 0644 less the umask. */
static enum tok_err make_file(const char *path, struct errmsg *errmsg)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    if (fd < 0)
        return errmsg_set(
            errmsg, TOK_FILE,
            "%s: %s: expected a file of jwtd-issuer with mode 0600, on a writable file system "
            "with free space",
            path, strerror(errno));
    (void)close(fd);
    return TOK_OK;
}

static enum tok_err open_file(const char *path, int flags, sqlite3 **ret, struct errmsg *errmsg)
{
    if (sqlite3_open_v2(path, ret, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL) !=
        SQLITE_OK)
        return errmsg_set(errmsg, TOK_FILE,
                          "%s: %s: expected a file of jwtd-issuer with mode 0600", path,
                          sqlite3_errmsg(*ret));
    (void)sqlite3_busy_timeout(*ret, 2000);
    return TOK_OK;
}

enum tok_err store_connect(struct store *store, const char *path, struct errmsg *errmsg)
{
    enum tok_err err = make_file(path, errmsg);

    if (err == TOK_OK)
        err = open_file(path, SQLITE_OPEN_READWRITE, &store->sql.db, errmsg);
    return err == TOK_OK ? prepare(store, path, errmsg) : err;
}

/* quick_check yields "ok", or the first fault that it finds, for some below a headline. */
static bool has_no_fault(struct sql *sql)
{
    sqlite3_stmt *statement = NULL;
    const char *found = NULL, *line;

    if (sqlite3_prepare_v2(sql->db, "PRAGMA quick_check(1)", -1, &statement, NULL) ==
            SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        found = (const char *)sqlite3_column_text(statement, 0);
    line = found ? strrchr(found, '\n') : NULL;
    if (!found)
        (void)sql_failed(sql);
    else if (strcmp(found, "ok") != 0)
        sql_corrupt(sql, line ? line + 1 : found);
    (void)sqlite3_finalize(statement);
    return sql->failure[0] == '\0';
}

enum tok_err store_check(const char *path, struct errmsg *errmsg)
{
    CLEANUP(sql_close) struct sql sql = {0};
    int64_t version;

    if (open_file(path, SQLITE_OPEN_READONLY, &sql.db, errmsg) != TOK_OK)
        return TOK_FILE;
    if (sql_number(&sql, "PRAGMA user_version", &version) &&
        is_version(path, version, errmsg) && has_no_fault(&sql))
        return TOK_OK;
    if (sql.failure[0])
        (void)errmsg_set(errmsg, TOK_FILE, "%s", sql.failure);
    return TOK_FILE;
}
