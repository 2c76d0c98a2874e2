#include "jwtd/http/ask.h"

#include "common/base/cleanup.h"
#include "common/base/secret.h"

static int send_packet(const char *path, const uint8_t *buf, size_t n)
{
    int fd = wire_connect(path);

    if (fd >= 0 && send(fd, buf, n, MSG_NOSIGNAL) < 0) {
        int error = errno;

        (void)close(fd);
        return -error;
    }
    return fd;
}

int ask_send(const char *path, enum wire_op op, const union wire_value *values,
             const char **ret_errmsg)
{
    uint8_t buf[WIRE_MESSAGE_MAX];
    int fd = -1;
    size_t n;

    if (wire_pack_request(op, values, buf, &n) != WIRE_FINE) {
        *ret_errmsg = "a field of the request is too long";
    } else {
        fd = send_packet(path, buf, n);
        if (fd < 0)
            *ret_errmsg = strerror(-fd);
    }
    secret_wipe(buf, sizeof(buf));
    return fd < 0 ? -1 : fd;
}

const char *ask_read(const struct wire_request *request, const uint8_t *buf, ssize_t n,
                     struct wire_message *ret)
{
    enum wire_fault fault;

    if (n == 0)
        return "it closed the connection";
    if (n < 0)
        return strerror((int)-n);
    fault = wire_read_answer((struct slice){(const char *)buf, (size_t)n}, request, ret);
    return fault == WIRE_FINE ? NULL : wire_fault_word(fault);
}
