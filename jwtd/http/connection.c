#include "jwtd/http/connection.h"

#include "jwtd/http/intake.h"
#include "jwtd/http/listener.h"
#include "jwtd/http/routes.h"
#include "jwtd/shared/messages.h"

#define SECOND UINT64_C(1000000)
#define HEAD_TIME (5 * SECOND)
#define WRITE_TIME (10 * SECOND)
#define DRAIN_TIME (2 * SECOND)
#define DRAIN_MAX 65536
#define ACCURACY UINT64_C(1000)

static void wipe_input(struct connection *c)
{
    secret_wipe(c->in, c->n_in);
    free(c->in);
    c->in = NULL;
    c->n_in = 0;
}

void connection_free(struct connection *c)
{
    struct server *server = c->server;

    if (c->previous)
        c->previous->next = c->next;
    else
        server->connections = c->next;
    if (c->next)
        c->next->previous = c->previous;
    server->n_connections--;
    server->n_refusals -= c->refusal ? 1 : 0;
    ask_free(c->ask);
    (void)sd_event_source_disable_unref(c->io);
    (void)sd_event_source_disable_unref(c->timer);
    cleanup_close(&c->fd);
    wipe_input(c);
    secret_clear(&c->out);
    secret_clear(&c->token);
    secret_clear(&c->list);
    free(c);
    service_release(&server->service);
    listener_resume(server);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *arg);
static int on_time(sd_event_source *source, uint64_t usec, void *arg);

bool connection_wait(struct connection *c, uint32_t events, uint64_t deadline)
{
    if (sd_event_source_set_enabled(c->io, events != 0 ? SD_EVENT_ON : SD_EVENT_OFF) < 0)
        return false;
    if (events != 0 && sd_event_source_set_io_events(c->io, events) < 0)
        return false;
    if (deadline == 0)
        return sd_event_source_set_enabled(c->timer, SD_EVENT_OFF) >= 0;
    return sd_event_source_set_time(c->timer, deadline) >= 0 &&
           sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT) >= 0;
}

/* Sending and draining */

/* A peer that still sends when its socket is closed would lose the reply to a reset. */
static void drain(struct connection *c)
{
    char thrown[4096];
    ssize_t n;

    while ((n = recv(c->fd, thrown, sizeof(thrown), MSG_DONTWAIT)) > 0) {
        c->drained += (size_t)n;
        if (c->drained > DRAIN_MAX)
            break;
    }
    secret_wipe(thrown, sizeof(thrown));
    if (n >= 0 || errno != EAGAIN)
        connection_free(c);
}

static void start_draining(struct connection *c)
{
    c->state = CONNECTION_DRAINING;
    secret_clear(&c->out);
    if (shutdown(c->fd, SHUT_WR) < 0 ||
        !connection_wait(c, EPOLLIN, service_monotonic() + DRAIN_TIME)) {
        connection_free(c);
        return;
    }
    drain(c);
}

static void write_on(struct connection *c)
{
    while (c->sent < c->out.n) {
        ssize_t n =
            send(c->fd, c->out.p + c->sent, c->out.n - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            connection_free(c);
            return;
        }
        c->sent += (size_t)n;
    }
    start_draining(c);
}

static void start_writing(struct connection *c)
{
    c->state = CONNECTION_WRITING;
    if (connection_wait(c, EPOLLOUT, service_monotonic() + WRITE_TIME))
        write_on(c);
    else
        connection_free(c);
}

/* Makes the bytes; the request is not needed any more. False: the connection is gone. */
static bool make_reply(struct connection *c, struct reply *reply, uint64_t delay)
{
    word_list schemes = c->server->service.settings.http.auth_header_types;
    time_t date = (time_t)((service_wall() + delay) / SECOND);
    enum tok_err err;

    reply->challenge = schemes && schemes[0] ? schemes[0] : "Bearer";
    if (c->route && !reply->allow)
        reply->allow = c->route->allow;
    metrics_request(&c->server->metrics, routes_number(c->route), reply->status);
    err = reply_pack(reply, c->request.method != METHOD_HEAD, date, &c->out);
    reply_clear(reply);
    wipe_input(c);
    if (err == TOK_OK)
        return true;
    LOG(LOG_ERR, MESSAGE_HTTP, "a reply can't be made", {"cause", tok_err_text(err)});
    connection_free(c);
    return false;
}

