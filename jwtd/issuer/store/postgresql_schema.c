/* The tables of a PostgreSQL database. The names are SQLite's (sqlite_schema.c). */
#include "jwtd/issuer/store/postgresql_schema.h"
#include "jwtd/issuer/store/store_internal.h"

#include <inttypes.h>

_Static_assert(ISSUE_ID_BYTES == 16 && USER_NAME_MAX == 255 && STORE_SOURCE_MAX == 64 &&
                   KEY_KID_MAX == 1024 && STORE_STAMP_MAX == 16 && STORE_METHOD_MAX == 15 &&
                   STORE_AMR_MAX == 63,
               "the lengths below");

/* 5: the first version that PostgreSQL has. A row with a longer value would fail every
 * transaction that reads it, with all others that are in it. */
const char *const postgresql_schema[] = {
    "CREATE TABLE schema_version (version bigint NOT NULL)",
    "INSERT INTO schema_version VALUES (5)",
    "CREATE TABLE session ("
    " sid bytea PRIMARY KEY,"
    " \"user\" text NOT NULL,"
    " source text NOT NULL,"
    " client text NOT NULL,"
    " created_at bigint NOT NULL,"
    " absolute_exp bigint NOT NULL,"
    " idle_exp bigint NOT NULL,"
    " gen bigint NOT NULL,"
    " refresh_jti bytea NOT NULL,"
    " previous_jti bytea,"
    " access_jti bytea NOT NULL,"
    " kid text NOT NULL,"
    " rotated_at bigint NOT NULL,"
    " issued_at bigint NOT NULL,"
    " access_exp bigint NOT NULL,"
    " refresh_exp bigint NOT NULL,"
    " last_access_exp bigint NOT NULL,"
    " purge_at bigint NOT NULL,"
    " stamp bytea NOT NULL,"
    " last_used bigint NOT NULL,"
    " uid bigint NOT NULL,"
    " method text NOT NULL,"
    " amr text NOT NULL,"
    " CHECK (octet_length(sid) = 16 AND octet_length(refresh_jti) = 16"
    " AND octet_length(previous_jti) = 16 AND octet_length(access_jti) = 16),"
    " CHECK (octet_length(\"user\") <= 255 AND octet_length(source) <= 64"
    " AND octet_length(client) <= 64 AND octet_length(kid) <= 1024"
    " AND octet_length(stamp) <= 16 AND octet_length(method) <= 15"
    " AND octet_length(amr) <= 63)"
    ") WITH (fillfactor = 70)",
    "CREATE INDEX session_by_user ON session (\"user\", created_at)",
    "CREATE INDEX session_purge ON session (purge_at)",
    "CREATE TABLE clock (id bigint PRIMARY KEY CHECK (id = 1), mark bigint NOT NULL)",
    "INSERT INTO clock VALUES (1, 0)",
    "CREATE TABLE revoked ("
    " sid bytea PRIMARY KEY CHECK (octet_length(sid) = 16),"
    " last_access_exp bigint NOT NULL CHECK (last_access_exp >= 0),"
    " purge_at bigint NOT NULL,"
    " change bigint NOT NULL)",
    "CREATE INDEX revoked_access ON revoked (last_access_exp)",
    "CREATE INDEX revoked_purge ON revoked (purge_at)",
    "CREATE INDEX revoked_change ON revoked (change, sid)",
    /* A rotation that was not committed when the row was made may have prolonged the session.
     */
    "CREATE FUNCTION delete_revoked() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN"
    " WITH ended AS (DELETE FROM session WHERE sid = NEW.sid"
    " RETURNING last_access_exp, purge_at)"
    " UPDATE revoked SET"
    " last_access_exp = greatest(revoked.last_access_exp, ended.last_access_exp),"
    " purge_at = greatest(revoked.purge_at, ended.purge_at)"
    " FROM ended WHERE revoked.sid = NEW.sid AND (revoked.purge_at < ended.purge_at OR"
    " revoked.last_access_exp < ended.last_access_exp);"
    " RETURN NULL; END'",
    "CREATE TRIGGER session_revoked AFTER INSERT ON revoked"
    " FOR EACH ROW EXECUTE FUNCTION delete_revoked()",
    "CREATE TABLE \"user\" (name text PRIMARY KEY)",
    "CREATE TABLE spent ("
    " id bytea PRIMARY KEY CHECK (octet_length(id) = 16),"
    " issuer bytea NOT NULL CHECK (octet_length(issuer) = 16),"
    " purge_at bigint NOT NULL)",
    "CREATE INDEX spent_issuer ON spent (issuer)",
    "CREATE INDEX spent_purge ON spent (purge_at)",
    "CREATE TABLE counter (name text PRIMARY KEY, value bigint NOT NULL)",
    "INSERT INTO counter VALUES ('revocations', 0), ('keys', 0)",
    "CREATE TABLE issuer (thumbprint text PRIMARY KEY, document text NOT NULL)",
    "CREATE TABLE bundle ("
    " id bigint PRIMARY KEY CHECK (id = 1),"
    " seq bigint NOT NULL,"
    " change bigint NOT NULL,"
    " text text NOT NULL)",
    "INSERT INTO bundle VALUES (1, 0, 0, '')",
    "CREATE TABLE attempt ("
    " id bytea PRIMARY KEY CHECK (octet_length(id) = 16),"
    " halves bigint NOT NULL,"
    " until bigint NOT NULL)",
    "CREATE INDEX attempt_until ON attempt (until)",
    NULL,
};

bool postgresql_read_version(struct sql *sql, int64_t *ret)
{
    int64_t there;

    if (!sql_number(sql,
                    "SELECT CASE WHEN to_regclass('schema_version') IS NULL THEN 0 ELSE 1 END",
                    &there))
        return false;
    *ret = 0;
    return !there || sql_number(sql, "SELECT version FROM schema_version", ret);
}

bool postgresql_check_version(struct sql *sql)
{
    int64_t version;

    if (!postgresql_read_version(sql, &version))
        return false;
    if (version > SCHEMA_VERSION)
        (void)sql_failed(sql,
                         "PostgreSQL: schema version %" PRId64 " of a newer release, expected "
                         "%d: install the newer release again",
                         version, SCHEMA_VERSION);
    else if (version < SCHEMA_VERSION)
        (void)sql_failed(sql,
                         "PostgreSQL: schema version %" PRId64 "%s, expected %d: run jwtctl "
                         "store migrate",
                         version, version == 0 ? " (no tables)" : "", SCHEMA_VERSION);
    return version == SCHEMA_VERSION;
}
