#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/requests/obtain.h"
#include "jwtd/issuer/turn.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>
#include <string.h>

#define INQUIRY_TIME (32 * SECOND) /* jwtd-login gives up after 30 s */

/* One question to jwtd-login under way. */
struct inquiry {
    LIST_ENTRY(inquiry) link;
    struct issuer *issuer;
    enum wire_op op;
    char user[WIRE_USER_MAX + 1];
    struct job_list jobs; /* whoever waits for it */
    int fd;
    sd_event_source *io, *limit;
};

static void inquiry_free(struct inquiry *q)
{
    (void)sd_event_source_disable_unref(q->io);
    (void)sd_event_source_disable_unref(q->limit);
    cleanup_close(&q->fd);
    free(q);
}

static struct account_entry *find(struct accounts *accounts, const char *user, uint64_t now)
{
    for (size_t i = 0; i < ACCOUNTS_MAX; i++) {
        struct account_entry *e = &accounts->entries[i];

        if (e->user && now < e->until && strcmp(e->user, user) == 0)
            return e;
    }
    return NULL;
}

static void forget(struct account_entry *e)
{
    free(e->user);
    *e = (struct account_entry){0};
}

void accounts_learn(struct issuer *x, const char *user, const struct account *account)
{
    uint64_t now = service_monotonic();
    uint64_t time = x->service.settings.session.account_cache_time;
    struct account_entry *to = NULL;

    for (size_t i = 0; i < ACCOUNTS_MAX; i++) {
        struct account_entry *e = &x->accounts.entries[i];

        if (e->user && strcmp(e->user, user) == 0)
            forget(e);
        if (!to || e->until < to->until)
            to = e;
    }
    forget(to);
    if (time == 0)
        return;
    to->user = strdup(user);
    to->account = *account;
    to->until = to->user ? now + time : 0;
}

bool accounts_knows(const struct issuer *x, const char *user)
{
    uint64_t now = service_monotonic();

    for (size_t i = 0; i < ACCOUNTS_MAX; i++) {
        const struct account_entry *e = &x->accounts.entries[i];

        if (e->user && now < e->until && strcmp(e->user, user) == 0)
            return e->account.status == WIRE_OK;
    }
    return false;
}

/* The answer goes to whoever waits; the inquiry is over. */
static void settle(struct inquiry *q, enum wire_status status, struct slice stamp)
{
    struct issuer *x = q->issuer;
    struct account account = {.status = status};
    struct job *job;

    LIST_REMOVE(q, link);
    if (status == WIRE_OK && stamp.n <= sizeof(account.stamp)) {
        account.stamp_len = stamp.n;
        if (stamp.n > 0)
            memcpy(account.stamp, stamp.p, stamp.n);
    }
    if (status == WIRE_OK ||
        (q->op == WIRE_ACCOUNT && status != WIRE_BUSY && status != WIRE_UNAVAILABLE))
        accounts_learn(x, q->user, &account);
    if (q->op == WIRE_CHECK) {
        job = TAILQ_FIRST(&q->jobs);
        if (job)
            job_delist(job);
        obtain_verdict(x, slice_of(q->user), job, &account);
    }
    while ((job = TAILQ_FIRST(&q->jobs))) {
        job_delist(job);
        job->account = account;
        job->has_account = true;
        turn_add(x, job);
    }
    inquiry_free(q);
}

static void settle_unavailable(struct inquiry *q, const char *cause)
{
    LOG(LOG_ERR, MESSAGE_CHECK, "jwtd-login gave no answer", {"cause", cause});
    settle(q, WIRE_UNAVAILABLE, (struct slice){"", 0});
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    struct inquiry *q = arg;
    struct issuer *x = q->issuer;
    ssize_t n = wire_receive(fd, x->buf);
    struct wire_message answer;
    enum wire_fault fault;

    (void)source;
    (void)events;
    if (n == -EAGAIN)
        return 0;
    if (n <= 0) {
        settle_unavailable(q, n == 0 ? "it ended the connection" : strerrordesc_np((int)-n));
        return 0;
    }
    fault = wire_read_answer((struct slice){(const char *)x->buf, (size_t)n}, wire_find(q->op),
                             &answer);
    if (fault != WIRE_FINE) {
        settle_unavailable(q, wire_fault_word(fault));
        return 0;
    }
    settle(q, answer.status,
           answer.status == WIRE_OK ? answer.v[0].text : (struct slice){"", 0});
    return 0;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *arg)
{
    (void)source;
    (void)usec;
    settle_unavailable(arg, "it took too long");
    return 0;
}

