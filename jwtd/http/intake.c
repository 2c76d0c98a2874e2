#include "jwtd/http/intake.h"

#include "jwtd/http/field.h"
#include "jwtd/http/limit.h"
#include "jwtd/http/outcome.h"
#include "jwtd/http/routes.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>

static enum conn_result refuse_request(struct connection *c)
{
    char source[SOURCE_TEXT], status[16];

    source_text(&c->source, source);
    (void)snprintf(status, sizeof(status), "%d", c->request.status);
    LOG_LIMITED(&c->server->refusals, LOG_DEBUG, MESSAGE_HTTP, "Request refused", source,
                {"source", source}, {"status", status},
                {"cause", c->request.detail ? c->request.detail : "unsupported media type"});
    if (c->request.detail)
        return connection_refuse(c, c->request.status, c->request.detail, NULL);
    routes_find(c);
    return outcome_media_type(c);
}

/* Done once, when the head is complete or refused. */
static void take_origin(struct connection *c)
{
    struct server *s = c->server;
    const struct http_request *r = &c->request;
    bool foreign = r->cross_site;

    if (r->origin.p)
        foreign = !server_is_own_origin(s, r->origin, r->host_field);
    if (r->origin.p && word_list_has(s->service.settings.http.allowed_origins, r->origin)) {
        memcpy(c->origin, r->origin.p, r->origin.n);
        c->origin[r->origin.n] = '\0';
        foreign = false;
    }
    c->forged = foreign && (r->method == METHOD_POST || r->method == METHOD_DELETE);
}

static bool is_preflight(const struct connection *c)
{
    return c->server->service.settings.http.allowed_origins && c->request.is_preflight &&
           c->request.origin.p && c->request.method == METHOD_OPTIONS;
}

static enum conn_result answer_preflight(struct connection *c)
{
    reply_init(&c->reply, 200);
    c->reply.preflight = c->server->service.settings.http.auth_header_name;
    return CONN_REPLY;
}

/* Behind a trusted proxy, the source is the client that it names. CONN_WAIT: nothing is wrong.
 */
static enum conn_result take_forwarded(struct connection *c)
{
    struct slice field = c->request.forwarded_for;
    struct source client;

    if (!c->exempt || !field.p)
        return CONN_WAIT;
    if (!source_of_text(field_last(field), &client)) {
        server_bad_forward(c->server, &c->source, field_last(field));
        return connection_refuse(
            c, 400, "The last element of X-Forwarded-For must be an address.", NULL);
    }
    if (!limit_make_room_for_client(c->server, &client))
        return connection_unavailable(c);
    c->source = client;
    c->exempt = false;
    return CONN_WAIT;
}

/* Sends the interim response (RFC 9110 15.2.1). False when the socket
 * has no room for its 25 bytes. */
static bool send_continue(const struct connection *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

    return send(c->fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) ==
           (ssize_t)sizeof(text) - 1;
}

/* CONN_WAIT: nothing is wrong with the head. */
static enum conn_result check_head(struct connection *c)
{
    enum conn_result result;

    if (!server_ready(c->server))
        return connection_unavailable(c);
    if (!server_allows_host(c->server, c->request.host))
        return connection_refuse(
            c, 400, "Host is not a name of this server; see AllowedHosts in jwt.conf(5).",
            NULL);
    if (c->forged)
        return connection_refuse(
            c, 403,
            "Requests from this origin are not allowed; see AllowedOrigins in jwt.conf(5).",
            "origin_not_allowed");
    result = take_forwarded(c);
    if (result == CONN_WAIT && c->request.state == REQUEST_IN_BODY &&
        c->request.expects_continue && !send_continue(c))
        return CONN_CLOSE;
    return result;
}

static enum conn_result read_request(struct connection *c)
{
    enum request_state state =
        request_read(&c->request, c->server->service.settings.http.auth_header_name,
                     (struct slice){c->in, c->n_in});
    enum conn_result result = CONN_WAIT;

    if (c->state == CONN_READ_HEAD && state != REQUEST_IN_HEAD)
        take_origin(c);
    if (state == REQUEST_REFUSED)
        return refuse_request(c);
    if (c->state == CONN_READ_HEAD && state != REQUEST_IN_HEAD)
        result = check_head(c);
    if (result != CONN_WAIT || state != REQUEST_WHOLE)
        return result;
    c->completed = service_monotonic();
    return is_preflight(c) ? answer_preflight(c) : routes_dispatch(c);
}

enum conn_result intake_read(struct connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->n_in, REQUEST_MAX - c->n_in, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return CONN_WAIT;
    if (n > 0) {
        c->n_in += (size_t)n;
        return read_request(c);
    }
    if (n == 0 && c->request.state == REQUEST_IN_BODY)
        return connection_refuse(c, 400, "The body is shorter than its Content-Length.", NULL);
    return CONN_CLOSE;
}
