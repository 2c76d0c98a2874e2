#include "jwtd/http/driver.h"

#include "common/base/timespan.h"
#include "jwtd/http/intake.h"
#include "jwtd/http/limit.h"
#include "jwtd/http/outcome.h"
#include "jwtd/http/routes.h"
#include "jwtd/shared/messages.h"

#include <sys/sendfile.h>

#define HEAD_TIME (5 * SECOND)  /* from the start of the connection */
#define BODY_TIME (10 * SECOND) /* likewise, with the body */
#define WRITE_TIME (10 * SECOND)
#define FILE_TIME(size) ((uint64_t)(size) / 262144 * SECOND) /* for 256 KiB/s */
#define DRAIN_TIME (2 * SECOND)
#define DRAIN_MAX 65536
#define ACCURACY MILLISECOND
/* Once read: jwtd-issuer queues a login for 8 s, jwtd-login gives up after 30 s. */
#define ASK_TIMEOUT (45 * SECOND)

/* The one function that changes the state. deadline: monotonic microseconds. */
static enum conn_result enter(struct connection *c, enum conn_state state, uint64_t deadline);

/* Closing a socket with unread input resets the connection, and the peer may lose the reply. */
static enum conn_result drain(struct connection *c)
{
    char discarded[4096];
    ssize_t n;

    while ((n = recv(c->fd, discarded, sizeof(discarded), MSG_DONTWAIT)) > 0) {
        c->drained += (size_t)n;
        if (c->drained > DRAIN_MAX)
            break;
    }
    secret_wipe(discarded, sizeof(discarded));
    return n < 0 && errno == EAGAIN ? CONN_WAIT : CONN_CLOSE;
}

