/* The linker gives us the module's calls of pread (meson.build). */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/base64url.h"
#include "common/token/revoked.h"

#define ZEROS "0000000000000000000000"

/* ---- helpers ---- */

static size_t reads;

ssize_t __real_pread64(int fd, void *room, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *room, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *room, size_t n, off_t at)
{
    __atomic_add_fetch(&reads, 1, __ATOMIC_RELAXED);
    return __real_pread64(fd, room, n, at);
}

ssize_t __wrap___pread64_chk(int fd, void *room, size_t n, off_t at, size_t size);
ssize_t __wrap___pread64_chk(int fd, void *room, size_t n, off_t at, size_t size)
{
    if (n > size)
        abort();
    return __wrap_pread64(fd, room, n, at);
}

/* The list of n sessions, numbers 0, 2, 4, ... written with a width of 22: sorted as text. */
static char *lines_of(size_t n)
{
    char *text = malloc(n * REVOKED_LINE_LEN + 1);
    char sid[REVOKED_SID_LEN + 1];

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < n; i++) {
        snprintf(sid, sizeof(sid), "%022zu", 2 * i);
        revoked_line(sid, 1700000000, text + i * REVOKED_LINE_LEN);
    }
    return text;
}

static struct revoked list_of(struct slice text)
{
    int fd = memfd_create("revoked", MFD_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text.p, text.n), (ssize_t)text.n);
    return (struct revoked){.fd = fd, .size = (off_t)text.n};
}

static enum tok_err check_number(const struct revoked *list, size_t number)
{
    char sid[REVOKED_SID_LEN + 1];

    snprintf(sid, sizeof(sid), "%022zu", number);
    return revoked_check(list, (struct slice){sid, REVOKED_SID_LEN});
}

/* ---- promises ---- */

START_TEST(a_line_has_one_width)
{
    static const struct {
        int64_t exp;
        const char *digits;
    } rows[] = {
        {1700000000, "1700000000"}, {0, "0000000000"},           {1, "0000000001"},
        {9999999999, "9999999999"}, {10000000000, "9999999999"}, {INT64_MAX, "9999999999"},
        {-1, "0000000000"},         {INT64_MIN, "0000000000"},
    };
    char line[REVOKED_LINE_LEN + 1] = {0}, want[REVOKED_LINE_LEN + 2];

    ck_assert_int_eq(REVOKED_LINE_LEN, 34);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        revoked_line("AZOqz0n3cAGcVbq0dqVq7_", rows[i].exp, line);
        snprintf(want, sizeof(want), "AZOqz0n3cAGcVbq0dqVq7_ %s\n", rows[i].digits);
        ck_assert_str_eq(line, want);
    }
}
END_TEST

START_TEST(exactly_the_listed_sessions_are_revoked)
{
    /* Around the sizes at which one read becomes two. */
    static const size_t sizes[] = {0, 1, 2, 3, 119, 120, 121, 122, 240, 241, 1000, 4097};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t n = sizes[i];
        char *text = lines_of(n);
        struct revoked list = list_of((struct slice){text, n * REVOKED_LINE_LEN});

        for (size_t number = 0; number < 2 * n + 3; number++)
            ck_assert_err(check_number(&list, number),
                          number % 2 == 0 && number < 2 * n ? TOK_REVOKED : TOK_OK);
        revoked_close(&list);
        free(text);
    }
}
END_TEST

START_TEST(order_is_that_of_bytes)
{
    static const char text[] = "-AAAAAAAAAAAAAAAAAAAAA 1700000000\n"
                               "0AAAAAAAAAAAAAAAAAAAAA 1700000000\n"
                               "AAAAAAAAAAAAAAAAAAAAAA 1700000000\n"
                               "_AAAAAAAAAAAAAAAAAAAAA 1700000000\n"
                               "aAAAAAAAAAAAAAAAAAAAAA 1700000000\n";
    struct revoked list = list_of(SLICE(text));

    for (size_t i = 0; i < 5; i++)
        ck_assert_err(revoked_check(&list, (struct slice){text + i * 34, 22}), TOK_REVOKED);
    ck_assert_err(revoked_check(&list, SLICE("AAAAAAAAAAAAAAAAAAAAAB")), TOK_OK);
    revoked_close(&list);
}
END_TEST

START_TEST(a_sid_of_another_length_is_not_on_it)
{
    struct revoked list = list_of(SLICE(ZEROS " 1700000000\n"));

    ck_assert_err(revoked_check(&list, SLICE(ZEROS)), TOK_REVOKED);
    ck_assert_err(revoked_check(&list, SLICE(ZEROS "0")), TOK_OK);
    ck_assert_err(revoked_check(&list, SLICE(ZEROS " 1700000000\n")), TOK_OK);
    ck_assert_err(revoked_check(&list, (struct slice){ZEROS, 21}), TOK_OK);
    ck_assert_err(revoked_check(&list, (struct slice){NULL, 0}), TOK_OK);
    revoked_close(&list);
}
END_TEST

