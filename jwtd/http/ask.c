#include "jwtd/http/ask.h"

#include "common/base/cleanup.h"
#include "common/base/secret.h"

#include <string.h>

#define ACCURACY UINT64_C(100000)

struct ask {
    int fd;
    sd_event_source *io, *timer;
    const struct wire_request *request;
    ask_done done;
    void *arg;
    uint8_t buf[WIRE_MESSAGE_MAX];
    size_t used; /* bytes of buf that were written to */
};

void ask_free(struct ask *ask)
{
    if (!ask)
        return;
    (void)sd_event_source_disable_unref(ask->io);
    (void)sd_event_source_disable_unref(ask->timer);
    cleanup_close(&ask->fd);
    secret_wipe(ask->buf, ask->used);
    free(ask);
}

DEFINE_CLEANUP(struct ask *, cleanup_ask, ask_free)

static void finish(struct ask *ask, const struct wire_message *answer, const char *errmsg)
{
    CLEANUP(cleanup_ask) struct ask *owned = ask;

    owned->done(owned->arg, answer, errmsg);
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    struct ask *ask = arg;
    struct wire_message answer = {0};
    enum wire_fault fault;
    ssize_t n = wire_receive(fd, ask->buf);

    (void)source;
    (void)events;
    if (n == -EAGAIN)
        return 0;
    if (n <= 0) {
        finish(ask, NULL, n == 0 ? "it ended the connection" : strerror((int)-n));
        return 0;
    }
    if ((size_t)n > ask->used)
        ask->used = (size_t)n;
    fault = wire_read_answer((struct slice){(const char *)ask->buf, (size_t)n}, ask->request,
                             &answer);
    if (fault == WIRE_FINE)
        finish(ask, &answer, NULL);
    else
        finish(ask, NULL, wire_fault_word(fault));
    return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *arg)
{
    (void)source;
    (void)usec;
    finish(arg, NULL, "it did not answer in time");
    return 0;
}

static const char *send_request(struct ask *ask, const char *path, enum wire_op op,
                                const union wire_value *values)
{
    size_t n;

    if (wire_pack_request(op, values, ask->buf, &n) != WIRE_FINE)
        return "the request is larger than it may be";
    ask->used = n;
    ask->fd = wire_connect(path);
    if (ask->fd < 0)
        return strerror(-ask->fd);
    if (send(ask->fd, ask->buf, n, MSG_NOSIGNAL) < 0)
        return strerror(errno);
    secret_wipe(ask->buf, n);
    return NULL;
}

static int watch(struct ask *ask, sd_event *loop)
{
    int r = sd_event_add_io(loop, &ask->io, ask->fd, EPOLLIN, on_answer, ask);

    if (r < 0)
        return r;
    return sd_event_add_time_relative(loop, &ask->timer, CLOCK_MONOTONIC, ASK_TIMEOUT, ACCURACY,
                                      on_timeout, ask);
}

struct ask *ask_start(sd_event *loop, const char *path, enum wire_op op,
                      const union wire_value *values, ask_done done, void *arg,
                      const char **ret_why)
{
    CLEANUP(cleanup_ask) struct ask *ask = malloc(sizeof(*ask));
    struct ask *started;
    const char *errmsg;

    *ret_why = strerror(ENOMEM);
    if (!ask)
        return NULL;
    ask->fd = -1;
    ask->io = ask->timer = NULL;
    ask->used = 0;
    ask->request = wire_find(op);
    ask->done = done;
    ask->arg = arg;
    errmsg = send_request(ask, path, op, values);
    if (errmsg) {
        *ret_why = errmsg;
        return NULL;
    }
    if (watch(ask, loop) < 0)
        return NULL;
    *ret_why = NULL;
    started = ask;
    ask = NULL;
    return started;
}
