#include "jwtd/http/listener.h"

#include "common/base/timespan.h"
#include "jwtd/http/driver.h"

#define PAUSE (100 * MILLISECOND)

static int on_resume(sd_event_source *source, uint64_t usec, void *arg)
{
    (void)source;
    (void)usec;
    server_resume(arg);
    return 0;
}

/* The system may be out of descriptors (ENFILE), so that the pause must not last until a
 * connection of this process ends. */
static void pause_for_descriptors(struct server *s)
{
    server_pause(s);
    s->resume = sd_event_source_disable_unref(s->resume);
    if (sd_event_add_time_relative(s->service.loop, &s->resume, CLOCK_MONOTONIC, PAUSE, 0,
                                   on_resume, s) < 0)
        server_resume(s);
}

static bool is_full(const struct server *s)
{
    return s->n_connections - s->n_refusals >= s->service.settings.http.max_connections;
}

/* True: a new connection exceeds *ret_limit. */
static bool is_over(const struct server *s, const struct source *source,
                    enum metrics_limit *ret_limit)
{
    bool exempt = source->kind == SOURCE_UID && server_trusts(s, source->uid);

    *ret_limit = is_full(s) ? METRICS_MAX_CONNECTIONS : METRICS_MAX_CONNECTIONS_PER_SOURCE;
    return is_full(s) || (!exempt && connection_source_is_full(s, source));
}

/* For a connection that there is no room to keep open until its request has been read. */
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
        driver_open(s, fd, &source, over);
}

/* Accepts one connection per iteration of the loop, after all other events: a peer that closes
 * one connection and opens the next is not over its limit. */
static int on_connection(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    struct server *s = arg;
    int peer;

    (void)source;
    (void)events;
    if (is_full(s) && s->n_refusals >= SERVER_REFUSALS) {
        server_pause(s);
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
