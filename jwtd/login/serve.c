#include "jwtd/login/serve.h"

#include "common/base/secret.h"
#include "common/base/timespan.h"
#include "jwtd/login/check.h"
#include "jwtd/shared/messages.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define OVERLOAD_TIME UINT64_C(10000000) /* a line about it at most this often */

/* A connection and, once it asked, the process that answers it. */
struct job {
    struct server *server;
    struct job *next, *prev;
    int fd;      /* -1 when answered */
    int verdict; /* reading end of the process's pipe, or -1 */
    bool forked;
    const struct wire_request *request;
    char source[WIRE_SOURCE_MAX + 1];
    sd_event_source *io, *timer, *child;
};

static void job_free(struct job *job)
{
    struct server *server = job->server;

    sd_event_source_disable_unref(job->io);
    sd_event_source_disable_unref(job->timer);
    sd_event_source_disable_unref(job->child);
    cleanup_close(&job->fd);
    cleanup_close(&job->verdict);
    if (job->next)
        job->next->prev = job->prev;
    if (job->prev)
        job->prev->next = job->next;
    else
        server->jobs = job->next;
    if (job->forked)
        server->children--;
    if (server->connections-- == CONNECTIONS_MAX && server->listener)
        (void)sd_event_source_set_enabled(server->listener, SD_EVENT_ON);
    service_release(server->service);
    free(job);
}

