#include "jwtd/issuer/login_client.h"

#include "common/base/cleanup.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>
#include <string.h>

#define INQUIRY_TIME (32 * SECOND) /* jwtd-login gives up after 30 s */
#define ACCURACY (100 * MILLISECOND)

static void inquiry_free(struct login_inquiry *q)
{
    (void)sd_event_source_disable_unref(q->io);
    (void)sd_event_source_disable_unref(q->limit);
    cleanup_close(&q->fd);
    free(q->shared);
    free(q);
}

static const struct login_reply *cache_find(const struct login_client *c, const char *user)
{
    uint64_t now = service_monotonic();

    for (size_t i = 0; i < LOGIN_CACHE_MAX; i++)
        if (now < c->cache[i].until && strcmp(c->cache[i].user, user) == 0)
            return &c->cache[i].reply;
    return NULL;
}

/* Takes the user's own entry, or the one that expires first. */
static void cache_put(struct login_client *c, const struct login_inquiry *q,
                      const struct login_reply *reply)
{
    struct login_cache_entry *to = &c->cache[0];

    for (size_t i = 0; i < LOGIN_CACHE_MAX && strcmp(to->user, q->user) != 0; i++)
        if (c->cache[i].until < to->until || strcmp(c->cache[i].user, q->user) == 0)
            to = &c->cache[i];
    memcpy(to->user, q->user, sizeof(to->user));
    to->reply = *reply;
    to->until = service_monotonic() + c->service->settings.session.account_cache_time;
}

bool login_client_has(const struct login_client *c, const char *user)
{
    const struct login_reply *reply = cache_find(c, user);

    return reply && reply->status == WIRE_OK;
}

static bool is_verdict(enum wire_status status)
{
    return status != WIRE_BUSY && status != WIRE_UNAVAILABLE;
}

static void finish(struct login_inquiry *q, const struct wire_message *answer)
{
    struct login_client *c = q->client;
    enum wire_status status = answer->status;
    struct login_reply reply = {.status = status, .unread = q->unread};
    struct slice stamp = answer->v[0].text;

    TAILQ_REMOVE(&c->inquiries, q, link);
    if (status == WIRE_OK)
        reply.uid = (int64_t)answer->v[1].number;
    if (status == WIRE_OK && q->op == WIRE_CHECK)
        reply.amr = (unsigned)answer->v[2].number;
    if (status == WIRE_OK && stamp.n > 0 && stamp.n <= sizeof(reply.stamp)) {
        reply.stamp_len = stamp.n;
        memcpy(reply.stamp, stamp.p, stamp.n);
    }
    if (status == WIRE_OK || (q->op == WIRE_ACCOUNT && is_verdict(status)))
        cache_put(c, q, &reply);
    c->on_reply(c->arg, q, &reply);
    inquiry_free(q);
}

static void finish_unanswered(struct login_inquiry *q, const char *cause)
{
    LOG(LOG_ERR, MESSAGE_CHECK, "No answer from jwtd-login", {"cause", cause});
    finish(q, &(struct wire_message){.status = WIRE_UNAVAILABLE});
}

static unsigned count(const struct login_client *c, enum wire_op op, const struct slice *user)
{
    const struct login_inquiry *q;
    unsigned n = 0;

    TAILQ_FOREACH (q, &c->inquiries, link)
        if (q->op == op && q->fd >= 0 && (!user || slice_is(*user, q->user)))
            n++;
    return n;
}

unsigned login_client_checks(const struct login_client *c, const struct slice *user)
{
    return count(c, WIRE_CHECK, user);
}

static void start_waiting(struct login_client *c);

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    uint8_t buf[WIRE_MESSAGE_MAX] UNINITIALIZED;
    struct login_inquiry *q = arg;
    struct login_client *c = q->client;
    struct wire_message answer;
    const char *fault;
    ssize_t n = wire_receive(fd, buf);

    if (n == -EAGAIN)
        return 0;
    fault = wire_take_answer(wire_find(q->op), buf, n, &answer);
    if (fault)
        finish_unanswered(q, fault);
    else
        finish(q, &answer);
    start_waiting(c);
    return 0;
}

/* A connection to jwtd-login: it runs as root or, in tests, as the user we run as. */
static int connect_login(const char *path)
{
    int fd = wire_connect(path);
    uid_t uid = (uid_t)-1;

    if (fd < 0 || wire_peer_is(fd, 0, &uid) || uid == geteuid())
        return fd;
    (void)close(fd);
    return -EPERM;
}

/* Sends the request, whose first value is the user. On a status other than WIRE_OK it could not
 * be sent. */
static enum wire_status start(struct login_inquiry *q, const union wire_value *values)
{
    int r = q->fd = connect_login(q->client->socket);

