#include "jwtd/http/listener.h"

#include "jwtd/http/connection.h"

#define PAUSE UINT64_C(100000)

bool listener_is_full_for(const struct server *s, const struct source *source)
{
    uint64_t n = 0;

    for (const struct connection *c = s->connections; c; c = c->next)
        if (!c->exempt && !c->refusal && source_equal(&c->source, source))
            n++;
    return n >= s->service.settings.http.max_connections_per_source;
}

static void set_enabled(struct server *s, int enabled)
{
    for (size_t i = 0; i < s->n_listeners; i++)
        (void)sd_event_source_set_enabled(s->listeners[i], enabled);
}

static int on_resume(sd_event_source *source, uint64_t usec, void *arg)
{
    (void)source;
    (void)usec;
    listener_resume(arg);
    return 0;
}

/* Until a connection ends. */
static void pause_accepting(struct server *s)
{
    s->paused = true;
    set_enabled(s, SD_EVENT_OFF);
}

/* Who holds the descriptors may be another process (ENFILE): look again soon as well. */
static void pause_for_descriptors(struct server *s)
{
    pause_accepting(s);
    s->resume = sd_event_source_disable_unref(s->resume);
    if (sd_event_add_time_relative(s->service.loop, &s->resume, CLOCK_MONOTONIC, PAUSE, 0,
                                   on_resume, s) < 0)
        listener_resume(s);
}

void listener_resume(struct server *s)
{
    if (!s->paused)
        return;
    s->paused = false;
    s->resume = sd_event_source_disable_unref(s->resume);
    set_enabled(s, SD_EVENT_ON);
}

static bool is_full(const struct server *s)
{
    return s->n_connections - s->n_refusals >= s->service.settings.http.max_connections;
}

/* True: a new connection is over *ret_limit. */
static bool is_over(const struct server *s, const struct source *source,
                    enum metrics_limit *ret_limit)
{
    bool exempt = source->kind == SOURCE_UID && server_trusts(s, source->uid);

    *ret_limit = is_full(s) ? METRICS_MAX_CONNECTIONS : METRICS_MAX_CONNECTIONS_PER_SOURCE;
    return is_full(s) || (!exempt && listener_is_full_for(s, source));
}

/* No room to keep a refused one until it has read its reply: it gets the reply all the same. */
static void refuse_at_once(int fd)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\n"
                               "Content-Length: 0\r\n"
                               "Retry-After: 1\r\n"
                               "Connection: close\r\n\r\n";

    (void)send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)close(fd);
}

static void admit(struct server *s, int fd)
{
    enum metrics_limit limit;
    struct source source;
    bool over;

    if (!source_of_peer(fd, &source)) {
        (void)close(fd);
        return;
    }
    (void)server_ready(s);
    over = is_over(s, &source, &limit);
    if (over)
        server_overload(s, limit, &source);
    if (over && s->n_refusals >= SERVER_REFUSALS)
        refuse_at_once(fd);
    else
        connection_open(s, fd, &source, over);
}

/* One a turn of the loop, and after all else that is due in it: a peer that closes one
 * connection and opens the next is not told that it has too many. */
static int on_connection(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    struct server *s = arg;
    int peer;

    (void)source;
    (void)events;
    if (is_full(s) && s->n_refusals >= SERVER_REFUSALS) {
        pause_accepting(s);
        return 0;
    }
    peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (peer >= 0)
        admit(s, peer);
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        pause_for_descriptors(s);
    return 0;
}

int listener_add(struct server *s, int fd)
{
    sd_event_source **slot = &s->listeners[s->n_listeners];
    int r = sd_event_add_io(s->service.loop, slot, fd, EPOLLIN, on_connection, s);

    if (r < 0)
        return r;
    s->n_listeners++;
    r = sd_event_source_set_io_fd_own(*slot, 1);
    if (r >= 0)
        r = sd_event_source_set_priority(*slot, SD_EVENT_PRIORITY_IDLE);
    return r;
}
