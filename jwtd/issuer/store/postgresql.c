/*
 * The PostgreSQL engine, a module that jwtd-issuer loads for [Store] Database=. Statements are
 * sent in pipeline mode (libpq, "Pipeline Mode"): BEGIN waits for no answer, and what waits for
 * one waits for all that was sent before.
 *
 * A statement is prepared once for each text on a connection. Any failure makes the connection
 * unusable: the store is closed and opened again (store.h).
 */
#include "jwtd/issuer/store/sql.h"

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/text.h"
#include "common/base/timespan.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PARAMS_MAX 24
#define PASSWORD_MAX 4096 /* bytes of the credential */
#define ANSWER_TIME (10 * SECOND)
#define COMMIT_TIME (30 * SECOND)

/* Types of parameters and columns (pg_type.oid). */
enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };

struct postgresql {
    PGconn *c;
    const char *texts[SQL_MAX]; /* prepared, under the name of their place */
    size_t unread;              /* answers of statements that nobody has asked for */
    bool in_transaction;
    bool warned; /* a warning since the last commit began */
};

/* What the administrator can do about libpq's message. */
static const struct {
    const char *text, *remedy;
} remedies[] = {
    {"certificate verify failed",
     ": check sslrootcert= and the dates of the server's certificate"},
    {"password authentication failed",
     ": correct /etc/credstore/jwtd-issuer.postgresql-password or the password of the role"},
};

static enum store_result failed(struct sql *sql)
{
    const struct postgresql *p = sql->connection;
    const char *text = PQerrorMessage(p->c), *remedy = "";

    for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
        if (strstr(text, remedies[i].text))
            remedy = remedies[i].remedy;
    return sql_failed(sql, "PostgreSQL: %.*s%s", (int)strcspn(text, "\n"), text, remedy);
}

static void report_corrupt(struct sql *sql, const char *what)
{
    (void)sql_failed(sql, "PostgreSQL: %s: restore the database from a backup", what);
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
    CLEANUP(cleanup_free) char *path = NULL;
    struct errmsg errmsg = {""};
    enum tok_err err = dir ? text_concat(dir, "/postgresql-password", "", &path) : TOK_OK;

    if (err == TOK_OK && dir)
        err = file_read(path, FILE_PUBLIC, PASSWORD_MAX, ret, &errmsg);
    if (err == TOK_OK || file_is_missing(err, &errmsg))
        return true;
    (void)sql_failed(sql, "%s", errmsg.text);
    return false;
}

static bool open_database(struct sql *sql, const char *url)
{
    CLEANUP(secret_clear) struct secret password = {0};
    const char *const names[] = {"connect_timeout",
                                 "target_session_attrs",
                                 "application_name",
                                 "options",
                                 "dbname",
                                 "password",
                                 NULL};
    const char *values[] = {"5",
                            "read-write",
                            "jwtd-issuer",
                            "-c synchronous_commit=on -c lock_timeout=5s"
                            " -c idle_in_transaction_session_timeout=20s",
                            url,
                            NULL,
                            NULL};
    struct postgresql *p = calloc(1, sizeof(*p));

    if (!p || !read_password(sql, &password)) {
        free(p);
        return false;
    }
    if (password.p) {
        password.p[strcspn(password.p, "\n")] = '\0';
        values[5] = password.p;
    }

    sql->connection = p;
    p->c = PQconnectdbParams(names, values, 1);
    if (PQstatus(p->c) != CONNECTION_OK || PQsetnonblocking(p->c, 1) != 0 ||
        PQenterPipelineMode(p->c) != 1) {
        (void)failed(sql);
        return false;
    }
    (void)PQsetNoticeReceiver(p->c, on_notice, p);
    return true;
}

static void close_database(struct sql *sql)
{
    struct postgresql *p = sql->connection;

    if (p)
        PQfinish(p->c);
    free(p);
    sql->connection = NULL;
}

static uint64_t monotonic(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec / 1000;
}

