#include "jwtd/shared/service.h"

#include "jwtd/shared/messages.h"

#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define RELOAD_FAILED "Reload failed, keeping the previous configuration"
#define STATUS_FINE "STATUS=Ready"
/* Shorter than WIRE_READ_TIME: what a client has sent meanwhile is read by the next process. */
#define STOP_TIME (3 * SECOND)

static uint64_t now_of(clockid_t clock)
{
    struct timespec t = {0};

    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec / 1000;
}

uint64_t service_monotonic(void)
{
    return now_of(CLOCK_MONOTONIC);
}

uint64_t service_wall(void)
{
    /* The clock of time(2), which pam_jwt reads. It is up to a tick behind CLOCK_REALTIME: a
     * token issued by that one could be from the future for a login that follows at once. */
    return now_of(CLOCK_REALTIME_COARSE);
}

bool service_is_due(uint64_t *next, uint64_t period)
{
    uint64_t now = service_monotonic();

    if (now < *next)
        return false;
    *next = now + period;
    return true;
}

unsigned service_processors(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

void service_report_failure(struct service *s, const char *message_id, const char *message,
                            const char *cause)
{
    char text[sizeof(s->failure)];

    (void)snprintf(text, sizeof(text), "%s: %s", message, cause ? cause : "");
    if (strcmp(text, s->failure) == 0)
        return;
    memcpy(s->failure, text, sizeof(text));
    LOG(LOG_ERR, message_id, message, {"cause", cause});
    (void)sd_notifyf(0, "STATUS=%s", text);
}

void service_recovered(struct service *s)
{
    if (s->failure[0] == '\0')
        return;
    s->failure[0] = '\0';
    (void)sd_notify(0, STATUS_FINE);
}

static void load_settings(struct service *s)
{
    struct settings fresh;
    struct errmsg errmsg = {""};

    if (settings_load(s->config, &fresh, &errmsg) != TOK_OK) {
        service_report_failure(s, MESSAGE_SETTINGS, "Cannot use the settings", errmsg.text);
        return;
    }
    settings_clear(&s->settings);
    s->settings = fresh;
    s->settings_ok = true;
    service_recovered(s);
}

/* Replaces the settings, and what the daemon has made of them, or nothing. */
static void reload(struct service *s)
{
    CLEANUP(settings_clear) struct settings fresh = {0};
    struct settings old = s->settings;
    struct errmsg errmsg = {""};

    if (settings_load(s->config, &fresh, &errmsg) == TOK_OK) {
        s->settings = fresh;
        if (!s->on_reload || s->on_reload(s->arg, &old, &errmsg)) {
            fresh = old;
            s->failure[0] = '\0';
            (void)sd_notify(0, STATUS_FINE);
            LOG(LOG_INFO, MESSAGE_STARTED, "Configuration reloaded", {"file", s->config});
            return;
        }
        s->settings = old;
    }
    LOG(LOG_ERR, MESSAGE_SETTINGS, RELOAD_FAILED, {"cause", errmsg.text});
    (void)sd_notifyf(0, "STATUS=" RELOAD_FAILED ": %s", errmsg.text);
}

int service_check_config(const char *name, const char *config)
{
    CLEANUP(settings_clear) struct settings settings = {0};
    struct errmsg errmsg = {""};
    enum tok_err err = settings_load(config, &settings, &errmsg);

    if (err == TOK_OK)
        return EXIT_SUCCESS;
    if (log_is_journal())
        LOG(LOG_ERR, MESSAGE_SETTINGS, "Cannot use the settings", {"cause", errmsg.text});
    else
        (void)fprintf(stderr, "%s: %s\n", name, errmsg.text);
    return EXIT_FAILURE;
}

bool service_ready(struct service *s)
{
    if (!s->settings_ok && service_is_due(&s->next_try, SECOND))
        load_settings(s);
    return s->settings_ok;
}

static void start_timer(struct service *s, uint64_t usec)
{
    if (!s->idle)
        return;
    if (sd_event_source_set_time_relative(s->idle, usec) >= 0)
        (void)sd_event_source_set_enabled(s->idle, SD_EVENT_ONESHOT);
}

static void restart_idle(struct service *s)
{
    start_timer(s, s->settings.daemon.idle_timeout);
}

/* Accepts no more connections, which wait in the socket for the next process, and exits when
 * those that it has are closed, at the latest after STOP_TIME. */
static int on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *arg)
{
    struct service *s = arg;

    if (s->busy == 0)
        return sd_event_exit(s->loop, EXIT_SUCCESS);
    s->stopping = true;
    for (size_t i = 0; i < s->n_listeners; i++)
        *s->listeners[i] = sd_event_source_disable_unref(*s->listeners[i]);
    start_timer(s, STOP_TIME);
    return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
    const struct service *s = arg;

    if ((s->busy > 0 || s->stays) && !s->stopping)
        return 0;
    if (!s->stopping)
        LOG(LOG_INFO, MESSAGE_STARTED, "Idle timeout reached, exiting");
    return sd_event_exit(s->loop, EXIT_SUCCESS);
}

/* sd_notify(3): READY=1 ends the reload, whether it succeeded or not. */
static int on_sighup(sd_event_source *source, const struct signalfd_siginfo *si, void *arg)
{
    struct service *s = arg;

    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
                     (unsigned long long)service_monotonic());
    if (s->settings_ok)
        reload(s);
    else
        load_settings(s);
    if (s->busy == 0)
        restart_idle(s);
    (void)sd_notify(0, "READY=1");
    return 0;
}