/* Sends a part of the head and body, then of the file. -1 with errno; 0: all is sent. */
static ssize_t send_part(struct connection *c)
{
    const struct reply *reply = &c->reply;
    ssize_t n;

    if (c->sent < c->out.n) {
        n = send(c->fd, c->out.p + c->sent, c->out.n - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        c->sent += n > 0 ? (size_t)n : 0;
        return n;
    }
    if (!reply->has_file || c->file_sent == reply->file_size)
        return 0;
    n = sendfile(c->fd, reply->file, &c->file_sent, (size_t)(reply->file_size - c->file_sent));
    errno = n == 0 ? EIO : errno; /* it was cut */
    return n > 0 ? n : -1;
}

static enum conn_result write_reply(struct connection *c)
{
    ssize_t n;

    while ((n = send_part(c)) > 0)
        continue;
    if (n < 0 && errno == EAGAIN)
        return c->state == CONN_WRITE
                   ? CONN_WAIT
                   : enter(c, CONN_WRITE,
                           service_monotonic() + WRITE_TIME + FILE_TIME(c->reply.file_size));
    if (n < 0)
        return CONN_CLOSE;
    reply_clear(&c->reply);
    secret_clear(&c->out);
    if (shutdown(c->fd, SHUT_WR) < 0 ||
        enter(c, CONN_DRAIN, service_monotonic() + DRAIN_TIME) == CONN_CLOSE)
        return CONN_CLOSE;
    return drain(c);
}

static enum conn_result send_reply(struct connection *c)
{
    struct reply *reply = &c->reply;
    uint64_t now = service_monotonic();
    uint64_t delay = c->reply_at > now ? c->reply_at - now : 0;
    enum tok_err err;

    reply->challenge = c->server->service.settings.http.auth_header_types[0];
    reply->origin = c->origin;
    reply->by_origin = c->forged || c->server->service.settings.http.allowed_origins;
    if (c->route && !reply->allow)
        reply->allow = routes_allow(c->route);
    c->server->metrics.requests[routes_number(c->route)][reply->status]++;
    err = reply_pack(reply, c->request.method != METHOD_HEAD,
                     (time_t)((service_wall() + delay) / SECOND), &c->out);
    secret_clear(&reply->body);
    if (c->request.method == METHOD_HEAD)
        reply_clear(reply);
    connection_wipe_input(c);
    if (err != TOK_OK) {
        LOG(LOG_ERR, MESSAGE_HTTP, "Reply not sent", {"cause", tok_err_text(err)});
        return CONN_CLOSE;
    }
    return delay > 0 ? enter(c, CONN_HOLD, c->reply_at) : write_reply(c);
}

static conn_handler wait_for_issuer;

/* Acts on the result of a step; c may be freed afterwards. */
static void proceed(struct connection *c, enum conn_result result)
{
    while (result == CONN_ASKED || result == CONN_REPLY)
        result = result == CONN_ASKED ? wait_for_issuer(c) : send_reply(c);
    if (result == CONN_CLOSE)
        connection_free(c);
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    struct connection *c = arg;
    uint8_t buf[WIRE_MESSAGE_MAX];
    struct wire_message answer;
    enum conn_result result;
    const char *fault;
    ssize_t n = wire_receive(fd, buf);

    if (n == -EAGAIN)
        return 0;
    fault = wire_take_answer(wire_find(c->route->op), buf, n, &answer);
    connection_close_issuer(c);
    if (fault) {
        result = connection_no_answer(c, fault);
    } else {
        c->server->metrics.answers[answer.status]++;
        service_recovered(&c->server->service);
        result = answer.status == WIRE_OK ? c->route->answered(c, &answer)
                                          : outcome_refuse(c, &answer);
    }
    secret_wipe(buf, sizeof(buf));
    proceed(c, result);
    return 0;
}

static enum conn_result wait_for_issuer(struct connection *c)
{
    int r = sd_event_add_io(c->server->service.loop, &c->issuer_io, c->issuer, EPOLLIN,
                            on_answer, c);

    /* The request is jwtd-issuer's now, a password in it as well. */
    connection_wipe_input(c);
    if (r < 0)
        return connection_no_answer(c, strerrordesc_np(-r));
    c->ask_until = service_monotonic() + ASK_TIMEOUT;
    return enter(c, CONN_WAIT_ISSUER, service_monotonic() + WIRE_READ_TIME);
}

/* The client has gone. A login that still waits for its password check is then not checked and
 * answered at once; any other request is completed, so that a wrong password counts. */
static enum conn_result withdraw(struct connection *c)
{
    (void)shutdown(c->issuer, SHUT_WR);
    return sd_event_source_set_enabled(c->io, SD_EVENT_OFF) < 0 ? CONN_CLOSE : CONN_WAIT;
}

static enum conn_result read_on(struct connection *c)
{
    enum conn_result result = intake_read(c);

    if (result == CONN_WAIT && c->state == CONN_READ_HEAD &&
        c->request.state == REQUEST_IN_BODY)
        return enter(c, CONN_READ_BODY, c->opened + BODY_TIME);
    return result;
}

/* A request that was read is waited for: the check of a password takes a while. */
static enum conn_result answer_is_late(struct connection *c)
{
    bool unread = wire_is_unread(c->issuer);

    if (!unread && service_monotonic() < c->ask_until)
        return enter(c, CONN_WAIT_ISSUER, c->ask_until);
    connection_close_issuer(c);
    return connection_no_answer(c, unread ? "request not read" : "timeout");
}

static enum conn_result request_is_late(struct connection *c)
{
    return connection_refuse(c, 408, "The request was not complete in time.", NULL);
}

static enum conn_result give_up(struct connection *c)
{
    return CONN_CLOSE;
}

static const struct {
    uint32_t events; /* that are watched */
    conn_handler *on_io, *on_time;
} states[] = {
    [CONN_READ_HEAD] = {EPOLLIN, read_on, request_is_late},
    [CONN_READ_BODY] = {EPOLLIN, read_on, request_is_late},
    [CONN_WAIT_ISSUER] = {EPOLLHUP, withdraw, answer_is_late},
    [CONN_HOLD] = {0, give_up, write_reply},
    [CONN_WRITE] = {EPOLLOUT, write_reply, give_up},
    [CONN_DRAIN] = {EPOLLIN, drain, give_up},
};

static enum conn_result enter(struct connection *c, enum conn_state state, uint64_t deadline)
{
    uint32_t events = states[state].events;

    c->state = state;
    if ((events != 0 && sd_event_source_set_io_events(c->io, events) < 0) ||
        sd_event_source_set_enabled(c->io, events != 0 ? SD_EVENT_ON : SD_EVENT_OFF) < 0 ||
        sd_event_source_set_time(c->timer, deadline) < 0 ||
        sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT) < 0)
        return CONN_CLOSE;
    return CONN_WAIT;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    struct connection *c = arg;

    proceed(c, states[c->state].on_io(c));
    return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *arg)
{
    struct connection *c = arg;

    proceed(c, states[c->state].on_time(c));
    return 0;
}