/* Sends what is queued, and waits until an answer can be read. */
static bool wait_for_answer(struct sql *sql, uint64_t until)
{
    const struct postgresql *p = sql->connection;

    for (;;) {
        struct pollfd fd = {.fd = PQsocket(p->c), .events = POLLIN};
        int unsent = PQflush(p->c);
        uint64_t now = monotonic();

        if (unsent < 0)
            return false;
        if (!unsent && !PQisBusy(p->c))
            return true;
        if (now >= until) {
            (void)sql_failed(sql, "PostgreSQL: no answer in time: check the server and the "
                                  "network");
            return false;
        }
        fd.events = (short)(POLLIN | (unsent ? POLLOUT : 0));
        (void)poll(&fd, 1, (int)((until - now) / 1000) + 1);
        if (PQconsumeInput(p->c) != 1)
            return false;
    }
}

/* The next answer; NULL: a failure, which is recorded. A statement's answer ends in a NULL of
 * libpq, a Sync's does not. */
static PGresult *read_answer(struct sql *sql, uint64_t until)
{
    const struct postgresql *p = sql->connection;
    PGresult *result = NULL;
    ExecStatusType status;

    if (wait_for_answer(sql, until))
        result = PQgetResult(p->c);
    if (!result) {
        if (!sql->failure[0])
            (void)failed(sql);
        return NULL;
    }
    status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_SYNC)
        return result;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        if (wait_for_answer(sql, until))
            (void)PQgetResult(p->c);
        return result;
    }
    (void)sql_failed(sql, "PostgreSQL: %s (%s)",
                     PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY),
                     PQresultErrorField(result, PG_DIAG_SQLSTATE));
    PQclear(result);
    return NULL;
}

/* Asks for the answers of all that was sent, and returns the last one. */
static PGresult *read_answers(struct sql *sql, uint64_t time)
{
    struct postgresql *p = sql->connection;
    uint64_t until = monotonic() + time;
    bool synced = !p->in_transaction;
    PGresult *last = NULL;

    if (synced ? PQpipelineSync(p->c) != 1 : PQsendFlushRequest(p->c) != 1) {
        (void)failed(sql);
        return NULL;
    }
    for (; p->unread > 0; p->unread--) {
        PQclear(last);
        last = read_answer(sql, until);
        if (!last)
            return NULL;
    }
    if (synced) {
        PGresult *sync = read_answer(sql, until);

        if (!sync) {
            PQclear(last);
            return NULL;
        }
        PQclear(sync);
    }
    return last;
}

/* ?N becomes $N. False: it does not fit. */
static bool translate(const char *text, char *ret, size_t size)
{
    size_t n = strlen(text);

    if (n >= size)
        return false;
    for (size_t i = 0; i <= n; i++)
        ret[i] = (char)(text[i] == '?' ? '$' : text[i]);
    return true;
}

struct params {
    int n;
    Oid types[PARAMS_MAX];
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX], formats[PARAMS_MAX];
    uint64_t numbers[PARAMS_MAX]; /* in network order */
};

static void fill_params(const struct sql_value *values, struct params *ret)
{
    ret->n = 0;
    for (; values && values[ret->n].type != SQL_END && ret->n < PARAMS_MAX; ret->n++) {
        const struct sql_value *v = &values[ret->n];
        int i = ret->n;

        ret->formats[i] = 1;
        ret->values[i] = v->p ? v->p : "";
        if (v->type == SQL_IS_INT) {
            ret->types[i] = OID_INT8;
            ret->numbers[i] = htobe64((uint64_t)v->number);
            ret->values[i] = (const char *)&ret->numbers[i];
            ret->lengths[i] = sizeof(ret->numbers[i]);
        } else if (v->type == SQL_IS_TEXT) {
            ret->types[i] = OID_TEXT;
            ret->lengths[i] = (int)strlen(v->p);
        } else {
            ret->types[i] = OID_BYTEA;
            ret->lengths[i] = (int)v->number;
        }
    }
}

/* The place of the prepared statement; it is prepared if it is not yet. */
static bool find_statement(struct postgresql *p, const char *text, const struct params *params,
                           char ret_name[16])
{
    char translated[2048];
    size_t n = 0;

    while (n < SQL_MAX && p->texts[n] && p->texts[n] != text)
        n++;
    if (n == SQL_MAX)
        return false;
    (void)snprintf(ret_name, 16, "s%zu", n);
    if (p->texts[n])
        return true;
    if (!translate(text, translated, sizeof(translated)) ||
        PQsendPrepare(p->c, ret_name, translated, params->n, params->types) != 1)
        return false;
    p->texts[n] = text;
    p->unread++;
    return true;
}

