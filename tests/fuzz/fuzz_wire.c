/*
 * Arbitrary bytes as a request to each daemon, and as an answer to each request. Beyond "no
 * crash": accepted values lie within the message and the sizes of their row, a text has no NUL,
 * and packing the values gives the same bytes.
 */
#include "jwtd/shared/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

static void check_field(struct slice message, const struct wire_field *field,
                        const union wire_value *value)
{
    if (field->kind == WIRE_NUMBER)
        return;
    must(value->text.n <= field->max);
    must(value->text.p >= message.p && value->text.p + value->text.n <= message.p + message.n);
    if (field->kind == WIRE_TEXT)
        must(memchr(value->text.p, 0, value->text.n) == NULL);
}

static void check_repacked(struct slice message, const uint8_t *again, size_t n)
{
    must(n == message.n && memcmp(again, message.p, n) == 0);
}

static void check_request(struct slice message, enum wire_role asker, enum wire_role answerer)
{
    uint8_t again[WIRE_MESSAGE_MAX];
    struct wire_message m;
    size_t n;

    if (wire_read_request(message, asker, answerer, &m) != WIRE_FINE)
        return;
    must(m.request->asker == asker && m.request->answerer == answerer);
    must(m.n == m.request->n_fields);
    for (size_t i = 0; i < m.n; i++)
        check_field(message, &m.request->fields[i], &m.v[i]);
    must(wire_pack_request(m.request->op, m.v, again, &n) == WIRE_FINE);
    check_repacked(message, again, n);
}

static void check_answer(struct slice message, const struct wire_request *q)
{
    uint8_t again[WIRE_MESSAGE_MAX];
    struct wire_message m;
    size_t n;

    if (wire_read_answer(message, q, &m) != WIRE_FINE)
        return;
    must((unsigned)m.status < WIRE_STATUS_COUNT && m.request == q);
    if (m.status == WIRE_OK) {
        must(m.n == q->n_answer);
        for (size_t i = 0; i < m.n; i++)
            check_field(message, &q->answer[i], &m.v[i]);
    } else {
        must(m.n == (m.status == WIRE_THROTTLED ? 1 : 0));
    }
    must(wire_pack_answer(q, m.status, m.v, again, &n) == WIRE_FINE);
    check_repacked(message, again, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice message = {(const char *)data, size};

    check_request(message, WIRE_FRONT, WIRE_ISSUER);
    check_request(message, WIRE_ISSUER, WIRE_LOGIN);
    check_request(message, WIRE_ADMIN, WIRE_ISSUER);
    for (unsigned op = 0; op < 256; op++)
        if (wire_find(op))
            check_answer(message, wire_find(op));
    return 0;
}
