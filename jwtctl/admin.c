#include "jwtctl/admin.h"

#include "common/base/cleanup.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"

#include <getopt.h>
#include <poll.h>

int admin_parse(int argc, char **argv, const struct option *options, int most,
                struct admin_options *o)
{
    int c;

    *o = (struct admin_options){.socket = ADMIN_SOCKET};
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 's')
            o->socket = optarg;
        else if (c == 'j')
            o->json = true;
        else if (c == 'u')
            o->user = optarg;
        else if (c == 'a')
            o->all = true;
        else if (c == 'g')
            o->alg = optarg;
        else
            return EXIT_USAGE;
    }
    if (argc - optind > most)
        return complain_usage(argv[0], "unexpected argument '%s'", argv[optind + most]);
    return EXIT_SUCCESS;
}

bool admin_is_root(const char *command)
{
    if (geteuid() == 0)
        return true;
    complain("%s: only root may ask this", command);
    return false;
}

/* 0, or -errno. */
static int converse(int fd, const uint8_t *request, size_t n, struct admin_answer *ret,
                    size_t *ret_n)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t got;

    if (send(fd, request, n, MSG_NOSIGNAL) < 0)
        return -errno;
    switch (poll(&p, 1, ADMIN_SECONDS * 1000)) {
    case -1:
        return -errno;
    case 0:
        return -ETIMEDOUT;
    default:
        break;
    }
    got = wire_receive(fd, ret->bytes);
    if (got <= 0)
        return got < 0 ? (int)got : -ECONNRESET;
    *ret_n = (size_t)got;
    return 0;
}

static enum tok_err out_of_reach(const char *socket, int error, struct errmsg *errmsg)
{
    if (error == ECONNRESET)
        return errmsg_set(errmsg, TOK_FILE,
                          "jwtd-issuer at %s gave no answer: journalctl -u jwtd-issuer",
                          socket);
    return errmsg_set(errmsg, TOK_FILE,
                      "jwtd-issuer does not answer at %s (%s); as root: systemctl enable --now "
                      "jwtd.socket",
                      socket, strerrordesc_np(error));
}

enum tok_err admin_ask(const char *socket, enum wire_op op, const union wire_value *values,
                       struct admin_answer *ret, bool *ret_missing, struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = wire_connect(socket);
    uint8_t request[WIRE_MESSAGE_MAX];
    size_t n = 0;
    int r;

    if (ret_missing)
        *ret_missing = fd == -ENOENT;
    if (fd < 0)
        return out_of_reach(socket, -fd, errmsg);
    if (wire_pack_request(op, values, request, &n) != WIRE_FINE)
        return errmsg_set(errmsg, TOK_FILE, "that is too long to be asked");
    r = converse(fd, request, n, ret, &n);
    if (r < 0)
        return out_of_reach(socket, -r, errmsg);
    if (wire_read_answer((struct slice){(const char *)ret->bytes, n}, wire_find(op),
                         &ret->message) != WIRE_FINE)
        return errmsg_set(errmsg, TOK_FILE,
                          "jwtd-issuer at %s gave an answer that is none: it is of "
                          "another release",
                          socket);
    if (ret->message.status == WIRE_UNAVAILABLE)
        return errmsg_set(
            errmsg, TOK_FILE,
            "jwtd-issuer can't answer now; the cause is in: journalctl -u jwtd-issuer");
    return TOK_OK;
}

bool admin_request(const char *command, const struct admin_options *o, enum wire_op op,
                   const union wire_value *values, struct admin_answer *ret)
{
    struct errmsg errmsg;

    if (!admin_is_root(command))
        return false;
    if (admin_ask(o->socket, op, values, ret, NULL, &errmsg) == TOK_OK)
        return true;
    complain("%s", errmsg.text);
    return false;
}
