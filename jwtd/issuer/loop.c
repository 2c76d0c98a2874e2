#include "jwtd/issuer/loop.h"

#include "jwtd/shared/messages.h"

#include <string.h>

#define LINES_PER_USER 300 /* a minute */

void loop_init(struct loop *l)
{
    for (size_t i = 0; i < REQUEST_STATE_COUNT; i++)
        TAILQ_INIT(&l->in[i]);
    check_queue_init(&l->waiting);
}

static void insert(struct issuer_request *r, enum issuer_request_state state)
{
    r->state = state;
    if (r->from->role == WIRE_ADMIN)
        TAILQ_INSERT_HEAD(&r->loop->in[state], r, link);
    else
        TAILQ_INSERT_TAIL(&r->loop->in[state], r, link);
    if (state == REQUEST_QUEUED)
        r->loop->queued++;
}

static void withdraw(struct issuer_request *r)
{
    TAILQ_REMOVE(&r->loop->in[r->state], r, link);
    if (r->state == REQUEST_QUEUED)
        r->loop->queued--;
    if (r->state == REQUEST_WAITING_TO_CHECK)
        check_queue_remove(&r->loop->waiting, &r->place);
}

struct issuer_request *loop_add(struct loop_listener *from, int fd)
{
    struct issuer_request *r = calloc(1, sizeof(*r));

    if (!r) {
        (void)close(fd);
        return NULL;
    }
    *r = (struct issuer_request){.loop = from->loop, .from = from, .fd = fd};
    insert(r, REQUEST_READING);
    from->connections++;
    service_hold(&from->loop->issuer.service);
    return r;
}

void loop_move(struct issuer_request *r, enum issuer_request_state to)
{
    if (r->state == to)
        return;
    withdraw(r);
    insert(r, to);
}

/* True when this user has had its lines of this minute. */
static bool is_frequent(struct loop *l, const char *user)
{
    uint64_t now = service_monotonic();
    struct rate_row *row = rate_table_add(&l->frequent_users, slice_of(user), now);

    if (!row)
        return false;
    if (row->count == 0)
        row->until = now + MINUTE;
    return ++row->count > LINES_PER_USER;
}

/* NULL: the event is written. */
static struct log_limit *limit_of(struct issuer_request *r)
{
    struct loop *l = r->loop;
    const char *id = r->event.id ? r->event.id : "";

    if (strcmp(id, MESSAGE_LOGIN_DENIED) == 0)
        return &l->failed_logins;
    if (strcmp(id, MESSAGE_REFRESH_DENIED) == 0 || strcmp(id, MESSAGE_EXCHANGE_DENIED) == 0)
        return &l->refusals;
    if (strcmp(id, MESSAGE_REFRESHED) != 0 && strcmp(id, MESSAGE_NARROWED) != 0)
        return NULL;
    return is_frequent(l, r->event.user) ? &l->frequent : NULL;
}

void loop_answer(struct issuer_request *r, enum wire_status status)
{
    uint8_t buf[WIRE_MESSAGE_MAX] UNINITIALIZED;
    union wire_value seconds = {.number = r->retry_after};
    struct slice answer = secret_slice(&r->answer);
    size_t n = 0;

    request_log_event(r, limit_of(r));
    if ((status != WIRE_OK || answer.n == 0) &&
        wire_pack_answer(r->message.request, status, &seconds, buf, &n) == WIRE_FINE)
        answer = (struct slice){(const char *)buf, n};
    /* A client that has gone misses the answer; it can ask again within RotationGrace. */
    (void)!send(r->fd, answer.p, answer.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    loop_close(r);
}

void loop_close(struct issuer_request *r)
{
    struct loop *l = r->loop;

    withdraw(r);
    if (r->from->connections-- == r->from->connections_max && r->from->source)
        (void)sd_event_source_set_enabled(r->from->source, SD_EVENT_ON);
    if (r->inquiry)
        r->inquiry->waiter = NULL;
    (void)sd_event_source_disable_unref(r->io);
    (void)sd_event_source_disable_unref(r->limit);
    cleanup_close(&r->fd);
    own_token_clear(&r->token);
    secret_clear(&r->text);
    secret_clear(&r->answer);
    free(r);
    service_release(&l->issuer.service);
}

void loop_end(struct loop *l)
{
    struct issuer_request *r, *next;

    for (size_t i = 0; i < REQUEST_STATE_COUNT; i++) {
        for (r = TAILQ_FIRST(&l->in[i]); r; r = next) {
            next = TAILQ_NEXT(r, link);
            loop_close(r);
        }
    }
    l->turn = sd_event_source_disable_unref(l->turn);
    l->reading = sd_event_source_disable_unref(l->reading);
}
