#include "jwtd/http/connection.h"

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

void connection_wipe_input(struct connection *c)
{
    secret_wipe(c->in, c->n_in);
    free(c->in);
    c->in = NULL;
    c->n_in = 0;
}

void connection_close_issuer(struct connection *c)
{
    c->issuer_io = sd_event_source_disable_unref(c->issuer_io);
    cleanup_close(&c->issuer);
    c->issuer = -1;
}

void connection_free(struct connection *c)
{
    struct server *server = c->server;

    LIST_REMOVE(c, link);
    server->n_connections--;
    server->n_refusals -= c->refusal ? 1 : 0;
    connection_close_issuer(c);
    (void)sd_event_source_disable_unref(c->io);
    (void)sd_event_source_disable_unref(c->timer);
    cleanup_close(&c->fd);
    connection_wipe_input(c);
    reply_clear(&c->reply);
    secret_clear(&c->out);
    secret_clear(&c->token);
    secret_clear(&c->list);
    secret_clear(&c->known);
    free(c);
    service_release(&server->service);
}
