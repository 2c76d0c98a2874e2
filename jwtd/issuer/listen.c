#include "jwtd/issuer/listen.h"

#include "jwtd/issuer/fleet_keys.h"
#include "jwtd/issuer/password.h"
#include "jwtd/issuer/state.h"
#include "jwtd/issuer/turn.h"
#include "jwtd/shared/messages.h"

#include <string.h>

#define CONNECTIONS_MAX 1024
#define ADMIN_CONNECTIONS_MAX 64

static void check_account(struct issuer_request *r)
{
    r->has_login_reply =
        login_client_account(&r->loop->issuer.login, r->token.user, &r->login_reply);
    if (r->has_login_reply)
        turn_add(r);
    else
        loop_move(r, REQUEST_CHECKING_ACCOUNT);
}

static void account_checked(struct loop *l, const char *user, const struct login_reply *reply)
{
    struct issuer_request *r, *next;

    for (r = TAILQ_FIRST(&l->in[REQUEST_CHECKING_ACCOUNT]); r; r = next) {
        next = TAILQ_NEXT(r, link);
        if (strcmp(r->token.user, user) != 0)
            continue;
        r->login_reply = *reply;
        r->has_login_reply = true;
        turn_add(r);
    }
}

void listen_login_reply(void *arg, const struct login_inquiry *q,
                        const struct login_reply *reply)
{
    struct issuer_request *r;

    if (q->op == WIRE_CHECK) {
        r = password_checked(arg, q, reply);
        if (r)
            turn_add(r);
    } else {
        account_checked(arg, q->user, reply);
    }
}

static enum wire_status verify_own_token_of(struct issuer_request *r)
{
    return own_token_verify(&r->loop->issuer, request_text(r, 0), r->type->token, &r->token);
}

static enum wire_status verify_token_of(struct issuer_request *r)
{
    struct subject_token *subject = &r->subject;
    enum wire_status status;

    if (r->type->token != OWN_TOKEN_NONE)
        return verify_own_token_of(r);
    if (r->type->names_user)
        request_copy_text(r, 0, r->token.user, sizeof(r->token.user));
    if (!r->type->exchanges)
        return WIRE_OK;
    status = subject_token_verify(&r->loop->issuer, request_text(r, 0), subject);
    if (status == WIRE_OK) /* the user need not be an account */
        memcpy(r->token.user, subject->user, sizeof(subject->user));
    return status;
}

/* The token of this request has been verified. */
static void go_on(struct issuer_request *r, enum wire_status status)
{
    if (status != WIRE_OK)
        request_set_refusal(r, status);
    if (status != WIRE_OK || !r->type->handle) {
        loop_answer(r, status);
    } else if (r->type->checks_password) {
        if (password_check(r))
            turn_add(r);
    } else if (r->type->exchanges || r->type->names_user || r->type->checks_account ||
               r->type->right != TOKEN_UNCHECKED) {
        check_account(r);
    } else {
        turn_add(r);
    }
}

static int on_reading_due(sd_event_source *source, uint64_t usec, void *arg)
{
    struct loop *l = arg;
    struct issuer *x = &l->issuer;
    struct issuer_request *r, *next;
    bool read;

    l->reading = sd_event_source_disable_unref(l->reading);
    x->followed_at = service_monotonic();
    read = state_ready(x) && state_read_keys(x);
    for (r = TAILQ_FIRST(&l->in[REQUEST_WAITING_FOR_KEYS]); r; r = next) {
        next = TAILQ_NEXT(r, link);
        go_on(r, read ? verify_own_token_of(r) : WIRE_UNAVAILABLE);
    }
    return 0;
}

/* A key that another issuer signs with is in the store before. Tokens of any other key cause
 * no more than 100 reads a second, and are answered after the next one: the answer that a token
 * is invalid ends a login, and with 503 anyone could make a load balancer believe that this
 * issuer has failed. */
static void wait_for_keys(struct issuer_request *r)
{
    struct loop *l = r->loop;

    loop_move(r, REQUEST_WAITING_FOR_KEYS);
    if (!l->reading && sd_event_add_time(l->issuer.service.loop, &l->reading, CLOCK_MONOTONIC,
                                         l->issuer.followed_at + SECOND / 100, SECOND / 1000,
                                         on_reading_due, l) < 0)
        go_on(r, WIRE_UNAVAILABLE);
}

