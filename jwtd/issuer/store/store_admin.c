/* What an administrator does with a PostgreSQL database: creates or migrates the tables, and
 * checks it. */
#include "jwtd/issuer/store/postgresql_schema.h"
#include "jwtd/issuer/store/store_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CLOCK_DIFFERENCE 5 /* seconds; more is reported */

struct store *store_connect_database(const char *url, const char *modules,
                                     struct errmsg *errmsg)
{
    if (store_is_shared(url))
        return store_connect(url, modules, errmsg);
    (void)errmsg_set(errmsg, TOK_FILE, "%s: expected a URL postgresql://...", url);
    return NULL;
}

/* Another migration may run at the same time: it waits. */
static bool migrate(struct sql *sql, struct store_versions *ret)
{
    ret->now = SCHEMA_VERSION;
    if (!sql_execute(sql, "SET LOCAL lock_timeout = 0") ||
        !sql_execute(sql, "SELECT pg_advisory_xact_lock(7233189)") ||
        !postgresql_read_version(sql, &ret->before))
        return false;
    if (ret->before > 0)
        return postgresql_check_version(sql);
    for (const char *const *text = postgresql_schema; *text; text++)
        if (!sql_execute(sql, *text))
            return false;
    return true;
}

/* What an issuer needs, and nothing that changes or empties a table. */
static bool grant(struct sql *sql, const char *role)
{
    static const char grants[] =
        "DO $$ BEGIN"
        " EXECUTE format('GRANT SELECT ON schema_version TO %I', current_setting('jwt.role'));"
        " EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON session, revoked, \"user\","
        " spent, clock, counter, issuer, bundle, attempt TO %I', current_setting('jwt.role'));"
        " END $$";

    return sql_find(sql, "SELECT set_config('jwt.role', ?1, true)",
                    SQL_VALUES(SQL_TEXT(role))) == STORE_DONE &&
           sql_execute(sql, grants);
}

enum tok_err store_migrate(const char *url, const char *modules, const char *role,
                           struct store_versions *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_store) struct store *store = store_connect_database(url, modules, errmsg);
    struct sql *sql = store ? &store->sql : NULL;

    if (!store)
        return TOK_FILE;
    if (sql_begin(sql) && migrate(sql, ret) && (!role || grant(sql, role)) && sql_commit(sql))
        return TOK_OK;
    return errmsg_set(errmsg, TOK_FILE, "%s", sql->failure);
}

/* Each query yields 1 where the warning applies, but not to a URL with `unless`. */
static const struct {
    const char *query, *unless, *warning;
} checks[] = {
    {"SELECT CASE WHEN rolsuper OR pg_has_role(relowner, 'USAGE')"
     " OR has_schema_privilege(relnamespace, 'CREATE')"
     " OR has_table_privilege(t.oid, 'TRUNCATE') THEN 1 ELSE 0 END"
     " FROM pg_class t, pg_roles"
     " WHERE t.oid = to_regclass('session') AND rolname = current_user",
     NULL,
     "the role of Database= can change, drop or empty tables: use another role, with the "
     "privileges of jwtctl store migrate --grant=ROLE alone"},
    {"SELECT CASE WHEN current_setting('synchronous_standby_names') = ''"
     " AND EXISTS (SELECT 1 FROM pg_stat_replication) THEN 1 ELSE 0 END",
     NULL,
     "the database has standbys, but none is synchronous: a failover loses the last refreshes "
     "and logouts; set synchronous_standby_names, or synchronous_mode_strict of Patroni"},
    {"SELECT CASE WHEN current_setting('fsync') = 'off' THEN 1 ELSE 0 END", NULL,
     "the database has fsync=off: a crash loses sessions and logouts"},
    {"SELECT CASE WHEN inet_client_addr() IS NULL"
     " OR inet_client_addr() <<= inet '127.0.0.0/8'"
     " OR inet_client_addr() = inet '::1' THEN 0 ELSE 1 END",
     "sslmode=verify-full",
     "Database= has no sslmode=verify-full: who controls the network can read and change what "
     "the database answers"},
};

static void warn_of_clock(int64_t database, void (*warn)(const char *))
{
    int64_t difference = database - (int64_t)time(NULL);
    char text[160];

    if (difference >= -CLOCK_DIFFERENCE && difference <= CLOCK_DIFFERENCE)
        return;
    (void)snprintf(text, sizeof(text),
                   "the clock of the database is %" PRId64 " s %s that of this host: "
                   "synchronise both (NTP)",
                   difference > 0 ? difference : -difference,
                   difference > 0 ? "ahead of" : "behind");
    warn(text);
}

static bool check(struct sql *sql, const char *url, void (*warn)(const char *))
{
    int64_t yes, now;

    if (!postgresql_check_version(sql))
        return false;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (!sql_number(sql, checks[i].query, &yes))
            return false;
        if (yes && !(checks[i].unless && strstr(url, checks[i].unless)))
            warn(checks[i].warning);
    }
    if (!sql_number(sql, "SELECT CAST(extract(epoch FROM clock_timestamp()) AS bigint)", &now))
        return false;
    warn_of_clock(now, warn);
    return true;
}

enum tok_err store_check_database(const char *url, const char *modules,
                                  void (*warn)(const char *warning), struct errmsg *errmsg)
{
    CLEANUP(cleanup_store) struct store *store = store_connect_database(url, modules, errmsg);

    if (!store)
        return TOK_FILE;
    return check(&store->sql, url, warn)
               ? TOK_OK
               : errmsg_set(errmsg, TOK_FILE, "%s", store->sql.failure);
}