static bool send_statement(struct sql *sql, const char *text, const struct sql_value *values)
{
    struct postgresql *p = sql->connection;
    struct params params;
    char name[16];

    fill_params(values, &params);
    if (find_statement(p, text, &params, name) &&
        PQsendQueryPrepared(p->c, name, params.n, params.values, params.lengths, params.formats,
                            1) == 1) {
        p->unread++;
        return true;
    }
    (void)failed(sql);
    return false;
}

static bool begin(struct sql *sql)
{
    struct postgresql *p = sql->connection;

    p->in_transaction = true;
    return send_statement(sql, "BEGIN", NULL);
}

static bool commit(struct sql *sql)
{
    struct postgresql *p = sql->connection;
    PGresult *result;
    bool committed;

    p->warned = false;
    if (!send_statement(sql, "COMMIT", NULL))
        return false;
    p->in_transaction = false;
    result = read_answers(sql, COMMIT_TIME);
    committed = result && strcmp(PQcmdStatus(result), "COMMIT") == 0 && !p->warned;
    if (!committed && !sql->failure[0])
        (void)sql_failed(sql, "PostgreSQL: COMMIT was not confirmed by the standby");
    PQclear(result);
    return committed;
}

/* Closing the connection rolls back. */
static void rollback(struct sql *sql)
{
    struct postgresql *p = sql->connection;

    if (p->in_transaction && !sql->failure[0] && send_statement(sql, "ROLLBACK", NULL)) {
        p->in_transaction = false;
        PQclear(read_answers(sql, ANSWER_TIME));
    }
}

static void start(struct sql_call *call, const char *text, const struct sql_value *values)
{
    if (send_statement(call->sql, text, values))
        call->rows = read_answers(call->sql, ANSWER_TIME);
}

static enum store_result step(struct sql_call *call)
{
    struct sql *sql = call->sql;
    const char *changed;

    if (++call->row < PQntuples(call->rows))
        return STORE_DONE;
    changed = PQcmdTuples(call->rows);
    sql->changed = strncmp(PQcmdStatus(call->rows), "SELECT", 6) == 0 ? 0 : atoll(changed);
    sql->dirty = sql->dirty || sql->changed > 0;
    return STORE_ABSENT;
}

static struct sql_cell cell(const struct sql_call *call, int column)
{
    struct sql_cell c = {
        .null = PQgetisnull(call->rows, call->row, column) == 1,
        .p = PQgetvalue(call->rows, call->row, column),
        .n = (size_t)PQgetlength(call->rows, call->row, column),
    };
    uint64_t wide;
    uint32_t narrow;

    if (c.n == sizeof(wide)) {
        memcpy(&wide, c.p, sizeof(wide));
        c.number = (int64_t)be64toh(wide);
    } else if (c.n == sizeof(narrow)) {
        memcpy(&narrow, c.p, sizeof(narrow));
        c.number = (int32_t)be32toh(narrow);
    }
    return c;
}

static void done(struct sql_call *call)
{
    PQclear(call->rows);
    call->rows = NULL;
}

static bool execute(struct sql *sql, const char *text)
{
    struct postgresql *p = sql->connection;
    PGresult *result;

    if (PQsendQueryParams(p->c, text, 0, NULL, NULL, NULL, NULL, 0) != 1) {
        (void)failed(sql);
        return false;
    }
    p->unread++;
    result = read_answers(sql, ANSWER_TIME);
    PQclear(result);
    return result != NULL;
}

extern const struct sql_engine jwtd_sql_engine;
__attribute__((visibility("default"))) const struct sql_engine jwtd_sql_engine = {
    .shared = true,
    .open = open_database,
    .close = close_database,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .execute = execute,
    .report_corrupt = report_corrupt,
    .start = start,
    .step = step,
    .cell = cell,
    .done = done,
};
