#include "jwtd/http/connection.h"

#include "jwtd/http/ask.h"
#include "jwtd/shared/messages.h"

enum conn_result connection_refuse(struct connection *c, int status, const char *detail,
                                   const char *code)
{
    reply_detail(&c->reply, status, detail, code);
    return CONN_REPLY;
}

enum conn_result connection_unavailable(struct connection *c)
{
    reply_detail(&c->reply, 503, "Service temporarily unavailable, try again later.", NULL);
    c->reply.retry_after = 1;
    return CONN_REPLY;
}

enum conn_result connection_no_answer(struct connection *c, const char *cause)
{
    c->server->metrics.no_answers++;
    service_report_failure(&c->server->service, MESSAGE_WIRE, "No answer from jwtd-issuer",
                           cause);
    return connection_unavailable(c);
}

enum conn_result connection_ask(struct connection *c, enum wire_op op,
                                const union wire_value *values, conn_answered answered)
{
    const char *errmsg = NULL;

    c->asked = wire_find(op);
    c->answered = answered;
    c->issuer = ask_send(c->server->issuer, op, values, &errmsg);
    return c->issuer >= 0 ? CONN_ASKED : connection_no_answer(c, errmsg);
}

bool connection_source_is_full(const struct server *s, const struct source *source)
{
    uint64_t n = 0;

    for (const struct connection *c = s->connections; c; c = c->next)
        if (!c->exempt && !c->refusal && source_equal(&c->source, source))
            n++;
    return n >= s->service.settings.http.max_connections_per_source;
}
