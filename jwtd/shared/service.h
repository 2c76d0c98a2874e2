/*
 * What the three daemons have in common: they take their listeners from systemd by name, run
 * one sd-event loop, exit after IdleTimeout without work and on SIGTERM, when the requests that
 * they have are answered, and reload their settings on SIGHUP. A daemon that starts with
 * unusable settings stays up, logs the cause once and retries at most once a second; on a
 * reload, unusable settings change nothing.
 */
#pragma once

#include "common/base/timespan.h"
#include "common/config/settings.h"
#include "jwtd/shared/log.h"
#include "jwtd/shared/wire.h"

#include <systemd/sd-event.h>

struct service {
    const char *name;   /* "jwtd-issuer" */
    const char *config; /* path of the settings file */
    sd_event *loop;
    struct settings settings; /* defaults until settings_ok */
    bool settings_ok;
    uint64_t next_try; /* monotonic microseconds: not before this */
    char failure[512]; /* reported last and not recovered from; "": none */
    unsigned busy;     /* holds that were not released: IdleTimeout does not run */
    bool stays;        /* no IdleTimeout */
    sd_event_source *idle;
    sd_event_source **listeners[2];
    size_t n_listeners;
    bool stopping; /* SIGTERM: exits when every hold was released */
    /* A reload: `settings` has the new ones, and *old is freed when it returns. False, with a
     * sentence in *errmsg: nothing was changed, and the old ones stay in force. NULL: the
     * daemon derives nothing from its settings. */
    bool (*on_reload)(void *arg, const struct settings *old, struct errmsg *errmsg);
    void *arg;
};

/* Hardens the process (umask 077, no core files, not dumpable), ignores SIGPIPE, makes the loop
 * with SIGTERM, SIGINT and SIGHUP, and loads the settings. 0 or -errno (logged). */
int service_start(struct service *s, const char *name, const char *config);

/* The listening socket of this name from systemd, if it has this type (SOCK_STREAM,
 * SOCK_SEQPACKET); made nonblocking and close-on-exec. -ENOENT: not passed. */
int service_listener(const char *fd_name, int type);

/* Calls fn when a connection waits at this socket, which the service owns from now on; at most
 * 1000 times in 100 ms, because the socket stays readable while accept fails for lack of
 * descriptors. *source is freed and set to NULL on SIGTERM and by service_end. At most two
 * sockets. 0 or -errno. */
int service_listen(struct service *s, int fd, sd_event_io_handler_t fn, void *arg,
                   sd_event_source **source);

/* Accepts a connection whose peer must have this uid: a nonblocking, close-on-exec descriptor.
 * -errno; -EPERM, logged: another uid. */
int service_accept(int listener, uid_t uid);

/* Reads a request, of which n is what wire_receive returned. False: it is no valid one, which
 * is logged, or the client has gone. */
bool service_read_request(const uint8_t *buf, ssize_t n, enum wire_role asker,
                          enum wire_role answerer, struct wire_message *ret);

/* Raises the soft limit of descriptors to the hard one. */
void service_raise_files(void);

/* Logs why the daemon cannot start. EXIT_FAILURE. */
int service_cannot_start(const char *cause);

/* The uid of --asker=NAME. False, logged: there is no such user. */
bool service_find_asker(const char *name, uid_t *ret);

/* --check-config: loads the settings and reports what is wrong with them. The exit status. */
int service_check_config(const char *name, const char *config);

/* True when the settings are usable; if not, loads them at most once a second. A daemon answers
 * "unavailable" to requests on false. */
bool service_ready(struct service *s);

/* Work begins and ends. When every hold was released, IdleTimeout starts, or a stop ends. */
void service_hold(struct service *s);
void service_release(struct service *s);

/* READY=1, the loop until SIGTERM or IdleTimeout, STOPPING=1. The exit status. */
int service_run(struct service *s);

void service_end(struct service *s);

/* Logs an error that every request meets: once until message or cause change, or until
 * service_recovered. `systemctl status` shows it. */
void service_report_failure(struct service *s, const char *message_id, const char *message,
                            const char *cause);
void service_recovered(struct service *s);

/* True at most once per period (microseconds), for a log line that anyone can cause. *next:
 * when the next one is due, 0 at first. */
bool service_is_due(uint64_t *next, uint64_t period);

/* The number of processors that this process may use. */
unsigned service_processors(void);

/* Monotonic and wall time, microseconds. */
uint64_t service_monotonic(void);
uint64_t service_wall(void);
