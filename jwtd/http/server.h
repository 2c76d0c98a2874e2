/*
 * jwtd as a whole: what its parts share. One thread, one loop; nothing here outlives main.
 */
#pragma once

#include "jwtd/http/hosts.h"
#include "jwtd/http/metrics.h"
#include "jwtd/http/throttle.h"
#include "jwtd/shared/service.h"

struct connection;

#define SERVER_LISTENERS 2
/* Connections beyond the limit that are kept just to be told so. */
#define SERVER_REFUSALS 32

struct server {
    struct service service;
    const char *issuer;     /* path of jwtd-issuer's socket */
    const char *public_dir; /* what jwtd-issuer publishes */

    /* Of the settings, once they are in force. */
    bool learned;
    struct hosts hosts;
    uint64_t issuer_tried; /* the pinned file was looked for; monotonic microseconds */
    uid_t *proxies;        /* of TrustedProxies */
    size_t n_proxies;

    sd_event_source *listeners[SERVER_LISTENERS];
    size_t n_listeners;
    sd_event_source *resume;
    bool paused;

    struct connection *connections;
    size_t n_connections; /* refused ones too */
    size_t n_refusals;
    uint64_t overload_said;     /* monotonic microseconds */
    struct rate_table throttle; /* FailuresPerSource */
    struct metrics metrics;
};

/* True when the settings are in force; the first time, learns from them what is above. */
bool server_ready(struct server *s);

/* Learns it again: service.on_reload of a server. */
bool server_reload(void *arg, const struct settings *old, struct errmsg *errmsg);

/* True for a name that this server answers to. */
bool server_allows_host(struct server *s, struct slice name);

/* True for the uid of a user in TrustedProxies. */
bool server_trusts(const struct server *s, uid_t uid);

/* Counts it; one line about a limit that was reached, at most once a minute. */
void server_overload(struct server *s, enum metrics_limit limit, const struct source *source);

void server_clear(struct server *s);
