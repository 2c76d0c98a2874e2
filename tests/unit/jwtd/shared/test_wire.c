#include "tests/unit/unit.h"

#include "jwtd/shared/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

static uint8_t buf[WIRE_MESSAGE_MAX + 64];

static struct slice packed(size_t n)
{
    return (struct slice){(const char *)buf, n};
}

static union wire_value text(const char *s)
{
    return (union wire_value){.text = {s, strlen(s)}};
}

/* A complete, valid request to start from. */
static size_t pack_check(void)
{
    const union wire_value v[] = {text("alice"), text("secret"), text("uid 1000"), text("")};
    size_t n = 0;

    ck_assert_int_eq(wire_pack_request(WIRE_CHECK, v, buf, &n), WIRE_FINE);
    return n;
}

static enum wire_fault read_check(size_t n)
{
    struct wire_message m;

    return wire_read_request(packed(n), WIRE_ISSUER, WIRE_LOGIN, &m);
}

/* Every row that there is, by its number. */
static const struct wire_request *row(unsigned op)
{
    return op < 256 ? wire_find(op) : NULL;
}

/* ---- requests ---- */

START_TEST(a_request_arrives_as_it_was_sent)
{
    struct wire_message m;
    size_t n = pack_check();

    ck_assert_int_eq(wire_read_request(packed(n), WIRE_ISSUER, WIRE_LOGIN, &m), WIRE_FINE);
    ck_assert_int_eq(m.request->op, WIRE_CHECK);
    ck_assert_uint_eq(m.n, 4);
    ck_assert(slice_is(m.v[0].text, "alice"));
    ck_assert(slice_is(m.v[1].text, "secret"));
    ck_assert(slice_is(m.v[2].text, "uid 1000"));
}
END_TEST

START_TEST(a_message_has_these_bytes)
{
    static const char want[] = "J\1\21\1\5\0alice";
    const union wire_value v[] = {text("alice")};
    size_t n;

    ck_assert_int_eq(wire_pack_request(WIRE_ACCOUNT, v, buf, &n), WIRE_FINE);
    ck_assert_uint_eq(n, sizeof(want) - 1);
    ck_assert_mem_eq(buf, want, n);
}
END_TEST

START_TEST(only_its_client_may_make_a_request_and_only_to_its_server)
{
    static const enum wire_role roles[] = {WIRE_FRONT, WIRE_ISSUER, WIRE_LOGIN, WIRE_ADMIN};
    union wire_value v[WIRE_FIELDS_MAX] = {0};
    unsigned rows = 0;

    for (unsigned op = 0; op < 256; op++) {
        const struct wire_request *q = row(op);
        struct wire_message m;
        size_t n;

        if (!q)
            continue;
        rows++;
        ck_assert_int_eq(wire_pack_request(q->op, v, buf, &n), WIRE_FINE);
        for (size_t a = 0; a < N(roles); a++)
            for (size_t b = 0; b < N(roles); b++)
                ck_assert_int_eq(wire_read_request(packed(n), roles[a], roles[b], &m),
                                 roles[a] == q->asker && roles[b] == q->answerer
                                     ? WIRE_FINE
                                     : WIRE_NOT_YOURS);
    }
    ck_assert_uint_eq(rows, 26);
}
END_TEST

START_TEST(jwtd_cannot_check_a_password_or_an_account)
{
    ck_assert_int_eq(wire_find(WIRE_CHECK)->asker, WIRE_ISSUER);
    ck_assert_int_eq(wire_find(WIRE_ACCOUNT)->asker, WIRE_ISSUER);
    for (unsigned op = 0; op < 256; op++)
        if (row(op) && row(op)->answerer == WIRE_LOGIN)
            ck_assert_int_ne(row(op)->asker, WIRE_FRONT);
}
END_TEST

