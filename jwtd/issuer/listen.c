#include "jwtd/issuer/listen.h"

#include "jwtd/issuer/keys/rotate.h"
#include "jwtd/issuer/requests/admin.h"
#include "jwtd/issuer/requests/manage.h"
#include "jwtd/issuer/requests/narrow.h"
#include "jwtd/issuer/requests/obtain.h"
#include "jwtd/issuer/requests/page.h"
#include "jwtd/issuer/requests/refresh.h"
#include "jwtd/issuer/requests/sessions.h"
#include "jwtd/issuer/requests/sliding.h"
#include "jwtd/issuer/requests/whoami.h"
#include "jwtd/issuer/state.h"
#include "jwtd/issuer/turn.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>

#define CONNECTIONS_MAX 1024
#define CONNECTION_TIME (40 * SECOND)

/* Questions that go straight to a turn: what kind of token their first field must be
 * (JUDGE_NONE: it is no token), and what happens in the turn. */
struct read_request {
    enum wire_op op;
    enum judge_type type;
    enum step (*step)(struct issuer *x, struct job *job);
};

static const struct read_request read_requests[] = {
    {WIRE_REFRESH, JUDGE_REFRESH, refresh_step},
    {WIRE_VERIFY, JUDGE_ANY, verify_step},
    {WIRE_BLACKLIST, JUDGE_REFRESH, blacklist_step},
    {WIRE_ADMIN_STATUS, JUDGE_NONE, admin_status_step},
    {WIRE_ADMIN_SESSIONS, JUDGE_NONE, page_admin_step},
    {WIRE_ADMIN_REVOKE, JUDGE_NONE, admin_revoke_step},
    {WIRE_ADMIN_ROTATE, JUDGE_NONE, rotate_step},
    {WIRE_ADMIN_RETIRE, JUDGE_NONE, retire_step},
    {WIRE_WHOAMI, JUDGE_BEARER, whoami_step},
    {WIRE_SLIDING_REFRESH, JUDGE_SLIDING, sliding_step},
    {WIRE_SESSIONS, JUDGE_BEARER, manage_sessions},
    {WIRE_SESSION_END, JUDGE_BEARER, manage_session_end},
    {WIRE_LOGOUT, JUDGE_BEARER, manage_logout},
    {WIRE_LOGOUT_ALL, JUDGE_BEARER, manage_logout_all},
    {WIRE_NARROW, JUDGE_ACCESS, narrow_step},
};

static void take_turn(struct issuer *x, struct job *job, const struct read_request *q)
{
    enum wire_status status = WIRE_OK;

    if (q->type != JUDGE_NONE)
        status = judge_token(x, job_text(job, 0), q->type, &job->token);
    if (status == WIRE_OK) {
        job->step = q->step;
        turn_add(x, job);
        return;
    }
    if (q->op == WIRE_REFRESH || q->op == WIRE_SLIDING_REFRESH)
        sessions_refused(job, status);
    job_refuse(job, status);
}

static void serve(struct issuer *x, struct job *job)
{
    enum wire_op op = job->request.request->op;

    if (!state_ready(x)) {
        job_refuse(job, WIRE_UNAVAILABLE);
        return;
    }
    (void)state_time(x);
    if ((op == WIRE_SLIDING_OBTAIN || op == WIRE_SLIDING_REFRESH) &&
        !x->service.settings.token.sliding_tokens) {
        job_refuse(job, WIRE_NO_SESSION);
        return;
    }
    if (op == WIRE_OBTAIN || op == WIRE_SLIDING_OBTAIN) {
        obtain_start(x, job);
        return;
    }
    for (size_t i = 0; i < sizeof(read_requests) / sizeof(read_requests[0]); i++) {
        if (read_requests[i].op == op) {
            take_turn(x, job, &read_requests[i]);
            return;
        }
    }
    job_refuse(job, op == WIRE_PING ? WIRE_OK : WIRE_UNAVAILABLE);
}

static void fault(struct job *job, const char *what)
{
    LOG(LOG_WARNING, MESSAGE_WIRE, "A question broke the rules of the wire", {"fault", what});
    job_drop(job);
}

static enum wire_fault read_as(struct job *job, enum wire_role asker)
{
    return wire_read_request(secret_slice(&job->text), asker, WIRE_ISSUER, &job->request);
}