void service_hold(struct service *s)
{
    if (s->busy++ == 0 && s->idle)
        (void)sd_event_source_set_enabled(s->idle, SD_EVENT_OFF);
}

void service_release(struct service *s)
{
    if (--s->busy > 0)
        return;
    if (s->stopping)
        (void)sd_event_exit(s->loop, EXIT_SUCCESS);
    else
        restart_idle(s);
}

int service_listen(struct service *s, int fd, sd_event_io_handler_t fn, void *arg,
                   sd_event_source **source)
{
    int r = sd_event_add_io(s->loop, source, fd, EPOLLIN, fn, arg);

    if (r < 0)
        return r;
    s->listeners[s->n_listeners++] = source;
    r = sd_event_source_set_ratelimit(*source, 100 * MILLISECOND, 1000);
    return r < 0 ? r : sd_event_source_set_io_fd_own(*source, true);
}

int service_accept(int listener, uid_t uid)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    uid_t peer = (uid_t)-1;
    char text[16];

    if (fd < 0)
        return -errno;
    if (wire_peer_is(fd, uid, &peer))
        return fd;
    (void)snprintf(text, sizeof(text), "%u", peer);
    LOG(LOG_WARNING, MESSAGE_WIRE, "Connection from unauthorized uid closed", {"uid", text});
    (void)close(fd);
    return -EPERM;
}

bool service_read_request(const uint8_t *buf, ssize_t n, enum wire_role asker,
                          enum wire_role answerer, struct wire_message *ret)
{
    enum wire_fault fault = WIRE_OVERSIZED;

    if (n <= 0 && n != -EMSGSIZE)
        return false;
    if (n > 0)
        fault = wire_read_request((struct slice){(const char *)buf, (size_t)n}, asker, answerer,
                                  ret);
    if (fault != WIRE_FINE)
        LOG(LOG_WARNING, MESSAGE_WIRE, "Malformed request, connection closed",
            {"fault", wire_fault_word(fault)});
    return fault == WIRE_FINE;
}

void service_raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int service_cannot_start(const char *cause)
{
    LOG(LOG_ERR, MESSAGE_STARTED, "Cannot start", {"cause", cause});
    return EXIT_FAILURE;
}

bool service_find_asker(const char *name, uid_t *ret)
{
    const struct passwd *pw = getpwnam(name);

    if (pw)
        *ret = pw->pw_uid;
    else
        LOG(LOG_ERR, MESSAGE_STARTED, "Cannot start", {"cause", "--asker: no such user"},
            {"user", name});
    return pw;
}

static int harden_process(void)
{
    (void)umask(077);
    if (prctl(PR_SET_DUMPABLE, 0) < 0 ||
        setrlimit(RLIMIT_CORE, &(struct rlimit){.rlim_cur = 0, .rlim_max = 0}) < 0 ||
        signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return -errno;
    return 0;
}

static int make_loop(struct service *s)
{
    int r = sd_event_new(&s->loop);

    if (r >= 0)
        r = sd_event_add_signal(s->loop, NULL, SIGTERM | SD_EVENT_SIGNAL_PROCMASK, on_signal,
                                s);
    if (r >= 0)
        r = sd_event_add_signal(s->loop, NULL, SIGINT | SD_EVENT_SIGNAL_PROCMASK, on_signal, s);
    if (r >= 0)
        r = sd_event_add_signal(s->loop, NULL, SIGHUP | SD_EVENT_SIGNAL_PROCMASK, on_sighup, s);
    if (r >= 0)
        r = sd_event_add_time_relative(s->loop, &s->idle, CLOCK_BOOTTIME, UINT64_MAX / 4, 0,
                                       on_timer, s);
    if (r >= 0)
        r = sd_event_source_set_enabled(s->idle, SD_EVENT_OFF);
    return r < 0 ? r : 0;
}

int service_start(struct service *s, const char *name, const char *config)
{
    int r;

    *s = (struct service){.name = name, .config = config};
    r = harden_process();
    if (r == 0 && settings_init(&s->settings) != TOK_OK)
        r = -ENOMEM;
    if (r == 0)
        r = make_loop(s);
    if (r < 0) {
        (void)service_cannot_start(strerrordesc_np(-r));
        return r;
    }
    load_settings(s);
    return 0;
}

int service_listener(const char *fd_name, int type)
{
    CLEANUP(cleanup_word_list) word_list names = NULL;
    int n = sd_listen_fds_with_names(0, &names);

    for (int i = 0; i < n; i++) {
        int fd = SD_LISTEN_FDS_START + i, flags, r;

        if (strcmp(names[i], fd_name) != 0)
            continue;
        r = sd_is_socket(fd, AF_UNSPEC, type, 1);
        if (r <= 0)
            return r < 0 ? r : -EPROTOTYPE;
        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
            return -errno;
        return fd;
    }
    return n < 0 ? n : -ENOENT;
}

int service_run(struct service *s)
{
    int code;

    restart_idle(s);
    (void)sd_notify(0, s->failure[0] ? "READY=1" : "READY=1\n" STATUS_FINE);
    code = sd_event_loop(s->loop);
    (void)sd_notify(0, "STOPPING=1");
    if (code < 0)
        LOG(LOG_ERR, MESSAGE_STARTED, "Event loop failed", {"cause", strerrordesc_np(-code)});
    return code < 0 ? EXIT_FAILURE : code;
}

void service_end(struct service *s)
{
    for (size_t i = 0; i < s->n_listeners; i++)
        *s->listeners[i] = sd_event_source_disable_unref(*s->listeners[i]);
    s->idle = sd_event_source_unref(s->idle);
    s->loop = sd_event_unref(s->loop);
    settings_clear(&s->settings);
}