START_TEST(root_may_make_admin_requests_to_the_issuer_and_no_others)
{
    for (unsigned op = 0; op < 256; op++) {
        const struct wire_request *q = row(op);

        if (!q)
            continue;
        ck_assert_int_eq(q->asker == WIRE_ADMIN, op >= WIRE_ADMIN_STATUS);
        ck_assert_int_ne(q->answerer, WIRE_ADMIN);
        if (q->asker == WIRE_ADMIN)
            ck_assert_int_eq(q->answerer, WIRE_ISSUER);
    }
}
END_TEST

START_TEST(every_cut_of_a_message_is_short)
{
    size_t n = pack_check();

    for (size_t cut = 0; cut < n; cut++)
        ck_assert_int_eq(read_check(cut), WIRE_SHORT);
    ck_assert_int_eq(read_check(n), WIRE_FINE);
}
END_TEST

START_TEST(a_byte_left_over_is_refused)
{
    size_t n = pack_check();

    buf[n] = 0;
    ck_assert_int_eq(read_check(n + 1), WIRE_OVERSIZED);
}
END_TEST

START_TEST(another_version_request_or_count_is_unknown)
{
    static const struct {
        size_t at;
        uint8_t byte;
    } changes[] = {{0, 'K'}, {1, 0}, {1, 2}, {2, 0}, {2, 31}, {2, 18},
                   {2, 255}, {3, 0}, {3, 3}, {3, 5}, {3, 255}};

    for (size_t i = 0; i < N(changes); i++) {
        size_t n = pack_check();

        buf[changes[i].at] = changes[i].byte;
        ck_assert_msg(read_check(n) == WIRE_UNKNOWN, "byte %zu = %u", changes[i].at,
                      changes[i].byte);
    }
}
END_TEST

START_TEST(a_nul_in_a_text_is_refused_by_both_sides)
{
    const union wire_value v[] = {{.text = SLICE("ali\0ce")}};
    size_t n = pack_check();

    ((uint8_t *)memchr(buf, 'c', n))[0] = 0;
    ck_assert_int_eq(read_check(n), WIRE_BAD_TEXT);
    ck_assert_int_eq(wire_pack_request(WIRE_ACCOUNT, v, buf, &n), WIRE_BAD_TEXT);
}
END_TEST

/* A message of this row whose field f is one byte over its size, written by hand. */
static size_t one_over(const struct wire_request *q, size_t f)
{
    size_t n = 4;

    memcpy(buf, (const uint8_t[]){'J', WIRE_VERSION, (uint8_t)q->op, (uint8_t)q->n_fields}, 4);
    for (size_t i = 0; i < q->n_fields; i++) {
        size_t number = q->fields[i].kind == WIRE_NUMBER ? q->fields[i].max : 0;
        size_t len = i == f ? q->fields[i].max + 1 : number;

        buf[n++] = (uint8_t)(len & 0xff);
        buf[n++] = (uint8_t)(len >> 8);
        memset(buf + n, 'a', len);
        n += len;
    }
    return n;
}

START_TEST(a_field_is_taken_at_its_size_and_refused_one_byte_over)
{
    static char long_text[WIRE_TOKEN_MAX + 2];

    memset(long_text, 'a', sizeof(long_text) - 1);
    for (unsigned op = 0; op < 256; op++) {
        const struct wire_request *q = row(op);

        for (size_t f = 0; q && f < q->n_fields; f++) {
            union wire_value v[WIRE_FIELDS_MAX] = {0};
            struct wire_message m;
            size_t n;

            if (q->fields[f].kind == WIRE_NUMBER)
                continue;
            v[f].text = (struct slice){long_text, q->fields[f].max};
            ck_assert_int_eq(wire_pack_request(q->op, v, buf, &n), WIRE_FINE);
            ck_assert_int_eq(wire_read_request(packed(n), q->asker, q->answerer, &m),
                             WIRE_FINE);
            ck_assert_uint_eq(m.v[f].text.n, q->fields[f].max);
            v[f].text.n++;
            ck_assert_int_eq(wire_pack_request(q->op, v, buf, &n), WIRE_OVERSIZED);
            n = one_over(q, f);
            ck_assert_int_eq(wire_read_request(packed(n), q->asker, q->answerer, &m),
                             WIRE_OVERSIZED);
        }
    }
}
END_TEST