START_TEST(a_malformed_line_is_an_error)
{
    static const struct {
        size_t at;
        char byte;
    } rows[] = {
        {0, ' '},  {21, '='}, {5, '+'},  {5, '\0'}, {22, '\t'}, {22, '0'},
        {23, ' '}, {32, 'x'}, {28, '-'}, {33, ' '}, {33, '\r'}, {33, '\0'},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = lines_of(3);
        struct revoked list;

        text[REVOKED_LINE_LEN + rows[i].at] = rows[i].byte;
        list = list_of((struct slice){text, (size_t)3 * REVOKED_LINE_LEN});
        ck_assert_err(check_number(&list, 5), TOK_LIST);
        revoked_close(&list);
        free(text);
    }
}
END_TEST

START_TEST(lines_out_of_order_are_an_error)
{
    static const char text[] = "0000000000000000000000 1700000000\n"
                               "0000000000000000000004 1700000000\n"
                               "0000000000000000000002 1700000000\n";
    struct revoked list = list_of(SLICE(text));

    ck_assert_err(check_number(&list, 3), TOK_LIST);
    revoked_close(&list);
}
END_TEST

START_TEST(a_list_that_can_not_be_read_is_an_error)
{
    char *text = lines_of(500);
    struct revoked list = list_of((struct slice){text, (size_t)500 * REVOKED_LINE_LEN});
    struct revoked closed = {.fd = -1, .size = REVOKED_LINE_LEN};

    /* Cut behind our back. */
    ck_assert_int_eq(ftruncate(list.fd, 400 * REVOKED_LINE_LEN + 3), 0);
    ck_assert_err(check_number(&list, 900), TOK_LIST);
    ck_assert_int_eq(ftruncate(list.fd, 0), 0);
    ck_assert_err(check_number(&list, 1), TOK_LIST);
    ck_assert_err(check_number(&closed, 1), TOK_LIST);
    revoked_close(&list);
    ck_assert_int_eq(list.fd, -1);
    revoked_close(&list);
    free(text);
}
END_TEST

/* ---- long lists ---- */

START_TEST(a_lookup_takes_few_reads)
{
    static const struct {
        size_t lines, reads;
    } rows[] = {{0, 0},   {1, 1},    {120, 1},   {121, 2},     {240, 2},
                {241, 3}, {1000, 5}, {10000, 8}, {122880, 11}, {122881, 12}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = rows[i].lines, step = n / 500 + 1;
        char *text = lines_of(n);
        struct revoked list = list_of((struct slice){text, n * REVOKED_LINE_LEN});

        for (size_t number = 0; number < 2 * n + 3; number += step) {
            reads = 0;
            ck_assert_err(check_number(&list, number),
                          number % 2 == 0 && number < 2 * n ? TOK_REVOKED : TOK_OK);
            ck_assert_uint_le(reads, rows[i].reads);
        }
        revoked_close(&list);
        free(text);
    }
}
END_TEST

START_TEST(a_malformed_line_of_a_long_list_accepts_no_session)
{
    char *text = lines_of(6000);
    struct revoked list = list_of((struct slice){text, (size_t)6000 * REVOKED_LINE_LEN});

    for (size_t i = 0; i < 6000; i += 7) {
        const off_t at = (off_t)(i * REVOKED_LINE_LEN + REVOKED_SID_LEN + 1 + i % 10);

        ck_assert_int_eq(pwrite(list.fd, "x", 1, at), 1);
        ck_assert_err(check_number(&list, 2 * i), TOK_LIST);
        ck_assert_int_eq(pwrite(list.fd, text + at, 1, at), 1);
        ck_assert_err(check_number(&list, 2 * i), TOK_REVOKED);
    }
    revoked_close(&list);
    free(text);
}
END_TEST

/* The line in the middle is read first, then one at a quarter or three quarters. */
START_TEST(lines_of_a_long_list_out_of_order_are_an_error)
{
    char *text = lines_of(9200);
    struct revoked list = list_of((struct slice){text, (size_t)9200 * REVOKED_LINE_LEN});
    const off_t quarter = (off_t)2300 * REVOKED_LINE_LEN, rest = (off_t)6900 * REVOKED_LINE_LEN;
    const char *last = text + (size_t)9199 * REVOKED_LINE_LEN;

    ck_assert_err(check_number(&list, 0), TOK_REVOKED);
    ck_assert_int_eq(pwrite(list.fd, last, REVOKED_SID_LEN, quarter), REVOKED_SID_LEN);
    ck_assert_int_eq(pwrite(list.fd, text, REVOKED_SID_LEN, rest), REVOKED_SID_LEN);
    ck_assert_err(check_number(&list, 4), TOK_LIST);
    ck_assert_err(check_number(&list, 18390), TOK_LIST);
    revoked_close(&list);
    free(text);
}
END_TEST