/* A connection to jwtd-login, which runs as root or as whoever runs us (in tests). */
static int reach(const char *path)
{
    int fd = wire_connect(path);
    uid_t uid;

    if (fd < 0)
        return fd;
    if (wire_peer_is(fd, 0, &uid) || uid == geteuid())
        return fd;
    (void)close(fd);
    return -EPERM;
}

static int send_request(struct inquiry *q, const union wire_value *values)
{
    struct issuer *x = q->issuer;
    size_t n;
    ssize_t put;

    if (wire_pack_request(q->op, values, x->buf, &n) != WIRE_FINE)
        return -EINVAL;
    put = send(q->fd, x->buf, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    secret_wipe(x->buf, n);
    return put < 0 ? -errno : 0;
}

static int start(struct inquiry *q, const union wire_value *values)
{
    struct issuer *x = q->issuer;
    int r = q->fd = reach(x->login_socket);

    if (r >= 0)
        r = send_request(q, values);
    if (r >= 0)
        r = sd_event_add_io(x->service.loop, &q->io, q->fd, EPOLLIN, on_answer, q);
    if (r >= 0)
        r = sd_event_add_time_relative(x->service.loop, &q->limit, CLOCK_MONOTONIC,
                                       INQUIRY_TIME, SECOND, on_limit, q);
    return r;
}

/* Asks; the job waits for it. Its first value is the user. A status other than WIRE_OK: it
 * could not be asked. */
static enum wire_status inquire(struct issuer *x, struct job *job, enum wire_op op,
                                const union wire_value *values)
{
    struct inquiry *q = calloc(1, sizeof(*q));
    int r;

    if (!q)
        return WIRE_UNAVAILABLE;
    *q = (struct inquiry){.issuer = x, .op = op, .fd = -1};
    (void)snprintf(q->user, sizeof(q->user), "%.*s", (int)values[0].text.n, values[0].text.p);
    TAILQ_INIT(&q->jobs);
    r = start(q, values);
    if (r < 0) {
        inquiry_free(q);
        if (r == -EAGAIN)
            return WIRE_BUSY; /* its backlog is full */
        LOG(LOG_ERR, MESSAGE_CHECK, "jwtd-login can't be asked",
            {"cause", strerrordesc_np(-r)});
        return WIRE_UNAVAILABLE;
    }
    LIST_INSERT_HEAD(&x->accounts.inquiries, q, link);
    job_enlist(job, &q->jobs);
    return WIRE_OK;
}

void accounts_check(struct issuer *x, struct job *job)
{
    enum wire_status status = inquire(x, job, WIRE_CHECK, job->request.v);

    if (status != WIRE_OK)
        obtain_verdict(x, job_text(job, 0), job, &(struct account){.status = status});
}

bool accounts_ask(struct issuer *x, struct job *job, const char *user)
{
    const struct account_entry *known = find(&x->accounts, user, service_monotonic());
    struct inquiry *q;

    if (job->has_account)
        return true;
    if (known) {
        job->account = known->account;
        job->has_account = true;
        return true;
    }
    for (q = LIST_FIRST(&x->accounts.inquiries); q; q = LIST_NEXT(q, link)) {
        if (q->op == WIRE_ACCOUNT && strcmp(q->user, user) == 0) {
            job_enlist(job, &q->jobs);
            return false;
        }
    }
    job->account.status =
        inquire(x, job, WIRE_ACCOUNT, &(union wire_value){.text = slice_of(user)});
    job->has_account = job->account.status != WIRE_OK;
    return job->has_account;
}

void accounts_end(struct accounts *accounts)
{
    struct inquiry *q;

    while ((q = LIST_FIRST(&accounts->inquiries))) {
        struct job *job;

        while ((job = TAILQ_FIRST(&q->jobs)))
            job_drop(job);
        LIST_REMOVE(q, link);
        inquiry_free(q);
    }
    for (size_t i = 0; i < ACCOUNTS_MAX; i++)
        forget(&accounts->entries[i]);
}