START_TEST(every_row_at_its_largest_fits_a_message)
{
    for (unsigned op = 0; op < 256; op++) {
        const struct wire_request *q = row(op);
        size_t asked = 4, answered = 4;

        if (!q)
            continue;
        for (size_t i = 0; i < q->n_fields; i++)
            asked += 2 + q->fields[i].max;
        for (size_t i = 0; i < q->n_answer; i++)
            answered += 2 + q->answer[i].max;
        ck_assert_uint_le(asked, WIRE_MESSAGE_MAX);
        ck_assert_uint_le(answered, WIRE_MESSAGE_MAX);
    }
}
END_TEST

START_TEST(a_message_over_the_largest_is_refused)
{
    memset(buf, 'J', sizeof(buf));
    ck_assert_int_eq(read_check(WIRE_MESSAGE_MAX + 1), WIRE_OVERSIZED);
}
END_TEST

/* ---- answers ---- */

START_TEST(an_answer_arrives_as_it_was_given)
{
    const struct wire_request *q = wire_find(WIRE_WHOAMI);
    const union wire_value v[] = {
        text("alice"), text("sid"),     {.number = UINT64_C(0x0123456789abcdef)},
        text("iss"),   text("[\"a\"]"), text("")};
    struct wire_message m;
    size_t n;

    ck_assert_int_eq(wire_pack_answer(q, WIRE_OK, v, buf, &n), WIRE_FINE);
    ck_assert_int_eq(wire_read_answer(packed(n), q, &m), WIRE_FINE);
    ck_assert_int_eq(m.status, WIRE_OK);
    ck_assert_uint_eq(m.n, 6);
    ck_assert(m.v[2].number == UINT64_C(0x0123456789abcdef));
    ck_assert(slice_is(m.v[4].text, "[\"a\"]"));
    ck_assert_uint_eq(m.v[5].text.n, 0);
}
END_TEST

START_TEST(a_stamp_may_hold_any_bytes)
{
    const struct wire_request *q = wire_find(WIRE_CHECK);
    const union wire_value v[] = {
        {.text = SLICE("\0\1\2\3\0\xff")}, {.number = 1000}, {.number = 3}};
    struct wire_message m;
    size_t n;

    ck_assert_int_eq(wire_pack_answer(q, WIRE_OK, v, buf, &n), WIRE_FINE);
    ck_assert_int_eq(wire_read_answer(packed(n), q, &m), WIRE_FINE);
    ck_assert(m.v[1].number == 1000);
    ck_assert(m.v[2].number == 3);
    ck_assert_uint_eq(m.v[0].text.n, 6);
    ck_assert_mem_eq(m.v[0].text.p, "\0\1\2\3\0\xff", 6);
}
END_TEST

START_TEST(an_answer_that_is_not_ok_carries_nothing_but_the_seconds_of_throttled)
{
    const struct wire_request *q = wire_find(WIRE_OBTAIN);
    const union wire_value v[] = {{.number = 60}, {.number = 0}};

    for (unsigned s = WIRE_DENIED; s < WIRE_STATUS_COUNT; s++) {
        struct wire_message m;
        size_t n;

        ck_assert_int_eq(wire_pack_answer(q, (enum wire_status)s, v, buf, &n), WIRE_FINE);
        ck_assert_uint_eq(n, s == WIRE_THROTTLED ? 14 : 4);
        ck_assert_int_eq(wire_read_answer(packed(n), q, &m), WIRE_FINE);
        ck_assert_uint_eq(m.status, s);
        if (s == WIRE_THROTTLED)
            ck_assert_uint_eq(m.v[0].number, 60);
    }
}
END_TEST