    if (r >= 0)
        r = wire_send_request(q->fd, q->op, values);
    if (r >= 0)
        r = sd_event_add_io(q->client->service->loop, &q->io, q->fd, EPOLLIN, on_answer, q);
    if (r >= 0)
        return WIRE_OK;
    if (r == -EAGAIN)
        return WIRE_BUSY; /* its backlog is full */
    LOG(LOG_ERR, MESSAGE_CHECK, "Cannot connect to jwtd-login", {"cause", strerrordesc_np(-r)});
    return WIRE_UNAVAILABLE;
}

/* Asks about the accounts that wait, the oldest first, as far as there are slots. */
static void start_waiting(struct login_client *c)
{
    unsigned asked = count(c, WIRE_ACCOUNT, NULL);
    struct login_inquiry *q, *next;

    for (q = TAILQ_FIRST(&c->inquiries); q && asked < WIRE_ACCOUNTS_MAX; q = next) {
        enum wire_status status;

        next = TAILQ_NEXT(q, link);
        if (q->fd >= 0)
            continue;
        status = start(q, &(union wire_value){.text = slice_of(q->user)});
        if (status == WIRE_OK)
            asked++;
        else
            finish(q, &(struct wire_message){.status = status});
    }
}

/* Without a running jwtd-login no request waits longer than the first one did: on_limit follows
 * for each. */
static void end_waiting(struct login_client *c)
{
    struct login_inquiry *q;

    TAILQ_FOREACH (q, &c->inquiries, link) {
        if (q->fd >= 0)
            continue;
        q->unread = true;
        (void)sd_event_source_set_time_relative(q->limit, 0);
        (void)sd_event_source_set_enabled(q->limit, SD_EVENT_ONESHOT);
    }
}

static bool wait_longer(sd_event_source *source)
{
    return sd_event_source_set_time_relative(source, INQUIRY_TIME - WIRE_READ_TIME) >= 0 &&
           sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) >= 0;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *arg)
{
    struct login_inquiry *q = arg;
    struct login_client *c = q->client;

    if (q->unread || (q->fd >= 0 && wire_is_unread(q->fd))) {
        q->unread = true;
        finish_unanswered(q, "request not read");
        end_waiting(c);
        return 0;
    }
    if (q->late || !wait_longer(source))
        finish_unanswered(q, "timeout");
    else
        q->late = true;
    start_waiting(c);
    return 0;
}

/* values: the first is the user. */
static enum wire_status ask(struct login_client *c, enum wire_op op,
                            const union wire_value *values, struct login_inquiry **ret)
{
    bool waits = op == WIRE_ACCOUNT && count(c, WIRE_ACCOUNT, NULL) >= WIRE_ACCOUNTS_MAX;
    struct login_inquiry *q = calloc(1, sizeof(*q));
    enum wire_status status = WIRE_OK;

    if (!q)
        return WIRE_UNAVAILABLE;
    *q = (struct login_inquiry){.client = c, .op = op, .fd = -1};
    (void)snprintf(q->user, sizeof(q->user), "%.*s", (int)values[0].text.n, values[0].text.p);
    if (sd_event_add_time_relative(c->service->loop, &q->limit, CLOCK_MONOTONIC, WIRE_READ_TIME,
                                   ACCURACY, on_limit, q) < 0)
        status = WIRE_UNAVAILABLE;
    else if (!waits)
        status = start(q, values);
    if (status != WIRE_OK) {
        inquiry_free(q);
        return status;
    }
    TAILQ_INSERT_TAIL(&c->inquiries, q, link);
    *ret = q;
    return WIRE_OK;
}

enum wire_status login_client_check(struct login_client *c, const union wire_value *values,
                                    void *waiter, struct login_inquiry **ret)
{
    enum wire_status status = ask(c, WIRE_CHECK, values, ret);

    if (status == WIRE_OK)
        (*ret)->waiter = waiter;
    return status;
}

bool login_client_account(struct login_client *c, const char *user, struct login_reply *ret)
{
    const struct login_reply *known = cache_find(c, user);
    union wire_value value = {.text = slice_of(user)};
    struct login_inquiry *q;

    if (known) {
        *ret = *known;
        return true;
    }
    TAILQ_FOREACH (q, &c->inquiries, link)
        if (q->op == WIRE_ACCOUNT && strcmp(q->user, user) == 0)
            return false;
    *ret = (struct login_reply){.status = ask(c, WIRE_ACCOUNT, &value, &q)};
    return ret->status != WIRE_OK;
}

void login_client_end(struct login_client *c)
{
    struct login_inquiry *q;

    while ((q = TAILQ_FIRST(&c->inquiries))) {
        TAILQ_REMOVE(&c->inquiries, q, link);
        inquiry_free(q);
    }
}
