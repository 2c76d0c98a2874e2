#include "common/token/revoked.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/resource.h>

#define BLOCK_LINES 480 /* as in revoked_list.c */

/* ---- helpers ---- */

/* Appends the line of session number n. */
static void add_line(int fd, size_t n, int64_t exp)
{
    char sid[REVOKED_SID_LEN + 1], line[REVOKED_LINE_LEN];

    snprintf(sid, sizeof(sid), "%022zu", n);
    revoked_line(sid, exp, line);
    ck_assert_int_eq(write(fd, line, sizeof(line)), (ssize_t)sizeof(line));
}

static int new_file(void)
{
    int fd = memfd_create("revoked", MFD_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static struct revoked list_of(int fd)
{
    return (struct revoked){.fd = fd, .size = lseek(fd, 0, SEEK_END)};
}

/* n sessions, step apart. */
static struct revoked list_from(size_t first, size_t step, size_t n, int64_t exp)
{
    int fd = new_file();

    for (size_t i = 0; i < n; i++)
        add_line(fd, first + i * step, exp);
    return list_of(fd);
}

static struct revoked_digest digest_of(const struct revoked *list, int64_t pruned_until)
{
    struct revoked_digest d;

    ck_assert_ok(revoked_digest(list, pruned_until, &d));
    return d;
}

static const struct revoked none_at_all = {.fd = -1};

static enum tok_err merge(const struct revoked *a, const struct revoked *b,
                          int64_t pruned_until, int fd)
{
    const struct revoked lists[2] = {*a, *b};
    struct revoked_digest d = {.count = 99}, only;
    enum tok_err err = revoked_merge(lists, pruned_until, fd, &d);

    if (!err) {
        struct revoked written = list_of(fd);
        struct revoked_digest of_file = digest_of(&written, INT64_MIN);

        ck_assert(revoked_digest_equal(&d, &of_file));
        ck_assert_ok(revoked_merge(lists, pruned_until, -1, &only));
        ck_assert(revoked_digest_equal(&d, &only));
    }
    return err;
}

static void check_same(const struct revoked *a, const struct revoked *b)
{
    struct revoked_digest da = digest_of(a, 0), db = digest_of(b, 0);

    ck_assert(revoked_digest_equal(&da, &db));
}

/* ---- promises ---- */

START_TEST(the_digest_is_that_of_the_bytes_of_the_lines)
{
    size_t numbers[] = {0, 1, BLOCK_LINES, BLOCK_LINES + 1, 5000};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct revoked list = list_from(0, 3, numbers[i], 1700000000);
        struct revoked_digest d = digest_of(&list, 0);
        char *text = calloc(1, (size_t)list.size + 1);
        uint8_t want[REVOKED_SHA256_LEN];

        ck_assert_int_eq(pread(list.fd, text, (size_t)list.size, 0), list.size);
        ck_assert_int_eq(
            EVP_Q_digest(NULL, "SHA256", NULL, text, (size_t)list.size, want, NULL), 1);
        ck_assert_uint_eq(d.count, numbers[i]);
        ck_assert_mem_eq(d.sha256, want, sizeof(want));
        free(text);
        revoked_close(&list);
    }
}
END_TEST

START_TEST(lines_that_expired_by_then_do_not_count)
{
    int fd = new_file();
    struct revoked all, left = list_from(2, 1, 1, 1001);
    struct revoked_digest a, b;

    add_line(fd, 0, 999);
    add_line(fd, 1, 1000);
    add_line(fd, 2, 1001);
    all = list_of(fd);
    a = digest_of(&all, 1000);
    b = digest_of(&left, 0);
    ck_assert_uint_eq(a.count, 1);
    ck_assert(revoked_digest_equal(&a, &b));
    a = digest_of(&all, 999);
    ck_assert_uint_eq(a.count, 2);
    ck_assert(!revoked_digest_equal(&a, &b));
}
END_TEST

START_TEST(a_malformed_or_unordered_line_has_no_digest)
{
    struct revoked_digest d = {.count = 7};

    for (size_t at = 0; at < 1000; at += 333) {
        struct revoked list = list_from(0, 1, 1000, 1700000000);
        char line[REVOKED_LINE_LEN];

        ck_assert_int_eq(pwrite(list.fd, "x", 1, (off_t)(at * REVOKED_LINE_LEN + 23)), 1);
        ck_assert_err(revoked_digest(&list, 0, &d), TOK_LIST);
        revoked_close(&list);
        list = list_from(0, 1, 1000, 1700000000);
        /* the same session twice */
        ck_assert_int_eq(pread(list.fd, line, sizeof(line), (off_t)(at * REVOKED_LINE_LEN)),
                         (ssize_t)sizeof(line));
        ck_assert_int_eq(pwrite(list.fd, line, sizeof(line),
                                (off_t)((at + 1 == 1000 ? 998 : at + 1) * REVOKED_LINE_LEN)),
                         (ssize_t)sizeof(line));
        ck_assert_err(revoked_digest(&list, 0, &d), TOK_LIST);
        revoked_close(&list);
    }
    ck_assert_uint_eq(d.count, 7);
}
END_TEST

START_TEST(a_file_that_was_cut_meanwhile_has_no_digest)
{
    struct revoked list = list_from(0, 1, 1000, 1700000000);
    struct revoked_digest d;

    ck_assert_int_eq(ftruncate(list.fd, list.size - 1), 0);
    ck_assert_err(revoked_digest(&list, 0, &d), TOK_LIST);
}
END_TEST

START_TEST(a_union_has_the_lines_of_both_in_order)
{
    struct revoked even = list_from(0, 2, 1500, 1700000000);
    struct revoked odd = list_from(1, 2, 1500, 1700000000);
    struct revoked all = list_from(0, 1, 3000, 1700000000);
    struct revoked none = list_from(0, 1, 0, 0);
    struct revoked merged;
    int fd = new_file();

    ck_assert_ok(merge(&even, &odd, 0, fd));
    merged = list_of(fd);
    check_same(&merged, &all);
    fd = new_file();
    ck_assert_ok(merge(&all, &odd, 0, fd));
    merged = list_of(fd);
    check_same(&merged, &all);
    fd = new_file();
    ck_assert_ok(merge(&none, &all, 0, fd));
    merged = list_of(fd);
    check_same(&merged, &all);
    fd = new_file();
    ck_assert_ok(merge(&all, &none_at_all, 0, fd));
    merged = list_of(fd);
    check_same(&merged, &all);
}
END_TEST

START_TEST(a_list_in_memory_is_as_one_in_a_file)
{
    struct revoked file = list_from(0, 2, 1500, 1700000000), memory = {.fd = -1};
    char *text = calloc(1, (size_t)file.size);

    ck_assert_int_eq(pread(file.fd, text, (size_t)file.size, 0), file.size);
    memory.lines = text;
    memory.size = file.size;
    check_same(&memory, &file);
    text[REVOKED_SID_LEN + 1] = 'x';
    ck_assert_err(merge(&memory, &file, 0, new_file()), TOK_LIST);
    free(text);
}
END_TEST

START_TEST(a_union_keeps_the_later_end_and_drops_what_expired)
{
    struct revoked early = list_from(0, 1, 3, 1000), late = list_from(1, 1, 1, 2000);
    struct revoked gone = list_from(7, 1, 1, 500), merged;
    struct revoked_digest d;
    int fd = new_file();

    ck_assert_ok(merge(&early, &late, 999, fd));
    merged = list_of(fd);
    ck_assert_uint_eq(digest_of(&merged, 0).count, 3);
    ck_assert_uint_eq(digest_of(&merged, 1000).count, 1);
    fd = new_file();
    ck_assert_ok(merge(&late, &early, 1000, fd));
    merged = list_of(fd);
    d = digest_of(&late, 0);
    ck_assert(revoked_digest_equal(&d, &(struct revoked_digest){0}) == false);
    check_same(&merged, &late);
    fd = new_file();
    ck_assert_ok(merge(&late, &gone, 500, fd));
    merged = list_of(fd);
    check_same(&merged, &late);
}
END_TEST

START_TEST(a_union_reports_bad_lines_and_a_full_disk)
{
    struct revoked good = list_from(0, 1, 10, 1700000000);
    struct revoked bad = list_from(0, 1, 1000, 1700000000);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    ck_assert_int_eq(pwrite(bad.fd, "x", 1, 999 * REVOKED_LINE_LEN + 23), 1);
    ck_assert_err(merge(&good, &bad, 0, new_file()), TOK_LIST);
    ck_assert_err(merge(&bad, &good, 0, new_file()), TOK_LIST);
    ck_assert_int_ge(full, 0);
    errno = 0;
    ck_assert_err(merge(&good, &none_at_all, 0, full), TOK_FILE);
    ck_assert_int_eq(errno, ENOSPC);
}
END_TEST

UNIT_MAIN("revoked_list", the_digest_is_that_of_the_bytes_of_the_lines,
          lines_that_expired_by_then_do_not_count, a_malformed_or_unordered_line_has_no_digest,
          a_file_that_was_cut_meanwhile_has_no_digest, a_list_in_memory_is_as_one_in_a_file,
          a_union_has_the_lines_of_both_in_order, a_list_in_memory_is_as_one_in_a_file,
          a_union_keeps_the_later_end_and_drops_what_expired,
          a_union_reports_bad_lines_and_a_full_disk)