START_TEST(an_ok_without_its_fields_is_refused)
{
    struct wire_message m;

    memcpy(buf, "J\1\0\0", 4);
    ck_assert_int_eq(wire_read_answer(packed(4), wire_find(WIRE_OBTAIN), &m), WIRE_UNKNOWN);
    ck_assert_int_eq(wire_read_answer(packed(4), wire_find(WIRE_CHECK), &m), WIRE_UNKNOWN);
    ck_assert_int_eq(wire_read_answer(packed(4), wire_find(WIRE_VERIFY), &m), WIRE_FINE);
}
END_TEST

START_TEST(an_unknown_status_is_refused_by_both_sides)
{
    const struct wire_request *q = wire_find(WIRE_VERIFY);
    struct wire_message m;
    size_t n;

    memcpy(buf, "J\1\0\0", 4);
    buf[2] = WIRE_STATUS_COUNT;
    ck_assert_int_eq(wire_read_answer(packed(4), q, &m), WIRE_UNKNOWN);
    ck_assert_int_eq(wire_pack_answer(q, WIRE_STATUS_COUNT, NULL, buf, &n), WIRE_UNKNOWN);
}
END_TEST

START_TEST(a_number_is_eight_bytes_and_nothing_else)
{
    const struct wire_request *q = wire_find(WIRE_OBTAIN);
    struct wire_message m;

    for (size_t len = 0; len < 12; len++) {
        memset(buf, 0, 32);
        memcpy(buf, (const uint8_t[]){'J', 1, WIRE_THROTTLED, 1, (uint8_t)len, 0}, 6);
        ck_assert_int_eq(wire_read_answer(packed(6 + len), q, &m), len < 8    ? WIRE_SHORT
                                                                   : len == 8 ? WIRE_FINE
                                                                              : WIRE_OVERSIZED);
    }
}
END_TEST

START_TEST(nothing_is_written_on_a_fault)
{
    struct wire_message m;
    size_t n = pack_check();

    memset(&m, 0x5a, sizeof(m));
    ck_assert_int_eq(wire_read_request(packed(n - 1), WIRE_ISSUER, WIRE_LOGIN, &m), WIRE_SHORT);
    for (size_t i = 0; i < sizeof(m); i++)
        ck_assert_uint_eq(((const uint8_t *)&m)[i], 0x5a);
}
END_TEST

START_TEST(every_fault_and_status_has_a_distinct_word)
{
    for (unsigned a = 0; a < WIRE_STATUS_COUNT; a++) {
        ck_assert_ptr_nonnull(wire_status_word((enum wire_status)a));
        for (unsigned b = 0; b < a; b++)
            ck_assert_str_ne(wire_status_word((enum wire_status)a),
                             wire_status_word((enum wire_status)b));
    }
    for (unsigned a = 0; a <= WIRE_BAD_TEXT; a++)
        for (unsigned b = 0; b < a; b++)
            ck_assert_str_ne(wire_fault_word((enum wire_fault)a),
                             wire_fault_word((enum wire_fault)b));
}
END_TEST

/* ---- the socket ---- */

static void make_pair(int ret[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret), 0);
}

static int open_descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

START_TEST(one_packet_is_received_and_then_the_end)
{
    int s[2];

    make_pair(s);
    ck_assert_int_eq(wire_receive(s[0], buf), -EAGAIN);
    ck_assert_int_eq(send(s[1], "abc", 3, 0), 3);
    close(s[1]);
    ck_assert_int_eq(wire_receive(s[0], buf), 3);
    ck_assert_mem_eq(buf, "abc", 3);
    ck_assert_int_eq(wire_receive(s[0], buf), 0);
    close(s[0]);
}
END_TEST

START_TEST(an_oversized_packet_is_reported_and_wiped)
{
    static uint8_t big[WIRE_MESSAGE_MAX + 1];
    static const uint8_t zeros[WIRE_MESSAGE_MAX];
    int s[2];

    make_pair(s);
    memset(big, 'p', sizeof(big));
    ck_assert_int_eq(send(s[1], big, sizeof(big) - 1, 0), sizeof(big) - 1);
    ck_assert_int_eq(send(s[1], big, sizeof(big), 0), sizeof(big));
    ck_assert_int_eq(wire_receive(s[0], buf), WIRE_MESSAGE_MAX);
    ck_assert_int_eq(wire_receive(s[0], buf), -EMSGSIZE);
    ck_assert_mem_eq(buf, zeros, sizeof(zeros));
    close(s[0]);
    close(s[1]);
}
END_TEST

