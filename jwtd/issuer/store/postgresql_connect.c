#include "jwtd/issuer/store/postgresql.h"

#include "common/base/cleanup.h"
#include "common/base/file.h"

#include <stdio.h>
#include <string.h>

#define PASSWORD_MAX 4096 /* bytes of the credential */

/* What the administrator can do, by SQLSTATE or its class. libpq does not give that of a
 * refused connection: there, by a part of the message in English. */
static const struct {
    const char *state, *text, *remedy;
} remedies[] = {
    {"28P01", "password authentication failed",
     "correct /etc/credstore/jwtd-issuer.postgresql-password or the password of the role"},
    {NULL, "no password supplied",
     "write it to /etc/credstore/jwtd-issuer.postgresql-password, or set passfile= in "
     "Database="},
    {"28", "authentication failed", "check pg_hba.conf and the role in Database="},
    {NULL, "no pg_hba.conf entry", "add the role and the address of this host to pg_hba.conf"},
    {"3D000", "database \"", "create the database, then run: jwtctl store migrate"},
    {NULL, "role \"", "create the role, or correct Database="},
    {"42P01", NULL, "run: jwtctl store migrate"},
    {"42501", "permission denied",
     "grant SELECT, INSERT, UPDATE and DELETE on the tables to the role in Database="},
    {"53300", "too many clients", "raise max_connections of the server"},
    {"53100", NULL, "free space on the disk of the server"},
    {"57P01", NULL, "wait until the server has started again"},
    {"57P03", "starting up", "wait until the server has started"},
    {NULL, "recovery mode", "wait until the server has recovered"},
    {"25006", "read-only", "name the primary in Database=, or all servers of the cluster"},
    {NULL, "hot standby", "name the primary in Database=, or all servers of the cluster"},
    {NULL, "certificate", "check sslrootcert= and the dates of the server's certificate"},
    {"55P03", NULL, "end the other transaction that holds the lock"},
    {"XX", NULL, "check the log of the server, and restore the database from a backup"},
};

static const char *find_remedy(const char *state, const char *text)
{
    for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++) {
        const char *of_state = remedies[i].state, *of_text = remedies[i].text;

        if ((state && of_state && strncmp(state, of_state, strlen(of_state)) == 0) ||
            (of_text && strstr(text, of_text)))
            return remedies[i].remedy;
    }
    return state ? "see the log of the server" : "check the server, the network and Database=";
}