/* The message of this request has been read. */
static void dispatch_request(struct issuer_request *r)
{
    struct issuer *x = &r->loop->issuer;
    enum wire_status status;

    r->type = request_type_find(r->message.request->op);
    if (!r->type || !state_ready(x) || (r->type->tries_write && !state_can_write(x))) {
        loop_answer(r, WIRE_UNAVAILABLE);
        return;
    }
    (void)issuer_time(x); /* logs a clock that was set back */
    if (r->type->sliding && !x->service.settings.token.sliding_tokens) {
        loop_answer(r, WIRE_NO_SESSION);
        return;
    }
    status = verify_token_of(r);
    if (r->token.unknown_key && fleet_keys_enabled(x))
        wait_for_keys(r);
    else
        go_on(r, status);
}

static int on_request(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    uint8_t buf[WIRE_MESSAGE_MAX] UNINITIALIZED;
    struct issuer_request *r = arg;
    ssize_t n = wire_receive(fd, buf);
    bool ok = true;

    if (n == -EAGAIN)
        return 0;
    if (r->state == REQUEST_WAITING_TO_CHECK) { /* the client has gone */
        loop_answer(r, WIRE_BUSY);
        return 0;
    }
    (void)sd_event_source_set_enabled(source, SD_EVENT_OFF); /* one request per connection */
    if (n > 0) {
        ok = secret_copy((struct slice){(const char *)buf, (size_t)n}, &r->text) == TOK_OK;
        secret_wipe(buf, (size_t)n);
    }
    if (ok && service_read_request((const uint8_t *)r->text.p, n, r->from->role, WIRE_ISSUER,
                                   &r->message))
        dispatch_request(r);
    else
        loop_close(r);
    return 0;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *arg)
{
    struct issuer_request *r = arg;

    if (r->state == REQUEST_WAITING_TO_CHECK)
        password_wait_is_over(r);
    else
        loop_close(r);
    return 0;
}

static int64_t priority_of(const struct loop_listener *from)
{
    return from->role == WIRE_ADMIN ? SD_EVENT_PRIORITY_IMPORTANT : SD_EVENT_PRIORITY_NORMAL;
}

static void take(struct loop_listener *from, int fd)
{
    sd_event *events = from->loop->issuer.service.loop;
    struct issuer_request *r = loop_add(from, fd);

    if (r && (sd_event_add_io(events, &r->io, fd, EPOLLIN, on_request, r) < 0 ||
              sd_event_source_set_priority(r->io, priority_of(from)) < 0 ||
              sd_event_add_time_relative(events, &r->limit, CLOCK_MONOTONIC, CONNECTION_TIME,
                                         SECOND, on_limit, r) < 0))
        loop_close(r);
}

/* At a limit, of connections or of descriptors, the next ones wait in the socket's queue. */
static void log_limit(struct loop_listener *from, const char *cause)
{
    LOG_LIMITED(&from->loop->refusals, LOG_WARNING, MESSAGE_OVERLOAD,
                "Connection limit reached, new connections wait", "overload", {"cause", cause});
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    struct loop_listener *from = arg;
    int taken = service_accept(fd, from->uid);

    if (taken >= 0)
        take(from, taken);
    else if (taken == -EMFILE || taken == -ENFILE)
        log_limit(from, strerrordesc_np(-taken));
    if (from->connections < from->connections_max)
        return 0;
    log_limit(from, "the limit is reached");
    return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static int start(struct loop_listener *from, int fd)
{
    int r = service_listen(&from->loop->issuer.service, fd, on_connection, from, &from->source);

    return r < 0 ? r : sd_event_source_set_priority(from->source, priority_of(from));
}

int listen_start(struct loop *l, uid_t asker)
{
    int front = service_listener("issuer", SOCK_SEQPACKET);
    int admin = service_listener("admin", SOCK_SEQPACKET), r;

    if (front < 0 || admin < 0)
        return -ENOENT;
    l->front = (struct loop_listener){
        .loop = l, .role = WIRE_FRONT, .uid = asker, .connections_max = CONNECTIONS_MAX};
    l->admin = (struct loop_listener){
        .loop = l, .role = WIRE_ADMIN, .connections_max = ADMIN_CONNECTIONS_MAX};
    r = start(&l->front, front);
    return r < 0 ? r : start(&l->admin, admin);
}