START_TEST(descriptors_sent_along_are_closed)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(200 * sizeof(int))];
    } control = {.space = {0}};
    char abc[] = "abc";
    struct iovec iov = {abc, 3};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.space,
                       .msg_controllen = sizeof(control.space)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    int s[2], before;

    make_pair(s);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(200 * sizeof(int)),
                          .cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS};
    for (size_t i = 0; i < 200; i++)
        memcpy(CMSG_DATA(c) + i * sizeof(int), &s[0], sizeof(int));
    before = open_descriptors();
    ck_assert_int_eq(sendmsg(s[1], &m, 0), 3);
    ck_assert_int_eq(wire_receive(s[0], buf), 3);
    ck_assert_int_eq(open_descriptors(), before);
    close(s[0]);
    close(s[1]);
}
END_TEST

START_TEST(a_connection_is_nonblocking_and_not_inherited)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    char dir[] = "/tmp/test_wire.XXXXXX";
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), fd;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/s", dir);
    ck_assert_int_eq(wire_connect(sa.sun_path), -ENOENT);
    ck_assert_int_eq(bind(listener, (const struct sockaddr *)&sa, sizeof(sa)), 0);
    ck_assert_int_eq(wire_connect(sa.sun_path), -ECONNREFUSED);
    ck_assert_int_eq(listen(listener, 1), 0);
    fd = wire_connect(sa.sun_path);
    ck_assert_int_ge(fd, 0);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    unlink(sa.sun_path);
    rmdir(dir);
    close(fd);
    close(listener);
}
END_TEST

START_TEST(a_path_too_long_for_a_socket_is_not_cut)
{
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];

    memset(path, 'a', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    ck_assert_int_eq(wire_connect(path), -ENAMETOOLONG);
}
END_TEST

START_TEST(the_peer_is_who_the_kernel_says)
{
    uid_t uid = (uid_t)-1;
    int s[2];

    make_pair(s);
    ck_assert(wire_peer_is(s[0], geteuid(), &uid));
    ck_assert_uint_eq(uid, geteuid());
    ck_assert(wire_peer_is(s[0], geteuid(), NULL));
    ck_assert(!wire_peer_is(s[0], geteuid() + 1, &uid));
    ck_assert(!wire_peer_is(-1, geteuid(), &uid));
    close(s[0]);
    close(s[1]);
}
END_TEST

UNIT_MAIN("wire", a_request_arrives_as_it_was_sent, a_message_has_these_bytes,
          only_its_client_may_make_a_request_and_only_to_its_server,
          jwtd_cannot_check_a_password_or_an_account,
          root_may_make_admin_requests_to_the_issuer_and_no_others,
          every_cut_of_a_message_is_short, a_byte_left_over_is_refused,
          another_version_request_or_count_is_unknown, a_nul_in_a_text_is_refused_by_both_sides,
          a_field_is_taken_at_its_size_and_refused_one_byte_over,
          every_row_at_its_largest_fits_a_message, a_message_over_the_largest_is_refused,
          an_answer_arrives_as_it_was_given, a_stamp_may_hold_any_bytes,
          an_answer_that_is_not_ok_carries_nothing_but_the_seconds_of_throttled,
          an_ok_without_its_fields_is_refused, an_unknown_status_is_refused_by_both_sides,
          a_number_is_eight_bytes_and_nothing_else, nothing_is_written_on_a_fault,
          every_fault_and_status_has_a_distinct_word, one_packet_is_received_and_then_the_end,
          an_oversized_packet_is_reported_and_wiped, descriptors_sent_along_are_closed,
          a_connection_is_nonblocking_and_not_inherited,
          a_path_too_long_for_a_socket_is_not_cut, the_peer_is_who_the_kernel_says)
