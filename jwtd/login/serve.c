#include "jwtd/login/serve.h"

#include "common/base/secret.h"
#include "jwtd/login/child.h"
#include "jwtd/shared/messages.h"

#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#define OVERLOAD_TIME (10 * SECOND) /* logged at most this often */

/* A connection and, once it has sent its request, the process that answers it. Freed by the
 * callbacks of its events alone. */
struct check_job {
    struct login_server *server;
    LIST_ENTRY(check_job) link;
    int fd;     /* -1 when answered */
    int result; /* reading end of the process's pipe, or -1 */
    const struct wire_request *request;
    char source[WIRE_SOURCE_MAX + 1];
    sd_event_source *io, *timer;
    sd_event_source *child;    /* NULL: no process */
    struct login_slots *slots; /* one of them is taken; NULL: none */
    uint64_t started;          /* monotonic microseconds */
};

static void job_release_slot(struct check_job *job)
{
    if (job->slots)
        job->slots->taken--;
    job->slots = NULL;
}

static void job_free(struct check_job *job)
{
    struct login_server *server = job->server;

    job_release_slot(job);
    sd_event_source_disable_unref(job->io);
    sd_event_source_disable_unref(job->timer);
    sd_event_source_disable_unref(job->child);
    cleanup_close(&job->fd);
    cleanup_close(&job->result);
    LIST_REMOVE(job, link);
    if (server->connections-- == LOGIN_CONNECTIONS_MAX && server->listener)
        (void)sd_event_source_set_enabled(server->listener, SD_EVENT_ON);
    service_release(server->service);
    free(job);
}

/* Sends the answer, once. A peer that has closed its end misses it. */
static void job_answer(struct check_job *job, const struct check_verdict *v)
{
    uint8_t buf[WIRE_MESSAGE_MAX];
    const union wire_value values[] = {
        {.text = {(const char *)v->stamp, v->stamp_n}}, {.number = v->uid}, {.number = v->amr}};
    size_t n;

    if (job->fd < 0)
        return;
    if (wire_pack_answer(job->request, v->status, values, buf, &n) == WIRE_FINE)
        (void)send(job->fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    cleanup_close(&job->fd);
    job->fd = -1;
}

static void log_unavailable(const struct check_job *job, const char *user, const char *cause)
{
    LOG(LOG_ERR, MESSAGE_CHECK, "Password or account check not completed",
        {"question", job->request->name}, {"user", user}, {"cause", cause});
}

static void job_fail(struct check_job *job, const char *cause)
{
    if (job->fd >= 0)
        log_unavailable(job, NULL, cause);
    job_answer(job, &(struct check_verdict){.status = WIRE_UNAVAILABLE});
}

static void log_verdict(const struct check_job *job, const struct check_verdict *v)
{
    const char *user = v->user[0] ? v->user : NULL;
    const char *source = job->source[0] ? job->source : NULL;

    if (job->request->op == WIRE_CHECK && !v->no_tallies)
        service_recovered(job->server->service);
    if (v->status == WIRE_OK)
        return;
    if (v->no_tallies)
        service_report_failure(job->server->service, MESSAGE_CHECK,
                               "Password check not possible", v->reason);
    else if (v->status == WIRE_UNAVAILABLE)
        log_unavailable(job, user, v->reason);
    else
        LOG_LIMITED(&job->server->refusals, LOG_NOTICE, MESSAGE_REFUSED,
                    "Password or account check failed", source ? source : v->user,
                    {"question", job->request->name}, {"user", user}, {"source", source},
                    {"reason", v->reason});
}

static int on_denial_time(sd_event_source *source, uint64_t usec, void *arg)
{
    struct check_job *job = arg;

    job_answer(job, &(struct check_verdict){.status = WIRE_DENIED});
    job_free(job);
    return 0;
}

/* True: a name without an account is answered later. */
static bool job_delay(struct check_job *job, const struct check_verdict *v)
{
    struct login_server *server = job->server;
    uint64_t time;

    if (job->request->op != WIRE_CHECK || v->status != WIRE_DENIED)
        return false;
    if (v->user[0]) {
        median_add(&server->denial_times, service_monotonic() - job->started);
        return false;
    }
    time = job->started + median_get(&server->denial_times, DENIAL_TIME);
    job->child = sd_event_source_disable_unref(job->child);
    job->timer = sd_event_source_disable_unref(job->timer);
    return sd_event_add_time(server->service->loop, &job->timer, CLOCK_MONOTONIC, time,
                             MILLISECOND, on_denial_time, job) >= 0;
}

static int on_child(sd_event_source *source, const siginfo_t *si, void *arg)
{
    struct check_job *job = arg;
    struct check_verdict v;
    char cause[64];

    if (si->si_code == CLD_EXITED && si->si_status == 0 && child_read(job->result, &v)) {
        log_verdict(job, &v);
        if (job_delay(job, &v))
            return 0;
        job_answer(job, &v);
    } else {
        (void)snprintf(cause, sizeof(cause), "the process ended with %s %d",
                       si->si_code == CLD_EXITED ? "status" : "signal", si->si_status);
        job_fail(job, cause);
    }
    job_free(job);
    return 0;
}

/* Answers now, and jwtd-issuer may take the slot. The job is freed when the killed process has
 * ended. */
static int on_check_time(sd_event_source *source, uint64_t usec, void *arg)
{
    struct check_job *job = arg;

    job_fail(job, "no result within 30 s");
    job_release_slot(job);
    (void)sd_event_source_send_child_signal(job->child, SIGKILL, NULL, 0);
    return 0;
}

static int on_request_timeout(sd_event_source *source, uint64_t usec, void *arg)
{
    LOG(LOG_WARNING, MESSAGE_WIRE, "Connection closed: no request within 10 s");
    job_free(arg);
    return 0;
}

/* Until it is waited for, the pid is that of this process. */
static int watch_child(struct check_job *job, pid_t child)
{
    sd_event *loop = job->server->service->loop;
    int r = sd_event_add_child(loop, &job->child, child, WEXITED, on_child, job);

    if (r < 0) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        return r;
    }
    (void)sd_event_source_set_child_process_own(job->child, true);
    job->timer = sd_event_source_disable_unref(job->timer);
    return sd_event_add_time_relative(loop, &job->timer, CLOCK_MONOTONIC, CHECK_TIME, 0,
                                      on_check_time, job);
}

