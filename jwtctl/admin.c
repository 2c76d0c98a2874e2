#include "jwtctl/admin.h"

#include "common/base/cleanup.h"
#include "jwtctl/output.h"

#include <poll.h>

/* To wait for an answer. A daemon that could not be started is started again after 4 s. */
#define STATUS_SECONDS 10
#define ADMIN_SECONDS 40 /* it may revoke all sessions */

/* Waits for the answer: its bytes, or -errno. */
static ssize_t receive_answer(int fd, int seconds, struct admin_answer *ret)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready = poll(&p, 1, seconds * 1000);
    ssize_t got;

    if (ready <= 0)
        return ready < 0 ? -errno : -ETIMEDOUT;
    got = wire_receive(fd, ret->bytes);
    return got == 0 ? -ECONNRESET : got;
}

static enum tok_err admin_unreachable(const char *socket, int error, struct errmsg *errmsg)
{
    if (error == ECONNRESET || error == EPIPE || error == ETIMEDOUT)
        return errmsg_set(errmsg, TOK_FILE,
                          "jwtd-issuer at %s %s; see: journalctl -u jwtd-issuer", socket,
                          error == ETIMEDOUT ? "does not answer" : "closed the connection");
    return errmsg_set(
        errmsg, error == ENOENT ? TOK_MISSING : TOK_FILE,
        "cannot connect to jwtd-issuer at %s (%s); to start it: systemctl enable --now "
        "jwtd.socket",
        socket, strerrordesc_np(error));
}

enum tok_err admin_send(const char *socket, enum wire_op op, const union wire_value *values,
                        struct admin_answer *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = wire_connect(socket);
    ssize_t got = fd < 0 ? fd : wire_send_request(fd, op, values);

    if (got == -EMSGSIZE)
        return errmsg_set(errmsg, TOK_FILE,
                          "the argument is too long for a request to jwtd-issuer");
    if (got == 0)
        got = receive_answer(fd, op == WIRE_ADMIN_STATUS ? STATUS_SECONDS : ADMIN_SECONDS, ret);
    if (got < 0)
        return admin_unreachable(socket, (int)-got, errmsg);
    if (wire_read_answer((struct slice){(const char *)ret->bytes, (size_t)got}, wire_find(op),
                         &ret->message) != WIRE_FINE)
        return errmsg_set(errmsg, TOK_FILE,
                          "jwtd-issuer at %s is of another release than jwtctl " JWT_VERSION
                          "; install the same release",
                          socket);
    if (ret->message.status == WIRE_UNAVAILABLE)
        return errmsg_set(errmsg, TOK_FILE,
                          "jwtd-issuer is unavailable; see: journalctl -u jwtd-issuer");
    return TOK_OK;
}

int admin_call(const char *command, const char *socket, enum wire_op op,
               const union wire_value *values, struct admin_answer *ret)
{
    struct errmsg errmsg;

    if (geteuid() != 0) {
        print_error("this command must be run as root");
        return EXIT_FAILURE;
    }
    return admin_send(socket, op, values, ret, &errmsg) == TOK_OK
               ? EXIT_SUCCESS
               : print_failure(EXIT_FAILURE, &errmsg);
}
