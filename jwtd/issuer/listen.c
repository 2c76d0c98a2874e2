#include "jwtd/issuer/listen.h"

#include "jwtd/issuer/dispatch.h"
#include "jwtd/issuer/password.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>

#define CONNECTIONS_MAX 1024

static void refuse(struct issuer_request *r, enum wire_fault fault)
{
    LOG(LOG_WARNING, MESSAGE_WIRE, "Malformed request, connection closed",
        {"fault", wire_fault_word(fault)});
    loop_close(r);
}

static enum wire_fault read_as(struct issuer_request *r, enum wire_role asker)
{
    return wire_read_request(secret_slice(&r->text), asker, WIRE_ISSUER, &r->message);
}

static enum wire_fault read_message(struct issuer_request *r)
{
    enum wire_fault fault = read_as(r, r->uid == r->loop->asker ? WIRE_FRONT : WIRE_ADMIN);

    /* In tests root is jwtd's user too, and may make both kinds of request. */
    if (fault == WIRE_NOT_YOURS && r->uid == 0)
        fault = read_as(r, WIRE_ADMIN);
    return fault;
}

static int on_request(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    uint8_t buf[WIRE_MESSAGE_MAX] UNINITIALIZED;
    struct issuer_request *r = arg;
    ssize_t n = wire_receive(fd, buf);
    enum wire_fault fault;
    enum tok_err err;

    (void)events;
    if (n == -EAGAIN)
        return 0;
    if (r->state == REQUEST_WAITING_TO_CHECK) { /* the client has gone */
        loop_answer(r, WIRE_BUSY);
        return 0;
    }
    if (n == -EMSGSIZE) {
        refuse(r, WIRE_OVERSIZED);
        return 0;
    }
    if (n <= 0) {
        loop_close(r);
        return 0;
    }
    (void)sd_event_source_set_enabled(source, SD_EVENT_OFF); /* one request per connection */
    err = secret_copy((struct slice){(const char *)buf, (size_t)n}, &r->text);
    secret_wipe(buf, (size_t)n);
    if (err != TOK_OK) {
        loop_close(r);
        return 0;
    }
    fault = read_message(r);
    if (fault == WIRE_FINE)
        dispatch_request(r);
    else
        refuse(r, fault);
    return 0;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *arg)
{
    struct issuer_request *r = arg;

    (void)source;
    (void)usec;
    if (r->state == REQUEST_WAITING_TO_CHECK)
        password_wait_is_over(r);
    else
        loop_close(r);
    return 0;
}

/* jwtd, and root's jwtctl. */
static bool peer_is_allowed(const struct loop *l, int fd, uid_t *ret_uid)
{
    uid_t uid = (uid_t)-1;
    char text[16];

    if (wire_peer_is(fd, l->asker, &uid) || uid == 0) {
        *ret_uid = uid;
        return true;
    }
    (void)snprintf(text, sizeof(text), "%lu", (unsigned long)uid);
    LOG(LOG_WARNING, MESSAGE_WIRE, "Connection from unauthorized uid closed", {"uid", text});
    return false;
}

static void take(struct loop *l, int fd)
{
    sd_event *events = l->issuer.service.loop;
    uid_t uid = (uid_t)-1;
    struct issuer_request *r;

    if (!peer_is_allowed(l, fd, &uid)) {
        (void)close(fd);
        return;
    }
    r = loop_add(l, fd, uid);
    if (r && (sd_event_add_io(events, &r->io, fd, EPOLLIN, on_request, r) < 0 ||
              sd_event_add_time_relative(events, &r->limit, CLOCK_MONOTONIC, CONNECTION_TIME,
                                         SECOND, on_limit, r) < 0))
        loop_close(r);
}

/* At a limit, of connections or of descriptors, the next ones wait in the socket's queue. */
static void stop_accepting(struct loop *l, const char *cause)
{
    LOG(LOG_WARNING, MESSAGE_OVERLOAD, "Connection limit reached, new connections wait",
        {"cause", cause});
    l->paused = sd_event_source_set_enabled(l->listener, SD_EVENT_OFF) >= 0;
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    struct loop *l = arg;
    int taken = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)source;
    (void)events;
    if (taken >= 0)
        take(l, taken);
    else if ((errno == EMFILE || errno == ENFILE) && l->connections > 0)
        stop_accepting(l, strerrordesc_np(errno));
    if (l->connections >= CONNECTIONS_MAX)
        stop_accepting(l, "the limit is reached");
    return 0;
}

int listen_start(struct loop *l, int fd)
{
    return sd_event_add_io(l->issuer.service.loop, &l->listener, fd, EPOLLIN, on_connection, l);
}

void listen_end(struct loop *l)
{
    l->listener = sd_event_source_disable_unref(l->listener);
}