static enum conn_result start(struct connection *c)
{
    sd_event *loop = c->server->service.loop;

    if (sd_event_add_io(loop, &c->io, c->fd, EPOLLIN, on_io, c) < 0 ||
        sd_event_add_time(loop, &c->timer, CLOCK_MONOTONIC, c->opened + HEAD_TIME, ACCURACY,
                          on_time, c) < 0)
        return CONN_CLOSE;
    return c->refusal ? connection_unavailable(c) : CONN_WAIT;
}

/* Takes over fd. refusal: it is over a limit and gets a 503. */
static void open_connection(struct server *server, int fd, const struct peer *peer,
                            bool refusal)
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
                             .class = peer->class,
                             .source = peer->source,
                             .exempt = peer->class == PEER_PROXY,
                             .refusal = refusal,
                             .opened = service_monotonic(),
                             .in = in,
                             .issuer = -1};
    LIST_INSERT_HEAD(&server->connections, c, link);
    server->n_connections++;
    server->n_refusals += refusal;
    server->metrics.connections += !refusal;
    service_hold(&server->service);
    proceed(c, start(c));
}

static void admit(struct server *s, int fd)
{
    struct peer peer;
    bool over;

    (void)server_ready(s);
    if (!server_peer(s, fd, &peer)) {
        (void)close(fd);
        return;
    }
    over = !limit_make_room(s, &peer);
    if (over && s->n_refusals >= SERVER_REFUSALS) {
        limit_refuse(fd);
        (void)close(fd);
    } else {
        open_connection(s, fd, &peer, over);
    }
}

/* Accepts one connection per iteration of the loop, which takes turns with the events of all
 * others: a request that has arrived is read before many new connections are accepted. */
static int on_connection(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (peer >= 0)
        admit(arg, peer);
    return 0;
}

bool driver_start(struct server *s)
{
    static const char *const names[SERVER_LISTENERS] = {"http", "tcp"};

    for (size_t i = 0; i < SERVER_LISTENERS; i++) {
        int r = service_listener(names[i], SOCK_STREAM);

        if (r == -ENOENT)
            continue;
        if (r >= 0)
            r = service_listen(&s->service, r, on_connection, s, &s->listeners[i]);
        if (r < 0) {
            LOG(LOG_ERR, MESSAGE_STARTED, "Cannot use a socket passed by systemd",
                {"socket", names[i]}, {"cause", strerrordesc_np(-r)});
            return false;
        }
    }
    if (s->service.n_listeners > 0)
        return true;
    LOG(LOG_ERR, MESSAGE_STARTED,
        "No socket passed by systemd; to start jwtd: systemctl enable --now jwtd.socket");
    return false;
}

void driver_end(struct server *server)
{
    struct connection *c;

    while ((c = LIST_FIRST(&server->connections)))
        connection_free(c);
}