/* Several lines, one for each host, become one. */
static void record(struct sql *sql, const char *state, const char *text)
{
    const struct postgresql *p = sql->connection;
    const char *remedy = find_remedy(state, text);
    size_t n = strlen(text);

    while (n > 0 && text[n - 1] == '\n')
        n--;
    (void)sql_failed(sql, "%s: %.*s%s%s%s: %s", p->name, n < 280 ? (int)n : 280, text,
                     state ? " (" : "", state ? state : "", state ? ")" : "", remedy);
    for (char *c = sql->failure; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

enum store_result postgresql_failed(struct sql *sql)
{
    struct postgresql *p = sql->connection;

    p->recoverable = p->conflict = false;
    record(sql, NULL, PQerrorMessage(p->c));
    return STORE_FAILED;
}

/* After these the connection is as good as before. What other states say about the server makes
 * a new connection, maybe to another server, the better choice. */
static bool is_recoverable(const char *state)
{
    static const char *const classes[] = {"22", "23", "40", "42", "55"};

    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (strncmp(state, classes[i], 2) == 0)
            return true;
    return false;
}

/* Of a transaction that another one was in the way of: deadlock, serialization failure, a row
 * with the same key that was added at the same time. Not a lock timeout: that was waited for.
 */
static bool is_conflict(const char *state)
{
    return strncmp(state, "40", 2) == 0 || strcmp(state, "23505") == 0;
}

void postgresql_refused(struct sql *sql, const PGresult *result)
{
    struct postgresql *p = sql->connection;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    bool is_error = state && severity && strcmp(severity, "ERROR") == 0;

    p->recoverable = is_error && is_recoverable(state);
    p->conflict = is_error && is_conflict(state);
    record(sql, state, text ? text : PQresultErrorMessage(result));
}

static void on_notice(void *arg, const PGresult *result)
{
    struct postgresql *p = arg;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (severity && strcmp(severity, "WARNING") == 0)
        p->warned = true;
}

/* The password that systemd passes (LoadCredential=); p is NULL without one. */
static bool read_password(struct sql *sql, struct secret *ret)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char path[512];
    struct errmsg errmsg = {""};
    enum tok_err err;

    if (!dir)
        return true;
    (void)snprintf(path, sizeof(path), "%s/postgresql-password", dir);
    err = file_read(path, FILE_PUBLIC, PASSWORD_MAX, ret, &errmsg);
    if (err == TOK_OK && ret->p)
        ret->p[strcspn(ret->p, "\r\n")] = '\0';
    if (err == TOK_OK || file_is_missing(err, &errmsg))
        return true;
    (void)sql_failed(sql, "%s", errmsg.text[0] ? errmsg.text : "out of memory");
    return false;
}

/*
 * Blocks, for two seconds for each address of the hosts at most, which is the least time that
 * libpq has. It is the loop that waits: nothing can be answered without the store, and
 * PQconnectPoll has no time for each host, so that the first dead one would use up the time of
 * the others. state.c tries at most once a second.
 */
static PGconn *connect_to(const char *url, const char *password)
{
    const char *const names[] = {"connect_timeout",  "target_session_attrs",
                                 "application_name", "dbname",
                                 "password",         NULL};
    const char *const values[] = {"2", "read-write", "jwtd-issuer", url, password, NULL};

    return PQconnectdbParams(names, values, 1);
}

/*
 * Whatever the role or the database has as defaults: a commit waits for the disk, and for the
 * standby if there is one; none is cancelled after it may have been written. Rows of an issuer
 * that has lost its connection are free again after ten seconds, and are waited for two; its
 * connection, of which the server has only so many, ends after 25. A page of a list is read in
 * the order of an index: without statistics, the server would sort all of it for each page.
 * Statements are planned once; each finds its rows by an index.
 */
static bool set_session(struct sql *sql)
{
    return sql_find(sql,
                    "SELECT set_config('synchronous_commit',"
                    " CASE current_setting('synchronous_commit') WHEN 'remote_apply'"
                    " THEN 'remote_apply' ELSE 'on' END, false),"
                    " set_config('statement_timeout', '0', false),"
                    " set_config('lock_timeout', '2s', false),"
                    " set_config('idle_in_transaction_session_timeout', '10s', false),"
                    " set_config('tcp_keepalives_idle', '10', false),"
                    " set_config('tcp_keepalives_interval', '5', false),"
                    " set_config('tcp_keepalives_count', '3', false),"
                    " set_config('tcp_user_timeout', '25s', false),"
                    " set_config('enable_sort', 'off', false),"
                    " set_config('jit', 'off', false),"
                    " set_config('plan_cache_mode', 'force_generic_plan', false),"
                    " set_config('default_transaction_isolation', 'read committed', false)",
                    NULL) == STORE_DONE;
}

bool postgresql_open(struct sql *sql, const char *url)
{
    CLEANUP(secret_clear) struct secret password = {0};
    struct postgresql *p = calloc(1, sizeof(*p));

    sql->connection = p;
    if (!p) {
        (void)sql_failed(sql, "out of memory");
        return false;
    }
    if (!read_password(sql, &password))
        return false;
    (void)snprintf(p->name, sizeof(p->name), "%.*s", (int)strcspn(url, "?"), url);
    p->c = connect_to(url, password.p);
    if (PQstatus(p->c) != CONNECTION_OK || PQsetnonblocking(p->c, 1) != 0 ||
        PQenterPipelineMode(p->c) != 1) {
        (void)postgresql_failed(sql);
        return false;
    }
    (void)PQsetNoticeReceiver(p->c, on_notice, p);
    return set_session(sql);
}

void postgresql_close(struct sql *sql)
{
    struct postgresql *p = sql->connection;

    if (p)
        PQfinish(p->c);
    free(p);
    sql->connection = NULL;
}
