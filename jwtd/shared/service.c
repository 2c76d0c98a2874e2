/* Every line is logged from one place: it says nothing. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include "jwtd/shared/service.h"

#include "jwtd/shared/messages.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define LINE_LEN 1024
#define FIELDS_MAX 12
#define STAYS_SO "What was read again can't be used and what was in force stays so"
#define STATUS_FINE "STATUS=Answering"

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
    return now_of(CLOCK_REALTIME);
}

/* A line that is built up; what does not fit is cut. */
struct line {
    char text[LINE_LEN];
    size_t n;
};

static void add_byte(struct line *l, char c)
{
    if (l->n < sizeof(l->text) - 1)
        l->text[l->n++] = c;
    l->text[l->n] = '\0';
}

/* Printable ASCII alone: a terminal that shows the line obeys other bytes. */
static void add_text(struct line *l, const char *s)
{
    for (; *s; s++)
        add_byte(l, *s < ' ' || *s > '~' ? '?' : *s);
}

/* A value with a blank or quote in it is quoted, so that it can't pass for a field more. */
static void add_value(struct line *l, const char *s)
{
    if (*s && !strpbrk(s, " \"=")) {
        add_text(l, s);
        return;
    }
    add_byte(l, '"');
    for (; *s; s++)
        add_text(l, (const char[]){*s == '"' ? '\'' : *s, '\0'});
    add_byte(l, '"');
}

/* systemd says in $JOURNAL_STREAM which device and inode its own standard error has. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    char *end;

    if (!stream || fstat(STDERR_FILENO, &st) < 0)
        return false;
    device = strtoull(stream, &end, 10);
    if (*end != ':')
        return false;
    inode = strtoull(end + 1, &end, 10);
    return *end == '\0' && device == st.st_dev && inode == st.st_ino;
}

static void log_journal(int priority, const char *message_id, const char *message,
                        const struct log_field *fields)
{
    struct line lines[FIELDS_MAX + 3] = {0};
    struct iovec iov[FIELDS_MAX + 3];
    size_t n = 0;

    add_text(&lines[n], "PRIORITY=");
    add_byte(&lines[n++], (char)('0' + (priority & LOG_PRIMASK)));
    add_text(&lines[n], "MESSAGE_ID=");
    add_text(&lines[n++], message_id);
    add_text(&lines[n], "MESSAGE=");
    add_text(&lines[n++], message);
    for (; fields->name && n < FIELDS_MAX + 3; fields++) {
        if (!fields->value)
            continue;
        add_text(&lines[n], "JWT_");
        for (const char *c = fields->name; *c; c++)
            add_byte(&lines[n], *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
        add_byte(&lines[n], '=');
        add_text(&lines[n++], fields->value);
    }
    for (size_t i = 0; i < n; i++)
        iov[i] = (struct iovec){lines[i].text, lines[i].n};
    (void)sd_journal_sendv(iov, (int)n);
}

void service_log(int priority, const char *message_id, const char *sentence,
                 const struct log_field *fields)
{
    struct line message = {0};

    add_text(&message, sentence);
    for (const struct log_field *f = fields; f->name; f++) {
        if (!f->value)
            continue;
        add_byte(&message, ' ');
        add_text(&message, f->name);
        add_byte(&message, '=');
        add_value(&message, f->value);
    }
    if (stderr_is_journal())
        log_journal(priority, message_id, message.text, fields);
    else
        (void)fprintf(stderr, "%s: %s\n", program_invocation_short_name, message.text);
}

void service_complain(struct service *s, const char *message_id, const char *sentence,
                      const char *cause)
{
    char said[sizeof(s->last_said)];

    (void)snprintf(said, sizeof(said), "%s: %s", sentence, cause ? cause : "");
    if (strcmp(said, s->last_said) == 0)
        return;
    memcpy(s->last_said, said, sizeof(said));
    LOG(LOG_ERR, message_id, sentence, {"cause", cause});
    (void)sd_notifyf(0, "STATUS=%s", said);
}

void service_content(struct service *s)
{
    if (s->last_said[0] == '\0')
        return;
    s->last_said[0] = '\0';
    (void)sd_notify(0, STATUS_FINE);
}

static enum tok_err read_settings(const char *config, struct settings *ret,
                                  struct errmsg *errmsg)
{
    struct settings fresh = {0};
    enum tok_err err = settings_load(config, &fresh, errmsg);

    if (err == TOK_OK) {
        *ret = fresh;
        return TOK_OK;
    }
    settings_clear(&fresh);
    return errmsg->text[0] ? err : errmsg_set(errmsg, err, "%s: %s", config, tok_err_text(err));
}

static void load_settings(struct service *s)
{
    struct settings fresh;
    struct errmsg errmsg = {""};

    s->next_try = service_monotonic() + SECOND;
    if (read_settings(s->config, &fresh, &errmsg) != TOK_OK) {
        service_complain(s, MESSAGE_SETTINGS, "The settings can't be used", errmsg.text);
        return;
    }
    settings_clear(&s->settings);
    s->settings = fresh;
    s->settings_ok = true;
    service_content(s);
}

/* What was in force stays so until all that is new can be used. */
static void reload(struct service *s)
{
    CLEANUP(settings_clear) struct settings fresh = {0};
    struct settings old = s->settings;
    struct errmsg errmsg = {""};

    if (read_settings(s->config, &fresh, &errmsg) == TOK_OK) {
        s->settings = fresh;
        if (!s->on_reload || s->on_reload(s->arg, &old, &errmsg)) {
            fresh = old;
            s->last_said[0] = '\0';
            (void)sd_notify(0, STATUS_FINE);
            LOG(LOG_INFO, MESSAGE_STARTED, "Settings were read again", {"file", s->config});
            return;
        }
        s->settings = old;
    }
    LOG(LOG_ERR, MESSAGE_SETTINGS, STAYS_SO, {"cause", errmsg.text});
    (void)sd_notifyf(0, "STATUS=" STAYS_SO ": %s", errmsg.text);
}

