/*
 * jwtd-login's side of the wire: one connection, one question, one process that answers it. The
 * process is killed after CHECK_TIME; at most children_max run at once, and a question beyond
 * them is WIRE_BUSY before its name is looked at. The daemon itself calls neither PAM nor NSS.
 */
#pragma once

#include "jwtd/shared/service.h"

#define REQUEST_TIMEOUT UINT64_C(10000000) /* microseconds for a connection to ask */
#define CHECK_TIME UINT64_C(30000000)      /* microseconds for the answering process */
#define CONNECTIONS_MAX 256

struct job;

struct server {
    struct service *service;
    uid_t asker;         /* who may ask */
    const char *pam;     /* PAM's service name */
    const char *confdir; /* NULL: /etc/pam.d */
    unsigned children_max;

    sd_event_source *listener;
    struct job *jobs; /* owned */
    unsigned connections, children;
    uint64_t next_overload; /* monotonic microseconds: not said again before */
};

/* Listens on fd, which it owns from now on. SIGCHLD must be blocked. 0 or -errno. */
int serve_start(struct server *server, int fd);

/* Kills what still runs and frees all; the loop must still be there. */
void serve_end(struct server *server);
