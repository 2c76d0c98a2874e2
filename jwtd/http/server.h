/*
 * The state that all of jwtd shares: settings and what is derived from them, listeners, open
 * connections, counters. One thread, one event loop.
 */
#pragma once

#include "jwtd/http/hosts.h"
#include "jwtd/http/metrics.h"
#include "jwtd/http/subuid.h"
#include "jwtd/http/throttle.h"
#include "jwtd/shared/log_limit.h"
#include "jwtd/shared/service.h"

#include <sys/queue.h>

struct connection;

/* Each class of peers has its own limit of connections. */
enum peer_class {
    PEER_USER, /* of the Unix socket */
    PEER_ROOT,
    PEER_PROXY, /* a user in TrustedProxies */
    PEER_TCP,
};

struct peer {
    enum peer_class class;
    struct source source;
};

#define SERVER_LISTENERS 2
/* Connections over the limit that are kept open to send them a 503. */
#define SERVER_REFUSALS 32

struct server {
    struct service service;
    const char *issuer;     /* path of jwtd-issuer's socket */
    const char *public_dir; /* directory that jwtd-issuer publishes to */

    /* Derived from the settings. */
    bool derived;
    struct hosts hosts;
    uint64_t next_issuer; /* when the pinned issuer may be read again (service_is_due) */
    uid_t *proxies;       /* of TrustedProxies */
    size_t n_proxies;
    struct subuids subuids;

    sd_event_source *listeners[SERVER_LISTENERS];

    LIST_HEAD(, connection) connections; /* owned by driver.c; the newest comes first */
    size_t n_connections;                /* with the refused ones */
    size_t n_refusals;

    uint64_t next_overload, next_forward; /* when their lines are due again */
    struct rate_table throttle;           /* FailuresPerSource */
    struct log_limit refusals;            /* lines about malformed requests */
    struct metrics metrics;
};

/* True when the settings are in force. The first time, derives what depends on them. */
bool server_ready(struct server *s);

/* service.on_reload of a server: derives it again. */
bool server_reload(void *arg, const struct settings *old, struct errmsg *errmsg);

/* True when the server answers requests for this host name. */
bool server_allows_host(struct server *s, struct slice name);

/* True when an origin is that of a page of this server. */
bool server_is_own_origin(struct server *s, struct slice origin, struct slice host);

/* The peer of a connection. Its source is the owner of its uid (subuid.h). */
bool server_peer(struct server *s, int fd, struct peer *ret);

/* Counts a connection over a limit, or one closed to make room; logs it at most once a minute.
 */
void server_overload(struct server *s, enum metrics_limit limit, const struct source *source);

/* A trusted proxy sent this as the address of its client: logs it at most once a minute. */
void server_bad_forward(struct server *s, const struct source *proxy, struct slice address);

void server_clear(struct server *s);
