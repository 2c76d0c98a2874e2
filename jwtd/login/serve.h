/*
 * The requests of jwtd-issuer: one connection, one request, one process that answers it
 * (child.h). A process is killed after CHECK_TIME. Password checks and account checks have a
 * fixed number of slots each; a request beyond them is answered WIRE_BUSY, but jwtd-issuer
 * sends none. The daemon itself calls neither PAM nor NSS.
 *
 * A name without an account is answered, and keeps its slot, for the median time of the checks
 * of wrong passwords: neither its time nor that of logins that wait for a slot shows that there
 * is no such account, and no processor time is spent on it.
 */
#pragma once

#include "common/base/timespan.h"
#include "jwtd/login/median.h"
#include "jwtd/shared/log_limit.h"
#include "jwtd/shared/service.h"

#include <sys/queue.h>

#define REQUEST_TIMEOUT (10 * SECOND)   /* for a connection to send */
#define CHECK_TIME (30 * SECOND)        /* for the answering process */
#define DENIAL_TIME (100 * MILLISECOND) /* of a name, before the first wrong password */
#define LOGIN_CONNECTIONS_MAX 256

struct check_job;

struct login_slots {
    unsigned taken, max;
};

struct login_server {
    struct service *service;
    uid_t asker;         /* uid of jwtd-issuer */
    const char *pam;     /* PAM service */
    const char *confdir; /* NULL: /etc/pam.d */

    sd_event_source *listener;
    LIST_HEAD(, check_job) jobs; /* owned */
    unsigned connections;
    struct login_slots passwords, accounts;
    struct median denial_times; /* of wrong passwords */
    uint64_t next_overload;     /* monotonic microseconds: not logged again before */
    struct log_limit refusals;  /* lines about them */
};

/* Listens on fd. SIGCHLD must be blocked. 0 or -errno. */
int serve_start(struct login_server *server, int fd);

/* Kills running processes and frees everything. Call it before the loop is freed. */
void serve_end(struct login_server *server);
