/*
 * The PostgreSQL engine, a module that jwtd-issuer loads for [Store] Database=.
 * postgresql_connect.c opens the connection and explains failures; postgresql.c sends
 * statements, postgresql_answers.c reads their answers, in pipeline mode (libpq, "Pipeline
 * Mode").
 */
#pragma once

#include "common/base/timespan.h"
#include "jwtd/issuer/store/sql.h"

#include <libpq-fe.h>

/* No answer takes longer: a lock is waited for LOCK_TIME, and other statements are quick. A
 * commit also waits for the standby. */
#define ANSWER_TIME (10 * SECOND)
#define COMMIT_TIME (30 * SECOND)

#define DUE_MAX 1024 /* answers that were not read */

/* What an answer that is due belongs to. The place of a prepared text is in the other bits. */
enum due { DUE_PREPARE, DUE_ROWS, DUE_ONE_ROW, DUE_PRESUMED_ROW, DUE_SYNC, DUE_KINDS };

struct postgresql {
    PGconn *c;
    char name[256];             /* the URL without its options */
    const char *texts[SQL_MAX]; /* prepared, under the name of their place */
    uint16_t due[DUE_MAX];      /* a ring: enum due, DUE_KINDS * place */
    uint64_t sent, read,
        asked;       /* answers: due in all; read; that the server was asked to send */
    uint64_t commit; /* the number of the answer to a COMMIT that was sent; 0: none was */
    bool warned;     /* a warning since the last commit began */
    bool recoverable, conflict; /* of the last failure */
};

bool postgresql_open(struct sql *sql, const char *url);
void postgresql_close(struct sql *sql);

/* Records what libpq says about the connection. Returns STORE_FAILED. */
enum store_result postgresql_failed(struct sql *sql);

/* Records an error that the server answered. */
void postgresql_refused(struct sql *sql, const PGresult *result);

/* An answer to what was just sent is due. False: too many are, which is recorded. */
bool postgresql_add_due(struct sql *sql, unsigned due);

/* Asks for the answers to all that was sent, by a Sync, which commits what was sent outside a
 * transaction. False: a failure, which is recorded. */
bool postgresql_ask(struct sql *sql);

/* Reads all answers up to this one within a time, and returns it. NULL: a failure, which is
 * recorded. */
PGresult *postgresql_read_to(struct sql *sql, uint64_t number, uint64_t time);

/* Reads all answers that are due, errors too. False: one did not come. */
bool postgresql_read_all(struct sql *sql, uint64_t time);
