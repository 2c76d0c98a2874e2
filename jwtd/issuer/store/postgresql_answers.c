/* The answers of the server, which come in the order of what was sent. */
#include "jwtd/issuer/store/clock.h"
#include "jwtd/issuer/store/postgresql.h"

#include <poll.h>
#include <string.h>

/* Sends what was not sent, and waits until an answer can be read. */
static bool wait_for_answer(struct sql *sql, uint64_t until)
{
    const struct postgresql *p = sql->connection;

    for (;;) {
        struct pollfd fd = {.fd = PQsocket(p->c), .events = POLLIN};
        int unsent = PQflush(p->c);
        uint64_t now;

        if (unsent < 0)
            return false;
        if (!unsent && !PQisBusy(p->c))
            return true;
        now = (uint64_t)clock_us(CLOCK_MONOTONIC);
        if (now >= until) {
            (void)sql_failed(sql, "%s: no answer in time: check the server and the network",
                             p->name);
            return false;
        }
        fd.events = (short)(POLLIN | (unsent ? POLLOUT : 0));
        (void)poll(&fd, 1, (int)((until - now) / 1000) + 1);
        if (PQconsumeInput(p->c) != 1)
            return false;
    }
}

/* Takes the next answer; NULL: no answer, which is recorded. A statement's answer ends in a
 * NULL of libpq, a Sync's does not. */
static PGresult *take_answer(struct sql *sql, uint64_t until, unsigned *ret_due)
{
    struct postgresql *p = sql->connection;
    PGresult *result = NULL;

    *ret_due = p->due[p->read % DUE_MAX];
    if (p->read < p->sent && wait_for_answer(sql, until))
        result = PQgetResult(p->c);
    if (result && *ret_due != DUE_SYNC && wait_for_answer(sql, until))
        (void)PQgetResult(p->c);
    if (!result && !sql->failure[0])
        (void)postgresql_failed(sql);
    p->read++;
    return result;
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
           status == PGRES_PIPELINE_SYNC;
}

/* The server does not know a text whose answer is not good. */
static void forget_prepared(struct postgresql *p, unsigned due)
{
    if (due % DUE_KINDS == DUE_PREPARE)
        p->texts[due / DUE_KINDS] = NULL;
}

/* False: the statement changed another number of rows than it must. */
static bool has_changed(struct sql *sql, unsigned due, PGresult *result)
{
    struct postgresql *p = sql->connection;

    if ((due != DUE_ONE_ROW && due != DUE_PRESUMED_ROW) ||
        strcmp(PQcmdTuples(result), "1") == 0)
        return true;
    p->recoverable = p->conflict = due == DUE_PRESUMED_ROW;
    (void)sql_failed(sql, "%s: a row was changed by another program", p->name);
    return false;
}

/* The next answer; NULL: a failure, which is recorded. */
static PGresult *read_answer(struct sql *sql, uint64_t until)
{
    struct postgresql *p = sql->connection;
    unsigned due;
    PGresult *result = take_answer(sql, until, &due);

    if (!result)
        return NULL;
    if (!is_good(result)) {
        forget_prepared(p, due);
        postgresql_refused(sql, result);
    } else if (has_changed(sql, due, result)) {
        return result;
    }
    PQclear(result);
    return NULL;
}

bool postgresql_add_due(struct sql *sql, unsigned due)
{
    struct postgresql *p = sql->connection;

    if (p->sent - p->read == DUE_MAX) {
        (void)sql_failed(sql, "%s: too many statements", p->name);
        return false;
    }
    p->due[p->sent++ % DUE_MAX] = (uint16_t)due;
    return true;
}

/* Within a transaction the server would not see after a Flush that it waits for an issuer that
 * has gone: its timeout for that begins with a Sync. */
bool postgresql_ask(struct sql *sql)
{
    struct postgresql *p = sql->connection;
    bool asked;

    if (p->asked == p->sent)
        return true;
    asked = PQpipelineSync(p->c) == 1 && postgresql_add_due(sql, DUE_SYNC);
    p->asked = p->sent;
    if (!asked && !sql->failure[0])
        (void)postgresql_failed(sql);
    return asked;
}

PGresult *postgresql_read_to(struct sql *sql, uint64_t number, uint64_t time)
{
    const struct postgresql *p = sql->connection;
    uint64_t until = (uint64_t)clock_us(CLOCK_MONOTONIC) + time;
    PGresult *last = NULL;

    if (sql->failure[0] || (number >= p->asked && !postgresql_ask(sql)))
        return NULL;
    while (p->read <= number) {
        PQclear(last);
        last = read_answer(sql, until);
        if (!last)
            return NULL;
    }
    return last;
}

bool postgresql_read_all(struct sql *sql, uint64_t time)
{
    struct postgresql *p = sql->connection;
    uint64_t until = (uint64_t)clock_us(CLOCK_MONOTONIC) + time;
    unsigned due;

    if (!postgresql_ask(sql))
        return false;
    while (p->read < p->sent) {
        PGresult *result = take_answer(sql, until, &due);

        if (!result)
            return false;
        if (!is_good(result))
            forget_prepared(p, due);
        PQclear(result);
    }
    return true;
}
