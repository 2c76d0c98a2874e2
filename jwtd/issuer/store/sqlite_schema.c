/* Opening the SQLite file, its tables and their versions. */
#include "jwtd/issuer/store/sqlite.h"
#include "jwtd/issuer/store/store_internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
    /* 5: the order in which sessions were revoked */
    "ALTER TABLE revoked ADD COLUMN change INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX revoked_change ON revoked (change, sid);"
    "CREATE TABLE counter (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "INSERT INTO counter VALUES ('revocations', 0);"
    "PRAGMA user_version = 5;",
};

/* Under the write lock: another process may migrate at the same time. */
static bool migrate(struct sql *sql)
{
    int64_t version;

    if (!sql_begin(sql) || !sql_number(sql, "PRAGMA user_version", &version))
        return false;
    for (; version < SCHEMA_VERSION; version++)
        if (!sql_execute(sql, migrations[version]))
            return false;
    return sql_commit(sql);
}

static bool is_version(struct sql *sql, const char *path, int64_t version)
{
    if (version < 0)
        (void)sql_failed(sql, "%s: not a session store", path);
    else if (version > SCHEMA_VERSION)
        (void)sql_failed(sql,
                         "%s: schema version %" PRId64 " of a newer release, expected at most "
                         "%d: install the newer release again",
                         path, version, SCHEMA_VERSION);
    return version >= 0 && version <= SCHEMA_VERSION;
}

bool sqlite_prepare(struct sql *sql, const char *path)
{
    int64_t version;

    return sql_execute(sql,
                       "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                       "PRAGMA cache_size = -512; PRAGMA mmap_size = 0;"
                       "PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 256;"
                       "PRAGMA journal_size_limit = 4194304; PRAGMA trusted_schema = OFF;") &&
           sql_number(sql, "PRAGMA user_version", &version) && is_version(sql, path, version) &&
           (version == SCHEMA_VERSION || migrate(sql));
}

/* SQLite creates files with mode 0644 less the umask. */
static bool make_file(struct sql *sql, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    if (fd < 0)
        (void)sql_failed(
            sql,
            "%s: %s: expected a file of jwtd-issuer with mode 0600, on a writable file system "
            "with free space",
            path, strerror(errno));
    else
        (void)close(fd);
    return fd >= 0;
}

bool sqlite_open_file(struct sql *sql, const char *path, int flags)
{
    struct sqlite *s = calloc(1, sizeof(*s));

    sql->connection = s;
    if (!s) {
        (void)sql_failed(sql, "out of memory");
        return false;
    }
    if (sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                        NULL) != SQLITE_OK) {
        (void)sql_failed(sql, "%s: %s: expected a file of jwtd-issuer with mode 0600", path,
                         sqlite3_errmsg(s->db));
        return false;
    }
    (void)sqlite3_busy_timeout(s->db, 2000);
    return true;
}

bool sqlite_open(struct sql *sql, const char *path)
{
    return make_file(sql, path) && sqlite_open_file(sql, path, SQLITE_OPEN_READWRITE) &&
           sqlite_prepare(sql, path);
}

/* quick_check yields "ok", or the first fault that it finds, for some below a headline. */
static bool has_no_fault(struct sql *sql)
{
    char found[256];
    const char *line;
    struct sql_call call = sql_call(sql, "PRAGMA quick_check(1)", NULL);

    if (sql_step(&call) == STORE_DONE) {
        sql_read_text(&call, found, sizeof(found));
        line = strrchr(found, '\n');
        if (call.corrupt)
            sql_corrupt(sql, "database disk image is malformed");
        else if (strcmp(found, "ok") != 0)
            sql_corrupt(sql, line ? line + 1 : found);
    }
    sql_done(&call);
    return sql->failure[0] == '\0';
}

enum tok_err store_check(const char *path, struct errmsg *errmsg)
{
    CLEANUP(sql_close) struct sql sql = {.engine = &sql_sqlite};
    int64_t version;

    if (sqlite_open_file(&sql, path, SQLITE_OPEN_READONLY) &&
        sql_number(&sql, "PRAGMA user_version", &version) && is_version(&sql, path, version) &&
        has_no_fault(&sql))
        return TOK_OK;
    return errmsg_set(errmsg, TOK_FILE, "%s", sql.failure);
}
