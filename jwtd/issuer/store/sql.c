#include "jwtd/issuer/store/sql.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum store_result sql_failed(struct sql *sql, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(sql->failure, sizeof(sql->failure), fmt, args);
    va_end(args);
    return STORE_FAILED;
}

void sql_corrupt(struct sql *sql, const char *what)
{
    sql->engine->report_corrupt(sql, what);
}

void sql_close(struct sql *sql)
{
    if (sql->engine)
        sql->engine->close(sql);
}

bool sql_begin(struct sql *sql)
{
    bool ok = sql->engine->begin(sql);

    sql->dirty = false;
    return ok;
}

bool sql_commit(struct sql *sql)
{
    return sql->engine->commit(sql);
}

bool sql_execute(struct sql *sql, const char *text)
{
    return sql->engine->execute(sql, text);
}

bool sql_number(struct sql *sql, const char *query, int64_t *ret)
{
    enum store_result result = sql_find_numbers(sql, query, NULL, ret, 1);

    if (result == STORE_ABSENT)
        sql_corrupt(sql, "a row is missing");
    return result == STORE_DONE;
}

struct sql_call sql_call(struct sql *sql, const char *text, const struct sql_value *values)
{
    struct sql_call call = {.sql = sql, .row = -1};

    sql->engine->start(&call, text, values);
    return call;
}

enum store_result sql_step(struct sql_call *call)
{
    enum store_result result = call->started ? call->sql->engine->step(call) : STORE_FAILED;

    call->column = 0;
    return result;
}

int64_t sql_read_int(struct sql_call *call)
{
    return call->sql->engine->cell(call, call->column++).number;
}

static size_t copy_cell(struct sql_call *call, struct sql_cell cell, void *ret, size_t size)
{
    if (cell.n > size) {
        call->corrupt = true;
        return 0;
    }
    if (cell.n > 0)
        memcpy(ret, cell.p, cell.n);
    return cell.n;
}

size_t sql_read_bytes(struct sql_call *call, void *ret, size_t size)
{
    return copy_cell(call, call->sql->engine->cell(call, call->column++), ret, size);
}

void sql_read_text(struct sql_call *call, char *ret, size_t size)
{
    ret[sql_read_bytes(call, ret, size - 1)] = '\0';
}

bool sql_read_id(struct sql_call *call, uint8_t ret[ISSUE_ID_BYTES])
{
    struct sql_cell cell = call->sql->engine->cell(call, call->column++);

    if (cell.null)
        return false;
    if (copy_cell(call, cell, ret, ISSUE_ID_BYTES) != ISSUE_ID_BYTES)
        call->corrupt = true;
    return true;
}

void sql_done(struct sql_call *call)
{
    if (call->started)
        call->sql->engine->done(call);
}

enum store_result sql_find_numbers(struct sql *sql, const char *text,
                                   const struct sql_value *values, int64_t *ret, size_t n)
{
    struct sql_call call = sql_call(sql, text, values);
    enum store_result result = sql_step(&call);

    for (size_t i = 0; result == STORE_DONE && i < n; i++)
        ret[i] = sql_read_int(&call);
    sql_done(&call);
    return result;
}

enum store_result sql_find(struct sql *sql, const char *text, const struct sql_value *values)
{
    return sql_find_numbers(sql, text, values, NULL, 0);
}

enum store_result sql_run(struct sql *sql, const char *text, const struct sql_value *values)
{
    enum store_result result = sql_find(sql, text, values);

    return result == STORE_ABSENT && sql->changed > 0 ? STORE_DONE : result;
}

enum store_result sql_queue(struct sql *sql, const char *text, const struct sql_value *values,
                            enum sql_rows rows)
{
    sql->dirty = true;
    return sql->engine->queue(sql, text, values, rows);
}
