#include "jwtd/shared/wire.h"

#include "common/base/cleanup.h"
#include "common/base/secret.h"

#include <endian.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#define HEAD 4 /* 'J', version, request or status, number of fields */

struct field_list {
    const struct wire_field *p;
    size_t n;
};

/* The fields that an answer of this status carries. */
static struct field_list answer_fields(const struct wire_request *request,
                                       enum wire_status status)
{
    static const struct wire_field throttled[] = {{"seconds", WIRE_NUMBER, sizeof(uint64_t)}};

    if (status == WIRE_THROTTLED)
        return (struct field_list){throttled, 1};
    return (struct field_list){request->answer, status == WIRE_OK ? request->n_answer : 0};
}

static bool has_nul(struct slice s)
{
    return s.n > 0 && memchr(s.p, 0, s.n) != NULL;
}

static enum wire_fault pack_field(const struct wire_field *field, const union wire_value *value,
                                  uint8_t *buf, size_t *n)
{
    bool is_number = field->kind == WIRE_NUMBER;
    uint64_t number = is_number ? htole64(value->number) : 0;
    const void *p = is_number ? (const void *)&number : value->text.p;
    size_t len = is_number ? sizeof(number) : value->text.n;

    if (len > field->max || len + 2 > WIRE_MESSAGE_MAX - *n)
        return WIRE_OVERSIZED;
    if (field->kind == WIRE_TEXT && has_nul(value->text))
        return WIRE_BAD_TEXT;
    buf[(*n)++] = (uint8_t)(len & 0xff);
    buf[(*n)++] = (uint8_t)(len >> 8);
    if (len > 0)
        memcpy(buf + *n, p, len);
    *n += len;
    return WIRE_FINE;
}

static enum wire_fault pack(unsigned what, struct field_list fields,
                            const union wire_value *values, uint8_t *buf, size_t *ret_n)
{
    size_t n = 0;

    buf[n++] = 'J';
    buf[n++] = WIRE_VERSION;
    buf[n++] = (uint8_t)what;
    buf[n++] = (uint8_t)fields.n;
    for (size_t i = 0; i < fields.n; i++) {
        enum wire_fault fault = pack_field(&fields.p[i], &values[i], buf, &n);

        if (fault != WIRE_FINE)
            return fault;
    }
    *ret_n = n;
    return WIRE_FINE;
}

enum wire_fault wire_pack_request(enum wire_op op, const union wire_value *values,
                                  uint8_t buf[WIRE_MESSAGE_MAX], size_t *ret_n)
{
    const struct wire_request *request = wire_find(op);

    if (!request)
        return WIRE_UNKNOWN;
    return pack(op, (struct field_list){request->fields, request->n_fields}, values, buf,
                ret_n);
}

enum wire_fault wire_pack_answer(const struct wire_request *request, enum wire_status status,
                                 const union wire_value *values, uint8_t buf[WIRE_MESSAGE_MAX],
                                 size_t *ret_n)
{
    if ((unsigned)status >= WIRE_STATUS_COUNT)
        return WIRE_UNKNOWN;
    return pack(status, answer_fields(request, status), values, buf, ret_n);
}

/* Reads a field and removes it from the front of *rest. */
static enum wire_fault read_field(struct slice *rest, const struct wire_field *field,
                                  union wire_value *ret)
{
    const uint8_t *p = (const uint8_t *)rest->p;
    struct slice bytes;
    uint64_t number;

    if (rest->n < 2)
        return WIRE_SHORT;
    bytes = (struct slice){rest->p + 2, p[0] | (size_t)p[1] << 8};
    if (bytes.n > field->max)
        return WIRE_OVERSIZED;
    if (bytes.n > rest->n - 2)
        return WIRE_SHORT;
    if (field->kind == WIRE_NUMBER) {
        if (bytes.n != sizeof(number))
            return WIRE_SHORT;
        memcpy(&number, bytes.p, sizeof(number));
        ret->number = le64toh(number);
    } else {
        if (field->kind == WIRE_TEXT && has_nul(bytes))
            return WIRE_BAD_TEXT;
        ret->text = bytes;
    }
    *rest = (struct slice){bytes.p + bytes.n, rest->n - 2 - bytes.n};
    return WIRE_FINE;
}

static enum wire_fault read_head(struct slice message, unsigned *ret_what, size_t *ret_n)
{
    const uint8_t *p = (const uint8_t *)message.p;

