/*
 * The requests of jwtd-issuer: one connection, one request, one process that answers it
 * (child.h). A process is killed after CHECK_TIME. At most children_max run at the same time; a
 * request beyond them is answered WIRE_BUSY before its user name is read. The daemon itself
 * calls neither PAM nor NSS.
 */
#pragma once

#include "common/base/timespan.h"
#include "jwtd/shared/service.h"

#define REQUEST_TIMEOUT (10 * SECOND) /* for a connection to send */
#define CHECK_TIME (30 * SECOND)      /* for the answering process */
#define LOGIN_CONNECTIONS_MAX 256

struct check_job;

struct login_server {
    struct service *service;
    uid_t asker;         /* uid of jwtd-issuer */
    const char *pam;     /* PAM service */
    const char *confdir; /* NULL: /etc/pam.d */
    unsigned children_max;

    sd_event_source *listener;
    struct check_job *jobs; /* owned */
    unsigned connections, children;
    uint64_t next_overload; /* monotonic microseconds: not logged again before */
};

/* Listens on fd, which it owns from now on. SIGCHLD must be blocked. 0 or -errno. */
int serve_start(struct login_server *server, int fd);

/* Kills running processes and frees everything. Call it before the loop is freed. */
void serve_end(struct login_server *server);