static int on_request(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    struct job *job = arg;
    struct issuer *x = job->issuer;
    ssize_t n = wire_receive(fd, x->buf);
    enum wire_fault f;
    enum tok_err err;

    (void)events;
    if (n == -EAGAIN)
        return 0;
    if (n <= 0) {
        if (n == -EMSGSIZE)
            fault(job, wire_fault_word(WIRE_OVERSIZED));
        else
            job_drop(job);
        return 0;
    }
    (void)sd_event_source_set_enabled(source, SD_EVENT_OFF); /* one question a connection */
    job_delist(job);
    err = secret_copy((struct slice){(const char *)x->buf, (size_t)n}, &job->text);
    secret_wipe(x->buf, (size_t)n);
    if (err != TOK_OK) {
        job_drop(job);
        return 0;
    }
    f = read_as(job, job->uid == x->asker ? WIRE_FRONT : WIRE_ADMIN);
    /* Where one user is both (a test), his are both's questions. */
    if (f == WIRE_NOT_YOURS && job->uid == 0)
        f = read_as(job, WIRE_ADMIN);
    if (f != WIRE_FINE)
        fault(job, wire_fault_word(f));
    else
        serve(x, job);
    return 0;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *arg)
{
    (void)source;
    (void)usec;
    job_drop(arg);
    return 0;
}

/* jwtd, and root's jwtctl. */
static bool peer_ok(const struct issuer *x, int fd, uid_t *ret_uid)
{
    uid_t uid = (uid_t)-1;
    char text[16];

    if (wire_peer_is(fd, x->asker, &uid) || uid == 0) {
        *ret_uid = uid;
        return true;
    }
    (void)snprintf(text, sizeof(text), "%lu", (unsigned long)uid);
    LOG(LOG_WARNING, MESSAGE_WIRE, "Somebody else asked what jwtd and root alone may ask",
        {"uid", text});
    return false;
}

static void take(struct issuer *x, int fd)
{
    uid_t uid = (uid_t)-1;
    struct job *job = peer_ok(x, fd, &uid) ? calloc(1, sizeof(*job)) : NULL;

    if (!job) {
        (void)close(fd);
        return;
    }
    *job = (struct job){.issuer = x, .fd = fd, .uid = uid};
    job_enlist(job, &x->reading);
    x->connections++;
    service_hold(&x->service);
    if (sd_event_add_io(x->service.loop, &job->io, fd, EPOLLIN, on_request, job) < 0 ||
        sd_event_add_time_relative(x->service.loop, &job->limit, CLOCK_MONOTONIC,
                                   CONNECTION_TIME, SECOND, on_limit, job) < 0)
        job_drop(job);
}

/* At the limit, of connections or of descriptors, the next ones wait in the socket's queue. */
static void stop_accepting(struct issuer *x, const char *cause)
{
    LOG(LOG_WARNING, MESSAGE_OVERLOAD, "Too many questions at once", {"cause", cause});
    x->paused = sd_event_source_set_enabled(x->listener, SD_EVENT_OFF) >= 0;
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    struct issuer *x = arg;
    int taken = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)source;
    (void)events;
    if (taken >= 0)
        take(x, taken);
    else if ((errno == EMFILE || errno == ENFILE) && x->connections > 0)
        stop_accepting(x, strerrordesc_np(errno));
    if (x->connections >= CONNECTIONS_MAX)
        stop_accepting(x, "connections");
    return 0;
}

void listen_init(struct issuer *x)
{
    TAILQ_INIT(&x->reading);
    TAILQ_INIT(&x->queue);
    TAILQ_INIT(&x->parked);
    LIST_INIT(&x->accounts.inquiries);
}

void listen_resume(struct issuer *x)
{
    if (x->paused)
        x->paused = sd_event_source_set_enabled(x->listener, SD_EVENT_ON) < 0;
}

int listen_start(struct issuer *x, int fd)
{
    return sd_event_add_io(x->service.loop, &x->listener, fd, EPOLLIN, on_connection, x);
}

static void drop_all(struct job_list *list)
{
    struct job *job;

    while ((job = TAILQ_FIRST(list)))
        job_drop(job);
}

void listen_end(struct issuer *x)
{
    x->paused = false;
    drop_all(&x->reading);
    drop_all(&x->queue);
    drop_all(&x->parked);
    x->listener = sd_event_source_disable_unref(x->listener);
}
