#include "jwtd/http/listener.h"

#include "jwtd/http/driver.h"
#include "jwtd/http/limit.h"
#include "jwtd/shared/messages.h"

static void admit(struct server *s, int fd)
{
    struct peer peer;
    bool over;

    (void)server_ready(s);
    if (!server_peer(s, fd, &peer)) {
        (void)close(fd);
        return;
    }
    over = !limit_make_room(s, &peer);
    if (over && s->n_refusals >= SERVER_REFUSALS) {
        limit_refuse(fd);
        (void)close(fd);
    } else {
        driver_open(s, fd, &peer, over);
    }
}

/* Accepts one connection per iteration of the loop, which takes turns with the events of all
 * others: a request that has arrived is read before many new connections are accepted. */
static int on_connection(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (peer >= 0)
        admit(arg, peer);
    return 0;
}

bool listener_start(struct server *s)
{
    static const char *const names[SERVER_LISTENERS] = {"http", "tcp"};

    for (size_t i = 0; i < SERVER_LISTENERS; i++) {
        int r = service_listener(names[i], SOCK_STREAM);

        if (r == -ENOENT)
            continue;
        if (r >= 0)
            r = service_listen(&s->service, r, on_connection, s, &s->listeners[i]);
        if (r < 0) {
            LOG(LOG_ERR, MESSAGE_STARTED, "Cannot use a socket passed by systemd",
                {"socket", names[i]}, {"cause", strerrordesc_np(-r)});
            return false;
        }
    }
    if (s->service.n_listeners > 0)
        return true;
    LOG(LOG_ERR, MESSAGE_STARTED,
        "No socket passed by systemd; to start jwtd: systemctl enable --now jwtd.socket");
    return false;
}