static void *check_all(void *arg)
{
    size_t wrong = 0;

    for (size_t i = 0; i < 10000; i++)
        wrong += check_number(arg, 2 * (i * 7919 % 10000)) != TOK_REVOKED;
    return wrong ? arg : NULL;
}

START_TEST(threads_may_share_an_open_list)
{
    char *text = lines_of(10000);
    struct revoked list = list_of((struct slice){text, (size_t)10000 * REVOKED_LINE_LEN});
    pthread_t threads[4];
    void *wrong;

    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, check_all, &list), 0);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
    revoked_close(&list);
    free(text);
}
END_TEST

/* ---- opening ---- */

struct place {
    char dir[32], path[64];
};

static struct place make_place(void)
{
    struct place place = {.dir = "/tmp/test_revoked.XXXXXX"};

    ck_assert_ptr_nonnull(mkdtemp(place.dir));
    snprintf(place.path, sizeof(place.path), "%s/revoked", place.dir);
    return place;
}

static void put(const struct place *place, struct slice text, mode_t mode)
{
    int fd = open(place->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text.p, text.n), (ssize_t)text.n);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

static void drop_place(const struct place *place)
{
    (void)unlink(place->path);
    ck_assert_int_eq(rmdir(place->dir), 0);
}

START_TEST(a_whole_list_is_opened)
{
    struct place place = make_place();
    struct revoked list = {.fd = -1};
    struct errmsg errmsg = {{0}};

    put(&place, SLICE(ZEROS " 1700000000\n"), 0644);
    ck_assert_ok(revoked_open(place.path, FILE_OWN, &list, &errmsg));
    ck_assert_err(revoked_check(&list, SLICE(ZEROS)), TOK_REVOKED);
    revoked_close(&list);
    put(&place, SLICE(""), 0644);
    ck_assert_ok(revoked_open(place.path, FILE_OWN, &list, &errmsg));
    ck_assert_err(revoked_check(&list, SLICE(ZEROS)), TOK_OK);
    revoked_close(&list);
    drop_place(&place);
}
END_TEST

START_TEST(an_open_list_stays_as_it_was)
{
    struct place place = make_place();
    struct revoked list = {.fd = -1};

    put(&place, SLICE(ZEROS " 1700000000\n"), 0644);
    ck_assert_ok(revoked_open(place.path, FILE_OWN, &list, NULL));
    ck_assert_int_eq(unlink(place.path), 0);
    put(&place, SLICE(""), 0644);
    ck_assert_err(revoked_check(&list, SLICE(ZEROS)), TOK_REVOKED);
    revoked_close(&list);
    drop_place(&place);
}
END_TEST

START_TEST(a_missing_or_cut_or_untrusted_list_is_an_error)
{
    struct place place = make_place();
    struct revoked list = {.fd = -1};
    struct errmsg errmsg = {{0}};

    ck_assert_err(revoked_open(place.path, FILE_OWN, &list, &errmsg), TOK_LIST);
    ck_assert_ptr_nonnull(strstr(errmsg.text, place.path));
    put(&place, SLICE(ZEROS " 1700000000"), 0644);
    ck_assert_err(revoked_open(place.path, FILE_OWN, &list, &errmsg), TOK_LIST);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "33 bytes"));
    put(&place, SLICE(ZEROS " 1700000000\n"), 0666);
    ck_assert_err(revoked_open(place.path, FILE_OWN, &list, &errmsg), TOK_LIST);
    ck_assert_int_eq(list.fd, -1);
    drop_place(&place);
}
END_TEST

UNIT_MAIN("revoked", a_line_has_one_width, exactly_the_listed_sessions_are_revoked,
          order_is_that_of_bytes, a_sid_of_another_length_is_not_on_it,
          a_malformed_line_is_an_error, lines_out_of_order_are_an_error,
          a_list_that_can_not_be_read_is_an_error, a_lookup_takes_few_reads,
          a_malformed_line_of_a_long_list_accepts_no_session,
          lines_of_a_long_list_out_of_order_are_an_error, threads_may_share_an_open_list,
          a_whole_list_is_opened, an_open_list_stays_as_it_was,
          a_missing_or_cut_or_untrusted_list_is_an_error)