int service_check_config(const char *name, const char *config)
{
    CLEANUP(settings_clear) struct settings settings = {0};
    struct errmsg errmsg = {""};
    enum tok_err err = read_settings(config, &settings, &errmsg);

    if (err == TOK_OK)
        return EXIT_SUCCESS;
    if (stderr_is_journal())
        LOG(LOG_ERR, MESSAGE_SETTINGS, "The settings can't be used", {"cause", errmsg.text});
    else
        (void)fprintf(stderr, "%s: %s\n", name, errmsg.text);
    return EXIT_FAILURE;
}

bool service_ready(struct service *s)
{
    if (!s->settings_ok && service_monotonic() >= s->next_try)
        load_settings(s);
    return s->settings_ok;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *arg)
{
    (void)si;
    (void)arg;
    return sd_event_exit(sd_event_source_get_event(source), EXIT_SUCCESS);
}

static int on_idle(sd_event_source *source, uint64_t usec, void *arg)
{
    const struct service *s = arg;

    (void)usec;
    if (s->busy > 0)
        return 0;
    LOG(LOG_INFO, MESSAGE_STARTED, "Leaving: nothing was asked for IdleTimeout");
    return sd_event_exit(sd_event_source_get_event(source), EXIT_SUCCESS);
}

/* Starts the wait for IdleTimeout anew. */
static void rearm(struct service *s)
{
    if (!s->idle)
        return;
    if (sd_event_source_set_time_relative(s->idle, s->settings.daemon.idle_timeout) >= 0)
        (void)sd_event_source_set_enabled(s->idle, SD_EVENT_ONESHOT);
}

/* The journal's reader and systemctl see RELOADING=1; whatever became of it, READY=1 ends it.
 */
static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *si, void *arg)
{
    struct service *s = arg;

    (void)source;
    (void)si;
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
                     (unsigned long long)service_monotonic());
    if (s->settings_ok)
        reload(s);
    else
        load_settings(s);
    if (s->busy == 0)
        rearm(s);
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
    if (--s->busy == 0)
        rearm(s);
}

static int make_safe(void)
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
        r = sd_event_add_signal(s->loop, NULL, SIGHUP | SD_EVENT_SIGNAL_PROCMASK, on_hangup, s);
    if (r >= 0)
        r = sd_event_add_time_relative(s->loop, &s->idle, CLOCK_BOOTTIME, UINT64_MAX / 4, 0,
                                       on_idle, s);
    if (r >= 0)
        r = sd_event_source_set_enabled(s->idle, SD_EVENT_OFF);
    return r < 0 ? r : 0;
}

int service_start(struct service *s, const char *name, const char *config)
{
    int r;

    *s = (struct service){.name = name, .config = config};
    r = make_safe();
    if (r == 0 && settings_init(&s->settings) != TOK_OK)
        r = -ENOMEM;
    if (r == 0)
        r = make_loop(s);
    if (r < 0) {
        LOG(LOG_ERR, MESSAGE_STARTED, "Can't start", {"cause", strerrordesc_np(-r)});
        return r;
    }
    load_settings(s);
    return 0;
}

static void free_names(char ***names)
{
    for (char **n = *names; n && *n; n++)
        free(*n);
    free((void *)*names);
}

int service_listener(const char *fd_name, int type)
{
    CLEANUP(free_names) char **names = NULL;
    int n = sd_listen_fds_with_names(0, &names);

    for (int i = 0; i < n; i++) {
        int fd = SD_LISTEN_FDS_START + i, flags, r;

        if (strcmp(names[i], fd_name) != 0)
            continue;
        r = sd_is_socket(fd, AF_UNSPEC, type, 1);
        if (r <= 0)
            return r < 0 ? r : -EPROTOTYPE;
        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
            fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
            return -errno;
        return fd;
    }
    return n < 0 ? n : -ENOENT;
}

int service_run(struct service *s)
{
    int code;

    rearm(s);
    (void)sd_notify(0, s->last_said[0] ? "READY=1" : "READY=1\n" STATUS_FINE);
    code = sd_event_loop(s->loop);
    (void)sd_notify(0, "STOPPING=1");
    if (code < 0)
        LOG(LOG_ERR, MESSAGE_STARTED, "The event loop failed",
            {"cause", strerrordesc_np(-code)});
    return code < 0 ? EXIT_FAILURE : code;
}

void service_end(struct service *s)
{
    s->idle = sd_event_source_unref(s->idle);
    s->loop = sd_event_unref(s->loop);
    settings_clear(&s->settings);
}