    if (message.n > WIRE_MESSAGE_MAX)
        return WIRE_OVERSIZED;
    if (message.n < HEAD)
        return WIRE_SHORT;
    if (p[0] != 'J' || p[1] != WIRE_VERSION)
        return WIRE_UNKNOWN;
    *ret_what = p[2];
    *ret_n = p[3];
    return WIRE_FINE;
}

static enum wire_fault read_fields(struct slice message, const struct wire_field *fields,
                                   struct wire_message *made, struct wire_message *ret)
{
    struct slice rest = {message.p + HEAD, message.n - HEAD};

    for (size_t i = 0; i < made->n; i++) {
        enum wire_fault fault = read_field(&rest, &fields[i], &made->v[i]);

        if (fault != WIRE_FINE)
            return fault;
    }
    if (rest.n > 0)
        return WIRE_OVERSIZED;
    *ret = *made;
    return WIRE_FINE;
}

enum wire_fault wire_read_request(struct slice message, enum wire_role asker,
                                  enum wire_role answerer, struct wire_message *ret)
{
    struct wire_message made = {0};
    enum wire_fault fault;
    unsigned what;

    fault = read_head(message, &what, &made.n);
    if (fault != WIRE_FINE)
        return fault;
    made.request = wire_find(what);
    if (!made.request)
        return WIRE_UNKNOWN;
    if (made.request->asker != asker || made.request->answerer != answerer)
        return WIRE_NOT_YOURS;
    if (made.n != made.request->n_fields)
        return WIRE_UNKNOWN;
    return read_fields(message, made.request->fields, &made, ret);
}

enum wire_fault wire_read_answer(struct slice message, const struct wire_request *request,
                                 struct wire_message *ret)
{
    struct wire_message made = {.request = request};
    struct field_list fields;
    enum wire_fault fault;
    unsigned what;

    fault = read_head(message, &what, &made.n);
    if (fault != WIRE_FINE)
        return fault;
    if (what >= WIRE_STATUS_COUNT)
        return WIRE_UNKNOWN;
    made.status = (enum wire_status)what;
    fields = answer_fields(request, made.status);
    if (made.n != fields.n)
        return WIRE_UNKNOWN;
    return read_fields(message, fields.p, &made, ret);
}

ssize_t wire_receive(int fd, uint8_t buf[WIRE_MESSAGE_MAX])
{
    /* Without room for control messages the kernel closes descriptors that come with them. */
    ssize_t n = recv(fd, buf, WIRE_MESSAGE_MAX, MSG_DONTWAIT | MSG_TRUNC);

    if (n < 0)
        return -errno;
    if (n <= WIRE_MESSAGE_MAX)
        return n;
    secret_wipe(buf, WIRE_MESSAGE_MAX);
    return -EMSGSIZE;
}

int wire_connect(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    int fd;

    if (n >= sizeof(sa.sun_path))
        return -ENAMETOOLONG;
    memcpy(sa.sun_path, path, n);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0) {
        int error = errno;

        (void)close(fd);
        return -error;
    }
    return fd;
}

int wire_send_request(int fd, enum wire_op op, const union wire_value *values)
{
    uint8_t buf[WIRE_MESSAGE_MAX] UNINITIALIZED;
    size_t n;
    int r = 0;

    if (wire_pack_request(op, values, buf, &n) != WIRE_FINE)
        r = -EMSGSIZE;
    else if (send(fd, buf, n, MSG_NOSIGNAL) < 0)
        r = -errno;
    secret_wipe(buf, sizeof(buf));
    return r;
}

const char *wire_take_answer(const struct wire_request *request, const uint8_t *buf, ssize_t n,
                             struct wire_message *ret)
{
    enum wire_fault fault;

    if (n <= 0)
        return n == 0 ? "connection closed" : strerrordesc_np((int)-n);
    fault = wire_read_answer((struct slice){(const char *)buf, (size_t)n}, request, ret);
    return fault == WIRE_FINE ? NULL : wire_fault_word(fault);
}

bool wire_is_unread(int fd)
{
    int bytes = 0;

    return ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

bool wire_peer_is(int fd, uid_t uid, uid_t *ret_uid)
{
    struct ucred peer;
    socklen_t n = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 || n != sizeof(peer))
        return false;
    if (ret_uid)
        *ret_uid = peer.uid;
    return peer.uid == uid;
}