static int job_start(struct check_job *job, const struct wire_message *message)
{
    const struct check_setup setup = {
        .service = job->server->pam,
        .confdir = job->server->confdir,
        .settings = &job->server->service->settings,
        .today = (long)(service_wall() / DAY),
    };
    pid_t child = child_start(&setup, message, &job->result);

    return child < 0 ? child : watch_child(job, child);
}

/* False: the request has its answer. */
static bool job_take(struct check_job *job, const struct wire_message *message)
{
    struct login_server *server = job->server;
    struct login_slots *slots =
        message->request->op == WIRE_CHECK ? &server->passwords : &server->accounts;
    int r;

    job->request = message->request;
    if (message->n > 2)
        memcpy(job->source, message->v[2].text.p, message->v[2].text.n);
    if (!service_ready(server->service)) {
        job_answer(job, &(struct check_verdict){.status = WIRE_UNAVAILABLE});
        return false;
    }
    if (slots->taken >= slots->max) {
        if (service_is_due(&server->next_overload, OVERLOAD_TIME))
            LOG(LOG_WARNING, MESSAGE_OVERLOAD, "Too many concurrent checks, answering busy");
        job_answer(job, &(struct check_verdict){.status = WIRE_BUSY});
        return false;
    }
    slots->taken++;
    job->slots = slots;
    job->started = service_monotonic();
    r = job_start(job, message);
    if (r < 0)
        job_fail(job, strerrordesc_np(-r));
    return r >= 0;
}

static int on_request(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
    struct check_job *job = arg;
    uint8_t buf[WIRE_MESSAGE_MAX];
    struct wire_message message;
    ssize_t n = wire_receive(fd, buf);
    bool goes_on;

    if (n == -EAGAIN)
        return 0;
    (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
    goes_on = service_read_request(buf, n, WIRE_ISSUER, WIRE_LOGIN, &message) &&
              job_take(job, &message);
    secret_wipe(buf, sizeof(buf));
    if (!goes_on)
        job_free(job);
    return 0;
}

static struct check_job *job_new(struct login_server *server, int fd)
{
    struct check_job *job = calloc(1, sizeof(*job));

    if (!job)
        return NULL;
    *job = (struct check_job){.server = server, .fd = fd, .result = -1};
    LIST_INSERT_HEAD(&server->jobs, job, link);
    service_hold(server->service);
    if (++server->connections == LOGIN_CONNECTIONS_MAX)
        (void)sd_event_source_set_enabled(server->listener, SD_EVENT_OFF);
    return job;
}

static void accept_peer(struct login_server *server, int fd)
{
    sd_event *loop = server->service->loop;
    struct check_job *job = job_new(server, fd);

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
    struct login_server *server = arg;
    int peer = service_accept(fd, server->asker);

    if (peer >= 0)
        accept_peer(server, peer);
    else if (peer == -EMFILE || peer == -ENFILE || peer == -ENOBUFS || peer == -ENOMEM)
        service_report_failure(server->service, MESSAGE_OVERLOAD, "Cannot accept a connection",
                               strerrordesc_np(-peer));
    return 0;
}

int serve_start(struct login_server *server, int fd)
{
    server->refusals.loop = server->service->loop;
    return service_listen(server->service, fd, on_connection, server, &server->listener);
}

void serve_end(struct login_server *server)
{
    struct check_job *job, *next;

    for (job = LIST_FIRST(&server->jobs); job; job = next) {
        next = LIST_NEXT(job, link);
        job_free(job);
    }
    log_limit_end(&server->refusals);
}
