#include "jwtd/http/intake.h"

#include "jwtd/http/field.h"
#include "jwtd/http/listener.h"
#include "jwtd/http/routes.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>

#define REQUEST_TIME UINT64_C(10000000) /* microseconds for head and body */

static void refuse_media_type(struct connection *c)
{
    struct reply reply;

    routes_find(c);
    routes_media_type(&reply, c->request.content_type);
    connection_reply(c, &reply);
}

static void refuse_request(struct connection *c)
{
    char source[SOURCE_TEXT], status[16];

    source_text(&c->source, source);
    (void)snprintf(status, sizeof(status), "%d", c->request.status);
    LOG(LOG_DEBUG, MESSAGE_HTTP, "a request was refused", {"source", source},
        {"status", status},
        {"cause", c->request.detail ? c->request.detail : "the media type is not supported"});
    if (c->request.detail)
        connection_refuse(c, c->request.status, c->request.detail, NULL);
    else
        refuse_media_type(c);
}

/* What a trusted proxy says of its client takes the proxy's place. True: within the limit. */
static bool take_forwarded(struct connection *c)
{
    struct source client;

    if (!c->exempt || !c->request.forwarded_for.p ||
        !source_of_text(field_last(c->request.forwarded_for), &client))
        return true;
    if (listener_is_full_for(c->server, &client)) {
        server_overload(c->server, METRICS_MAX_CONNECTIONS_PER_SOURCE, &client);
        return false;
    }
    c->source = client;
    c->exempt = false;
    return true;
}

/* Sends the interim answer (RFC 9110 15.2.1); a socket that can't take 25 bytes is of no use.
 */
static bool send_continue(struct connection *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

    return send(c->fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) ==
           (ssize_t)sizeof(text) - 1;
}

/* The head is whole: who asks, and for whom. False: the request was answered. */
static bool judge_head(struct connection *c)
{
    c->head_judged = true;
    if (!server_ready(c->server)) {
        connection_unavailable(c);
        return false;
    }
    if (!server_allows_host(c->server, c->request.host)) {
        connection_refuse(c, 400, "The Host is none that this server answers to.", NULL);
        return false;
    }
    if (!take_forwarded(c)) {
        connection_unavailable(c);
        return false;
    }
    if (c->request.state == REQUEST_WHOLE)
        return true;
    if ((c->request.expects_continue && !send_continue(c)) ||
        !connection_wait(c, EPOLLIN, c->opened + REQUEST_TIME)) {
        connection_free(c);
        return false;
    }
    return true;
}

static void judge(struct connection *c)
{
    const char *auth_header = c->server->service.settings.http.auth_header_name;
    enum request_state state =
        request_read(&c->request, auth_header ? auth_header : "Authorization",
                     (struct slice){c->in, c->n_in});

    if (state == REQUEST_REFUSED) {
        refuse_request(c);
        return;
    }
    if (state == REQUEST_IN_HEAD || (!c->head_judged && !judge_head(c)))
        return;
    if (state != REQUEST_WHOLE)
        return;
    c->state = CONNECTION_ANSWERING;
    c->whole = service_monotonic();
    if (connection_wait(c, 0, 0))
        routes_dispatch(c);
    else
        connection_free(c);
}

void intake_read(struct connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->n_in, REQUEST_MAX - c->n_in, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0) {
        c->n_in += (size_t)n;
        judge(c);
        return;
    }
    if (n == 0 && c->request.state == REQUEST_IN_BODY)
        connection_refuse(c, 400, "The body is shorter than its Content-Length.", NULL);
    else
        connection_free(c);
}
