/* Statements are sent without waiting. A statement is prepared once for each text on a
 * connection. */
#include "jwtd/issuer/store/postgresql.h"

#include <endian.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Types of parameters (pg_type.oid), whose values are in the binary format. */
enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25, OID_BYTEA_ARRAY = 1001 };

#define PARAMS_MAX 24

/* An array as PostgreSQL sends it: a head, then each element after its length. */
struct id_array {
    uint32_t dimensions, has_null, type, n, first;
    struct {
        uint32_t len;
        uint8_t id[ISSUE_ID_BYTES];
    } at[SQL_IDS_MAX];
};

struct params {
    int n;
    Oid types[PARAMS_MAX];
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX], formats[PARAMS_MAX];
    uint64_t numbers[PARAMS_MAX]; /* in network order */
    struct id_array ids;          /* of the one parameter of this type */
};

static void set_param(struct params *params, Oid type, const void *value, size_t n)
{
    int i = params->n++;

    params->types[i] = type;
    params->values[i] = value ? value : "";
    params->lengths[i] = (int)n;
    params->formats[i] = 1;
}

static void set_ids(struct params *params, const uint8_t *ids, size_t n)
{
    struct id_array *to = &params->ids;

    to->dimensions = to->first = htobe32(1);
    to->has_null = 0;
    to->type = htobe32(OID_BYTEA);
    to->n = htobe32((uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        to->at[i].len = htobe32(ISSUE_ID_BYTES);
        memcpy(to->at[i].id, ids + i * ISSUE_ID_BYTES, ISSUE_ID_BYTES);
    }
    set_param(params, OID_BYTEA_ARRAY, to,
              offsetof(struct id_array, at) + n * sizeof(to->at[0]));
}

static void fill_params(const struct sql_value *values, struct params *ret)
{
    ret->n = 0;
    for (const struct sql_value *v = values; v && v->type != SQL_END; v++) {
        uint64_t *number = &ret->numbers[ret->n];

        *number = htobe64((uint64_t)v->number);
        if (v->type == SQL_IS_INT)
            set_param(ret, OID_INT8, number, sizeof(*number));
        else if (v->type == SQL_IS_TEXT)
            set_param(ret, OID_TEXT, v->p, strlen(v->p));
        else if (v->type == SQL_IS_IDS)
            set_ids(ret, v->p, (size_t)v->number);
        else
            set_param(ret, OID_BYTEA, v->p, (size_t)v->number);
    }
}

static void report_corrupt(struct sql *sql, const char *what)
{
    const struct postgresql *p = sql->connection;

    (void)sql_failed(sql, "%s: %s: restore the database from a backup", p->name, what);
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

/* The name of the prepared statement; it is prepared if it is not yet. */
static bool find_statement(struct sql *sql, const char *text, const struct params *params,
                           char ret_name[16])
{
    struct postgresql *p = sql->connection;
    char translated[2048];
    size_t n = 0, free_place = SQL_MAX;

    for (; n < SQL_MAX && p->texts[n] != text; n++)
        if (!p->texts[n] && free_place == SQL_MAX)
            free_place = n;
    if (n < SQL_MAX) {
        (void)snprintf(ret_name, 16, "s%zu", n);
        return true;
    }
    n = free_place;
    (void)snprintf(ret_name, 16, "s%zu", n);
    if (n == SQL_MAX || !translate(text, translated, sizeof(translated)))
        (void)sql_failed(sql, "%s: too many or too long statements", p->name);
    if (sql->failure[0] ||
        PQsendPrepare(p->c, ret_name, translated, params->n, params->types) != 1)
        return false;
    p->texts[n] = text;
    return postgresql_add_due(sql, DUE_PREPARE + DUE_KINDS * (unsigned)n);
}

static bool send_statement(struct sql *sql, const char *text, const struct sql_value *values,
                           enum due due)
{
    const struct postgresql *p = sql->connection;
    struct params params UNINITIALIZED;
    char name[16];

    if (sql->failure[0])
        return false;
    fill_params(values, &params);
    if (find_statement(sql, text, &params, name) &&
        PQsendQueryPrepared(p->c, name, params.n, params.values, params.lengths, params.formats,
                            1) == 1 &&
        postgresql_add_due(sql, due))
        return true;
    if (!sql->failure[0])
        (void)postgresql_failed(sql);
    return false;
}

static bool begin(struct sql *sql)
{
    return send_statement(sql, "BEGIN", NULL, DUE_ROWS);
}

/* After a warning it is not known whether the standby has the transaction. */
static bool is_confirmed(struct sql *sql, const char *what, bool done)
{
    const struct postgresql *p = sql->connection;

    if (done && !p->warned)
        return true;
    if (!sql->failure[0])
        (void)sql_failed(sql, "%s: %s was not confirmed: check the standby", p->name, what);
    return false;
}

/* The server answers what comes before at once: it shows that it is there, while a COMMIT may
 * wait for the standby. */
static void send_commit(struct sql *sql)
{
    struct postgresql *p = sql->connection;

    p->warned = false;
    if (!sql->failure[0] && PQsendFlushRequest(p->c) != 1)
        (void)postgresql_failed(sql);
    p->commit = send_statement(sql, "COMMIT", NULL, DUE_ROWS) ? p->sent - 1 : 0;
    if (p->commit)
        (void)postgresql_ask(sql);
}

static bool commit(struct sql *sql)
{
    struct postgresql *p = sql->connection;
    PGresult *result = NULL;
    bool committed;

    if (!p->commit)
        send_commit(sql);
    if (p->commit) {
        PQclear(postgresql_read_to(sql, p->commit - 1, ANSWER_TIME));
        result = postgresql_read_to(sql, p->commit, COMMIT_TIME);
    }
    p->commit = 0;
    committed = result && strcmp(PQcmdStatus(result), "COMMIT") == 0;
    PQclear(result);
    return is_confirmed(sql, "COMMIT", committed);
}

static bool send_rollback(struct sql *sql)
{
    const struct postgresql *p = sql->connection;
    PGresult *result = NULL;

    if (send_statement(sql, "ROLLBACK", NULL, DUE_ROWS))
        result = postgresql_read_to(sql, p->sent - 1, ANSWER_TIME);
    PQclear(result);
    return result != NULL;
}

/* Closing the connection rolls back, too. */
static void rollback(struct sql *sql)
{
    if (!sql->failure[0])
        (void)send_rollback(sql);
}

/* The server skips everything up to a Sync after an error. Where a row was not as presumed,
 * the transaction has ended. */
static bool recover(struct sql *sql, bool *ret_conflict)
{
    struct postgresql *p = sql->connection;

    *ret_conflict = p->conflict;
    p->commit = 0;
    if (!sql->failure[0] || !p->recoverable)
        return false;
    p->recoverable = false;
    sql->failure[0] = '\0';
    if (!postgresql_read_all(sql, ANSWER_TIME))
        return false;
    return PQtransactionStatus(p->c) == PQTRANS_IDLE || send_rollback(sql);
}

static void start(struct sql_call *call, const char *text, const struct sql_value *values)
{
    const struct postgresql *p = call->sql->connection;

    call->started = send_statement(call->sql, text, values, DUE_ROWS);
    call->number = p->sent - 1;
}

static enum store_result queue(struct sql *sql, const char *text,
                               const struct sql_value *values, enum sql_rows rows)
{
    static const enum due due[] = {DUE_ROWS, DUE_ONE_ROW, DUE_PRESUMED_ROW};
    const struct postgresql *p = sql->connection;

    if (p->sent - p->read > DUE_MAX / 2) {
        PGresult *last = postgresql_read_to(sql, p->sent - 1, ANSWER_TIME);

        if (!last)
            return STORE_FAILED;
        PQclear(last);
    }
    return send_statement(sql, text, values, due[rows]) ? STORE_DONE : STORE_FAILED;
}

static enum store_result step(struct sql_call *call)
{
    struct sql *sql = call->sql;

    if (!call->rows)
        call->rows = postgresql_read_to(sql, call->number, ANSWER_TIME);
    if (!call->rows)
        return STORE_FAILED;
    if (++call->row < PQntuples(call->rows))
        return STORE_DONE;
    sql->changed = strncmp(PQcmdStatus(call->rows), "SELECT", 6) == 0
                       ? 0
                       : strtoll(PQcmdTuples(call->rows), NULL, 10);
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

/* Not prepared: such a statement runs once on a connection. */
static bool execute(struct sql *sql, const char *text)
{
    struct postgresql *p = sql->connection;
    PGresult *result = NULL;

    p->warned = false;
    if (PQsendQueryParams(p->c, text, 0, NULL, NULL, NULL, NULL, 0) != 1)
        (void)postgresql_failed(sql);
    else if (postgresql_add_due(sql, DUE_ROWS))
        result = postgresql_read_to(sql, p->sent - 1, COMMIT_TIME);
    PQclear(result);
    return is_confirmed(sql, "a statement", result != NULL);
}

extern const struct sql_engine jwtd_sql_engine;
__attribute__((visibility("default"))) const struct sql_engine jwtd_sql_engine = {
    .version = JWT_VERSION,
    .shared = true,
    .open = postgresql_open,
    .close = postgresql_close,
    .begin = begin,
    .send_commit = send_commit,
    .commit = commit,
    .rollback = rollback,
    .recover = recover,
    .execute = execute,
    .report_corrupt = report_corrupt,
    .start = start,
    .queue = queue,
    .step = step,
    .cell = cell,
    .done = done,
};
