/*
 * What the three daemons do alike: take their listeners by name from systemd, run one sd-event
 * loop, leave when nothing was asked for IdleTimeout, end on SIGTERM, read their settings again
 * on SIGHUP, keep out of core files, and log. A daemon whose settings are wrong at its start
 * stays up, says so once, and looks again at most once a second; settings that are wrong when
 * they are read again change nothing.
 */
#pragma once

#include "common/base/timespan.h"
#include "common/config/settings.h"

#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>

struct service {
    const char *name;   /* "jwtd-issuer" */
    const char *config; /* path of the settings file */
    sd_event *loop;
    struct settings settings; /* defaults until settings_ok */
    bool settings_ok;
    uint64_t next_try; /* monotonic microseconds: not before this */
    char last_said[512];
    unsigned busy;
    sd_event_source *idle;
    /* SIGHUP: `settings` holds the new ones. Takes over what was made of the old ones, which
     * are freed when it returns; false, with a sentence in *errmsg: the old ones stay in force,
     * and nothing has changed. NULL: nothing was made of them. */
    bool (*on_reload)(void *arg, const struct settings *old, struct errmsg *errmsg);
    void *arg;
};

/* Makes the process quiet and safe: umask 077, no core files, not dumpable, SIGPIPE ignored;
 * makes the loop, takes SIGTERM, SIGINT and SIGHUP. Tries the settings once. 0 or -errno
 * (logged). */
int service_start(struct service *s, const char *name, const char *config);

/* The listening socket that systemd passed under this name, checked to be of this type
 * (SOCK_STREAM, SOCK_SEQPACKET), made nonblocking and close-on-exec. -ENOENT when there is
 * none. */
int service_listener(const char *fd_name, int type);

/* For --check-config: loads the settings, says on standard error what is wrong with them. The
 * exit code of the program. */
int service_check_config(const char *name, const char *config);

/* True when the settings are in force; tries again at most once a second when they are not. A
 * daemon asks this first for each question and answers "unavailable" on false. */
bool service_ready(struct service *s);

/* Something is under way: the daemon does not leave before as many releases. */
void service_hold(struct service *s);
void service_release(struct service *s);

/* READY=1, then the loop until SIGTERM or IdleTimeout; STOPPING=1. The exit code of the
 * program. */
int service_run(struct service *s);

void service_end(struct service *s);

struct log_field {
    const char *name; /* lower case: "user"; the journal's field is JWT_USER */
    const char *value;
};

/* One event, one line: the sentence, then " name=value" for each field up to one whose name is
 * NULL. A field whose value is NULL is left out; a value with a blank, '"' or '=' in it stands
 * in double quotes; bytes that could break the line become '?'. To the journal with MESSAGE_ID
 * and fields where standard error is the journal's, otherwise to standard error. Never a token,
 * a password, or a name that is no account. */
void service_log(int priority, const char *message_id, const char *sentence,
                 const struct log_field *fields);

#define LOG(priority, message_id, sentence, ...)                                               \
    service_log(priority, message_id, sentence,                                                \
                (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){NULL, NULL}})

/* The same once until the sentence or the cause changes: for a fault that each question meets.
 * `systemctl status` shows it too. */
void service_complain(struct service *s, const char *message_id, const char *sentence,
                      const char *cause);

/* The cause is gone: the next complaint is said again. */
void service_content(struct service *s);

/* Monotonic and wall time, microseconds. */
uint64_t service_monotonic(void);
uint64_t service_wall(void);
