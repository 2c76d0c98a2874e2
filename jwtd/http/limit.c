#include "jwtd/http/limit.h"

static bool is_incomplete(const struct connection *c)
{
    return c->state == CONN_READ_HEAD || c->state == CONN_READ_BODY;
}

/* The connections of a class, of one source or, with NULL, of all. *ret_oldest: the oldest that
 * may be closed, or NULL. */
static uint64_t count(const struct server *s, enum peer_class class,
                      const struct source *source, struct connection **ret_oldest)
{
    struct connection *c;
    uint64_t n = 0;

    *ret_oldest = NULL;
    LIST_FOREACH (c, &s->connections, link) { /* the newest comes first */
        if (c->class != class || c->refusal)
            continue;
        if (source && (c->exempt || !source_equal(&c->source, source)))
            continue;
        n++;
        if (is_incomplete(c) || c->state == CONN_DRAIN)
            *ret_oldest = c;
    }
    return n;
}

void limit_refuse(int fd)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\n"
                               "Content-Length: 0\r\n"
                               "Retry-After: 1\r\n"
                               "Connection: close\r\n\r\n";

    (void)send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void close_for_room(struct connection *c)
{
    if (is_incomplete(c))
        limit_refuse(c->fd);
    connection_free(c);
}

static bool make_room(struct server *s, enum metrics_limit limit, const struct peer *peer)
{
    uint64_t max = limit == METRICS_MAX_CONNECTIONS
                       ? s->service.settings.http.max_connections
                       : s->service.settings.http.max_connections_per_source;
    const struct source *source = limit == METRICS_MAX_CONNECTIONS ? NULL : &peer->source;
    struct connection *oldest;

    while (count(s, peer->class, source, &oldest) >= max) {
        /* One that only waits for its peer to close it loses nothing. */
        if (!oldest || is_incomplete(oldest))
            server_overload(s, limit, &peer->source);
        if (!oldest)
            return false;
        close_for_room(oldest);
    }
    return true;
}

bool limit_make_room_for_client(struct server *s, const struct source *client)
{
    const struct peer peer = {PEER_PROXY, *client};

    return source_is_loopback(client) ||
           make_room(s, METRICS_MAX_CONNECTIONS_PER_SOURCE, &peer);
}

bool limit_make_room(struct server *s, const struct peer *peer)
{
    /* Loopback is every local user: MaxConnections= limits it. */
    bool has_share = peer->class != PEER_PROXY && !source_is_loopback(&peer->source);

    return (!has_share || make_room(s, METRICS_MAX_CONNECTIONS_PER_SOURCE, peer)) &&
           make_room(s, METRICS_MAX_CONNECTIONS, peer);
}