void connection_reply(struct connection *c, struct reply *reply)
{
    if (make_reply(c, reply, 0))
        start_writing(c);
}

void connection_reply_at(struct connection *c, struct reply *reply, uint64_t when)
{
    uint64_t now = service_monotonic();

    if (when <= now) {
        connection_reply(c, reply);
        return;
    }
    if (!make_reply(c, reply, when - now))
        return;
    c->state = CONNECTION_HELD;
    if (!connection_wait(c, 0, when))
        connection_free(c);
}

void connection_refuse(struct connection *c, int status, const char *detail, const char *code)
{
    struct reply reply;

    reply_detail(&reply, status, detail, code);
    connection_reply(c, &reply);
}

void connection_unavailable(struct connection *c)
{
    struct reply reply;

    reply_detail(&reply, 503, "Service temporarily unavailable, try again later.", NULL);
    reply.retry_after = 1;
    connection_reply(c, &reply);
}

/* Asking */

static void on_answer(void *arg, const struct wire_message *answer, const char *errmsg)
{
    struct connection *c = arg;

    c->ask = NULL;
    if (answer) {
        c->server->metrics.answers[answer->status]++;
        service_content(&c->server->service);
        c->answered(c, answer);
        return;
    }
    c->server->metrics.no_answers++;
    service_complain(&c->server->service, MESSAGE_WIRE, "jwtd-issuer gave no answer", errmsg);
    connection_unavailable(c);
}

void connection_ask(struct connection *c, enum wire_op op, const union wire_value *values,
                    void (*done)(struct connection *c, const struct wire_message *answer))
{
    struct server *server = c->server;
    const char *errmsg;

    c->answered = done;
    c->ask = ask_start(server->service.loop, server->issuer, op, values, on_answer, c, &errmsg);
    if (c->ask) {
        /* The password is jwtd-issuer's business now. */
        wipe_input(c);
        return;
    }
    server->metrics.no_answers++;
    service_complain(&server->service, MESSAGE_WIRE, "jwtd-issuer can't be asked", errmsg);
    connection_unavailable(c);
}

/* Events */

static int on_io(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    struct connection *c = arg;

    (void)source;
    (void)fd;
    (void)events;
    switch (c->state) {
    case CONNECTION_READING:
        intake_read(c);
        break;
    case CONNECTION_WRITING:
        write_on(c);
        break;
    case CONNECTION_DRAINING:
        drain(c);
        break;
    case CONNECTION_ANSWERING:
    case CONNECTION_HELD:
        break;
    }
    return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *arg)
{
    struct connection *c = arg;

    (void)source;
    (void)usec;
    switch (c->state) {
    case CONNECTION_READING:
        connection_refuse(c, 408, "The request did not arrive in time.", NULL);
        break;
    case CONNECTION_HELD:
        start_writing(c);
        break;
    case CONNECTION_ANSWERING:
    case CONNECTION_WRITING:
    case CONNECTION_DRAINING:
        connection_free(c);
        break;
    }
    return 0;
}

static bool watch(struct connection *c)
{
    sd_event *loop = c->server->service.loop;

    return sd_event_add_io(loop, &c->io, c->fd, EPOLLIN, on_io, c) >= 0 &&
           sd_event_add_time(loop, &c->timer, CLOCK_MONOTONIC, c->opened + HEAD_TIME, ACCURACY,
                             on_time, c) >= 0;
}

void connection_open(struct server *server, int fd, const struct source *source, bool refusal)
{
    struct connection *c = calloc(1, sizeof(*c));
    char *in = malloc(REQUEST_MAX);

    if (!c || !in) {
        free(c);
        free(in);
        (void)close(fd);
        return;
    }
    *c = (struct connection){.server = server,
                             .fd = fd,
                             .source = *source,
                             .exempt = source->kind == SOURCE_UID &&
                                       server_trusts(server, source->uid),
                             .refusal = refusal,
                             .opened = service_monotonic(),
                             .in = in,
                             .next = server->connections};
    if (c->next)
        c->next->previous = c;
    server->connections = c;
    server->n_connections++;
    server->n_refusals += refusal ? 1 : 0;
    server->metrics.connections += refusal ? 0 : 1;
    service_hold(&server->service);
    if (!watch(c))
        connection_free(c);
    else if (refusal)
        connection_unavailable(c);
}