/* Answers once; a peer that went away misses it. */
static void job_answer(struct job *job, enum wire_status status, struct slice stamp)
{
    uint8_t buf[WIRE_MESSAGE_MAX];
    const union wire_value values[] = {{.text = stamp}};
    size_t n;

    if (job->fd < 0)
        return;
    if (wire_pack_answer(job->request, status, values, buf, &n) == WIRE_FINE)
        (void)send(job->fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    cleanup_close(&job->fd);
    job->fd = -1;
}

static void job_fail(struct job *job, const char *cause)
{
    if (job->fd >= 0)
        LOG(LOG_ERR, MESSAGE_CHECK, "A question ended without a verdict",
            {"question", job->request->name}, {"cause", cause});
    job_answer(job, WIRE_UNAVAILABLE, SLICE(""));
}

/* What the process says is checked like anything else: a module may have corrupted it. */
static bool read_verdict(const struct job *job, struct check_verdict *ret)
{
    struct check_verdict v;

    if (read(job->verdict, &v, sizeof(v)) != (ssize_t)sizeof(v))
        return false;
    if ((unsigned)v.status >= WIRE_STATUS_COUNT || v.stamp_n > sizeof(v.stamp))
        return false;
    v.reason[sizeof(v.reason) - 1] = '\0';
    v.user[sizeof(v.user) - 1] = '\0';
    *ret = v;
    return true;
}

static void log_verdict(const struct job *job, const struct check_verdict *v)
{
    const char *user = v->user[0] ? v->user : NULL;
    const char *source = job->source[0] ? job->source : NULL;

    if (v->status == WIRE_OK)
        return;
    if (v->status == WIRE_UNAVAILABLE)
        LOG(LOG_ERR, MESSAGE_CHECK, "A question ended without a verdict",
            {"question", job->request->name}, {"user", user}, {"cause", v->reason});
    else
        LOG(LOG_NOTICE, MESSAGE_REFUSED, "An account or its password was refused",
            {"question", job->request->name}, {"user", user}, {"source", source},
            {"reason", v->reason});
}

static int on_child(sd_event_source *source, const siginfo_t *si, void *arg)
{
    struct job *job = arg;
    struct check_verdict v;
    char cause[64];

    (void)source;
    if (si->si_code == CLD_EXITED && si->si_status == 0 && read_verdict(job, &v)) {
        log_verdict(job, &v);
        job_answer(job, v.status, (struct slice){(const char *)v.stamp, v.stamp_n});
    } else {
        (void)snprintf(cause, sizeof(cause), "its process ended with %s %d",
                       si->si_code == CLD_EXITED ? "status" : "signal", si->si_status);
        job_fail(job, cause);
    }
    job_free(job);
    return 0;
}

/* The answer is due now; the process is waited for as long as it takes to die. */
static int on_check_time(sd_event_source *source, uint64_t usec, void *arg)
{
    struct job *job = arg;

    (void)source;
    (void)usec;
    job_fail(job, "it took longer than 30 s");
    (void)sd_event_source_send_child_signal(job->child, SIGKILL, NULL, 0);
    return 0;
}

static int on_request_timeout(sd_event_source *source, uint64_t usec, void *arg)
{
    (void)source;
    (void)usec;
    LOG(LOG_WARNING, MESSAGE_WIRE, "A connection asked nothing for 10 s");
    job_free(arg);
    return 0;
}

/* Nothing of the daemon stays open or blocked where modules run, and modules die with it. */
static void leave_daemon(int keep)
{
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    if ((keep > 3 && close_range(3, (unsigned)keep - 1, 0) < 0) ||
        close_range((unsigned)keep + 1, ~0U, 0) < 0)
        _exit(EXIT_FAILURE);
}

static _Noreturn void answer_in_child(const struct server *server,
                                      const struct wire_message *message, int out)
{
    const struct check_setup setup = {
        .service = server->pam,
        .confdir = server->confdir,
        .settings = &server->service->settings,
        .today = (long)(service_wall() / DAY),
    };
    struct check_verdict v = {.status = WIRE_UNAVAILABLE};

    leave_daemon(out);
    if (message->request->op == WIRE_CHECK)
        check_password(&setup, message->v[0].text, message->v[1].text, message->v[2].text, &v);
    else
        check_account(&setup, message->v[0].text, &v);
    _exit(write(out, &v, sizeof(v)) == (ssize_t)sizeof(v) ? EXIT_SUCCESS : EXIT_FAILURE);
}

static int job_fork(struct job *job, const struct wire_message *message)
{
    struct server *server = job->server;
    CLEANUP(cleanup_close) int out = -1;
    int ends[2];
    pid_t pid;
    int r;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    job->verdict = ends[0];
    out = ends[1];
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        answer_in_child(server, message, out);
    r = sd_event_add_child(server->service->loop, &job->child, pid, WEXITED, on_child, job);
    if (r < 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return r;
    }
    (void)sd_event_source_set_child_process_own(job->child, true);
    job->forked = true;
    server->children++;
    return 0;
}

static int job_start(struct job *job, const struct wire_message *message)
{
    int r = job_fork(job, message);

    if (r < 0)
        return r;
    job->timer = sd_event_source_disable_unref(job->timer);
    return sd_event_add_time_relative(job->server->service->loop, &job->timer, CLOCK_MONOTONIC,
                                      CHECK_TIME, 0, on_check_time, job);
}

static void say_overload(struct server *server)
{
    uint64_t now = service_monotonic();

    if (now < server->next_overload)
        return;
    server->next_overload = now + OVERLOAD_TIME;
    LOG(LOG_WARNING, MESSAGE_OVERLOAD, "More questions at once than are answered");
}

static void job_ask(struct job *job, const struct wire_message *message)
{
    struct server *server = job->server;
    int r;

    job->request = message->request;
    if (message->n > 2)
        memcpy(job->source, message->v[2].text.p, message->v[2].text.n);
    if (!service_ready(server->service)) {
        job_answer(job, WIRE_UNAVAILABLE, SLICE(""));
        job_free(job);
    } else if (server->children >= server->children_max) {
        say_overload(server);
        job_answer(job, WIRE_BUSY, SLICE(""));
        job_free(job);
    } else if ((r = job_start(job, message)) < 0) {
        job_fail(job, strerrordesc_np(-r));
        job_free(job);
    }
}

static int on_request(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
    struct job *job = arg;
    uint8_t buf[WIRE_MESSAGE_MAX];
    struct wire_message message;
    enum wire_fault fault;
    ssize_t n;

    (void)revents;
    n = wire_receive(fd, buf);
    if (n == -EAGAIN)
        return 0;
    (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
    if (n == 0 || n == -ECONNRESET) {
        job_free(job);
        return 0;
    }
    fault = n == -EMSGSIZE ? WIRE_OVERSIZED
            : n < 0        ? WIRE_SHORT
                           : wire_read_request((struct slice){(const char *)buf, (size_t)n},
                                               WIRE_ISSUER, WIRE_LOGIN, &message);
    if (fault == WIRE_FINE) {
        job_ask(job, &message);
    } else {
        LOG(LOG_ERR, MESSAGE_WIRE, "A message broke the rules of the wire",
            {"fault", wire_fault_word(fault)});
        job_free(job);
    }
    secret_wipe(buf, sizeof(buf));
    return 0;
}

static struct job *job_new(struct server *server, int fd)
{
    struct job *job = calloc(1, sizeof(*job));

    if (!job)
        return NULL;
    *job = (struct job){.server = server, .next = server->jobs, .fd = fd, .verdict = -1};
    if (job->next)
        job->next->prev = job;
    server->jobs = job;
    service_hold(server->service);
    if (++server->connections == CONNECTIONS_MAX)
        (void)sd_event_source_set_enabled(server->listener, SD_EVENT_OFF);
    return job;
}

static void take(struct server *server, int fd)
{
    sd_event *loop = server->service->loop;
    char uid_text[16];
    struct job *job;
    uid_t uid = (uid_t)-1;

    if (!wire_peer_is(fd, server->asker, &uid)) {
        (void)snprintf(uid_text, sizeof(uid_text), "%u", uid);
        LOG(LOG_WARNING, MESSAGE_WIRE, "A peer that may not ask was turned away",
            {"uid", uid_text});
        (void)close(fd);
        return;
    }
    job = job_new(server, fd);
    if (!job) {
        (void)close(fd);
        return;
    }
    if (sd_event_add_io(loop, &job->io, fd, EPOLLIN, on_request, job) < 0 ||
        sd_event_add_time_relative(loop, &job->timer, CLOCK_MONOTONIC, REQUEST_TIMEOUT, 0,
                                   on_request_timeout, job) < 0)
        job_free(job);
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)source;
    (void)revents;
    if (peer >= 0)
        take(arg, peer);
    else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        service_report_failure(((struct server *)arg)->service, MESSAGE_OVERLOAD,
                               "Can't take a connection", strerrordesc_np(errno));
    return 0;
}

int serve_start(struct server *server, int fd)
{
    int r = sd_event_add_io(server->service->loop, &server->listener, fd, EPOLLIN,
                            on_connection, server);

    if (r < 0)
        return r;
    (void)sd_event_source_set_io_fd_own(server->listener, true);
    /* A failing accept (no descriptors left) must not become a busy loop. */
    return sd_event_source_set_ratelimit(server->listener, 1000000, 2000);
}

void serve_end(struct server *server)
{
    struct job *job, *next;

    for (job = server->jobs; job; job = next) {
        next = job->next;
        job_free(job);
    }
    server->listener = sd_event_source_disable_unref(server->listener);
}
