/* How long lists are searched: the same as by a walk over all lines, in a bounded number of
 * reads. The linker gives us their calls of pread (meson.build). */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/base64url.h"
#include "common/base/cleanup.h"
#include "common/token/issue.h"
#include "common/token/revoked.h"

#define MILLION ((size_t)1000000)
#define NOW_MS UINT64_C(1793000000000)
#define HOUR_MS UINT64_C(3600000)

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

/* ---- lists ---- */

struct made {
    size_t n;
    char *lines;
    char path[64];
    int fd;              /* that writes */
    struct revoked list; /* stays open, and remembers */
};

static const char *line_of(const struct made *m, size_t i)
{
    return m->lines + i * REVOKED_LINE_LEN;
}

static int by_sid(const void *a, const void *b)
{
    return memcmp(a, b, REVOKED_SID_LEN);
}

static void write_and_open(struct made *m)
{
    size_t size = m->n * REVOKED_LINE_LEN;

    (void)snprintf(m->path, sizeof(m->path), "/tmp/test_revoked_search.XXXXXX");
    m->fd = mkstemp(m->path);
    ck_assert_int_ge(m->fd, 0);
    ck_assert_int_eq(write(m->fd, m->lines, size), (ssize_t)size);
    ck_assert_ok(revoked_open(m->path, FILE_OWN, &m->list, NULL));
}

static void unmake(struct made *m)
{
    revoked_close(&m->list);
    cleanup_close(&m->fd);
    (void)unlink(m->path);
    free(m->lines);
}

/* Writes the sid of the i-th of so many lines. */
struct at {
    size_t i, n;
    uint64_t random;
};
typedef void shape(struct at *at, char sid[REVOKED_SID_LEN]);

static struct made make(size_t n, shape *next)
{
    struct made m = {.n = n, .lines = malloc(n * REVOKED_LINE_LEN + 1)};
    struct at at = {.n = n, .random = 88172645463325252U};
    char sid[REVOKED_SID_LEN] = "";

    ck_assert_ptr_nonnull(m.lines);
    for (; at.i < n; at.i++) {
        next(&at, sid);
        revoked_line(sid, 1793000600, m.lines + at.i * REVOKED_LINE_LEN);
    }
    qsort(m.lines, n, REVOKED_LINE_LEN, by_sid);
    write_and_open(&m);
    return m;
}

/* ---- shapes ---- */

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(2685821657736338717);
}

static void sid_at(uint64_t ms, uint64_t *random, char sid[REVOKED_SID_LEN])
{
    uint64_t rest[2] = {next_random(random), next_random(random)};
    uint8_t id[ISSUE_ID_BYTES];

    issue_id(ms, (const uint8_t *)rest, id);
    base64url_encode((struct slice){(const char *)id, sizeof(id)}, sid);
}

/* In the first letters, from which guesses are made. */
static void number(size_t n, char sid[REVOKED_SID_LEN])
{
    memset(sid, '0', REVOKED_SID_LEN);
    for (size_t i = 10; i > 0; i--, n /= 10)
        sid[i - 1] = (char)('0' + n % 10);
}

static void even_numbers(struct at *at, char sid[REVOKED_SID_LEN])
{
    number(2 * at->i, sid);
}

static void all_of_a_week(struct at *at, char sid[REVOKED_SID_LEN])
{
    sid_at(NOW_MS - next_random(&at->random) % (168 * HOUR_MS), &at->random, sid);
}

static void all_of_an_hour(struct at *at, char sid[REVOKED_SID_LEN])
{
    sid_at(NOW_MS - next_random(&at->random) % HOUR_MS, &at->random, sid);
}

static void all_of_a_moment(struct at *at, char sid[REVOKED_SID_LEN])
{
    sid_at(NOW_MS, &at->random, sid);
}

static void on_all_scales(struct at *at, char sid[REVOKED_SID_LEN])
{
    sid_at(NOW_MS - next_random(&at->random) % (UINT64_C(1) << at->i % 48), &at->random, sid);
}

static void a_second_and_one_long_ago(struct at *at, char sid[REVOKED_SID_LEN])
{
    sid_at(at->i ? NOW_MS + next_random(&at->random) % 1000 : 1, &at->random, sid);
}

static void a_second_and_one_far_ahead(struct at *at, char sid[REVOKED_SID_LEN])
{
    sid_at(at->i ? NOW_MS + next_random(&at->random) % 1000 : (UINT64_C(1) << 48) - 1,
           &at->random, sid);
}

/* Ids of this kind are nobody's. */
static void two_beginnings(struct at *at, char sid[REVOKED_SID_LEN])
{
    char text[REVOKED_SID_LEN + 1];

    (void)snprintf(text, sizeof(text), "%022zu", at->i);
    memcpy(sid, text, REVOKED_SID_LEN);
    if (at->i >= at->n / 2)
        memset(sid, 'z', 10);
}

static const struct {
    const char *name;
    shape *shape;
} shapes[] = {
    {"a week", all_of_a_week},
    {"an hour", all_of_an_hour},
    {"a moment", all_of_a_moment},
    {"all scales", on_all_scales},
    {"one long ago", a_second_and_one_long_ago},
    {"one far ahead", a_second_and_one_far_ahead},
    {"even numbers", even_numbers},
    {"two beginnings", two_beginnings},
};
#define N_SHAPES ((int)(sizeof(shapes) / sizeof(shapes[0])))

/* ---- asking ---- */

static enum tok_err ask(const struct revoked *list, const char *sid)
{
    return revoked_check(list, (struct slice){sid, REVOKED_SID_LEN});
}

/* As for the first time: nothing is remembered. */
static enum tok_err ask_first(const struct made *m, const char *sid)
{
    const struct revoked list = {.fd = m->list.fd, .size = m->list.size};

    return ask(&list, sid);
}

static enum tok_err walk(const struct made *m, const char *sid)
{
    return bsearch(sid, m->lines, m->n, REVOKED_LINE_LEN, by_sid) ? TOK_REVOKED : TOK_OK;
}

/* What halving down to a block takes, and the block. */
static size_t reads_of_halving(size_t n)
{
    size_t k = 1;

    for (size_t lines = 120; lines < n; lines *= 2)
        k++;
    return k;
}

/* The line's sid, and two next to it that are, most likely, on no line. */
static void ask_at(const struct made *m, size_t i, const char *what)
{
    const struct revoked first = {.fd = m->list.fd, .size = m->list.size};
    char sid[REVOKED_SID_LEN];

    memcpy(sid, line_of(m, i), sizeof(sid));
    for (int k = 0; k < 9; k++) {
        enum tok_err got;

        reads = 0;
        got = ask(k % 3 ? &m->list : &first, sid);
        ck_assert_msg(got == walk(m, sid), "%s: %.22s, line %zu of %zu", what, sid, i, m->n);
        ck_assert_msg(reads <= reads_of_halving(m->n) + 3, "%s, line %zu of %zu: %zu reads",
                      what, i, m->n, reads);
        if (k % 3 == 2)
            sid[REVOKED_SID_LEN - 1] = k == 2 ? '-' : 'z';
    }
}

/* ---- promises ---- */

START_TEST(every_size_is_searched_right)
{
    /* After 300: around those from which on more is done than halving. */
    static const size_t sizes[] = {480, 481, 700, 1022, 1023, 1024, 1025, 4096, 4097};
    size_t n = _i <= 300 ? (size_t)_i : sizes[_i - 301];
    struct made m = make(n, even_numbers);
    char sid[REVOKED_SID_LEN];

    for (size_t i = 0; i < 2 * n + 3; i++) {
        enum tok_err want = i % 2 == 0 && i < 2 * n ? TOK_REVOKED : TOK_OK;

        number(i, sid);
        ck_assert_err(ask_first(&m, sid), want);
        ck_assert_err(ask(&m.list, sid), want);
    }
    unmake(&m);
}
END_TEST
#define N_SIZES 310

/* Whoever ends sessions can choose when, and pays three reads more than halving at most. */
START_TEST(every_shape_is_searched_right_in_few_reads)
{
    static const size_t sizes[] = {500, 6000, 20000, 100000};

    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        struct made m = make(sizes[k], shapes[_i].shape);

        for (size_t i = 0; i < m.n; i += 4 * k * k + 1)
            ask_at(&m, i, shapes[_i].name);
        unmake(&m);
    }
}
END_TEST

START_TEST(a_million_lines_cost_few_reads)
{
    /* Means, in hundredths: of a first lookup, and of later ones, once what is met of the list
     * is remembered. Halving takes 15. */
    static const struct {
        shape *shape;
        size_t first, later;
    } rows[] = {
        {all_of_a_week, 950, 110},    {all_of_an_hour, 950, 110},
        {on_all_scales, 1100, 200},   {a_second_and_one_long_ago, 1500, 500},
        {two_beginnings, 1600, 1600},
    };
    struct made m = make(MILLION, rows[_i].shape);
    size_t first = 0, later = 0, rounds = 5000;
    uint64_t random = 521288629;

    for (size_t i = 0; i < 3 * rounds; i++) {
        char sid[REVOKED_SID_LEN];
        enum tok_err want = TOK_REVOKED;

        memcpy(sid, line_of(&m, next_random(&random) % m.n), sizeof(sid));
        if (i % 2) {
            memcpy(sid + 12, line_of(&m, next_random(&random) % m.n) + 12, sizeof(sid) - 12);
            want = walk(&m, sid);
        }
        reads = 0;
        ck_assert_err(i % 3 ? ask(&m.list, sid) : ask_first(&m, sid), want);
        ck_assert_uint_le(reads, reads_of_halving(m.n) + 3);
        first += i % 3 ? 0 : reads;
        later += i % 3 && i >= rounds ? reads : 0;
    }
    ck_assert_msg(first * 100 / rounds <= rows[_i].first, "first: %zu", first * 100 / rounds);
    later = later * 100 * 3 / (rounds * 4);
    ck_assert_msg(later <= rows[_i].later, "later: %zu", later);
    unmake(&m);
}
END_TEST
#define N_MILLIONS 5

/* In whatever order a list is asked, the lines where the sid would be are read. */
START_TEST(a_line_out_of_form_frees_no_session)
{
    struct made m = make(6000, shapes[_i].shape);

    for (size_t i = 0; i < m.n; i += 7) {
        const off_t at = (off_t)(i * REVOKED_LINE_LEN + REVOKED_SID_LEN + 1 + i % 10);
        struct revoked other;
        const char *sid = line_of(&m, i);

        ck_assert_int_eq(pwrite(m.fd, "x", 1, at), 1);
        ck_assert_ok(revoked_open(m.path, FILE_OWN, &other, NULL));
        ck_assert_err(ask_first(&m, sid), TOK_LIST);
        (void)ask(&other, line_of(&m, (i + 1000) % m.n));
        for (int again = 0; again < 3; again++)
            ck_assert_err(ask(&other, sid), TOK_LIST);
        revoked_close(&other);
        ck_assert_int_eq(pwrite(m.fd, m.lines + at, 1, at), 1);
        ck_assert_err(ask_first(&m, sid), TOK_REVOKED);
    }
    unmake(&m);
}
END_TEST

/* The middle line is met first, the one at a quarter then. */
START_TEST(lines_that_were_met_out_of_order_are_an_error)
{
    struct made m = make(9199, all_of_a_week);
    const char *low = line_of(&m, 0), *high = line_of(&m, m.n - 1);
    const off_t quarter = (off_t)2295 * REVOKED_LINE_LEN, rest = (off_t)6903 * REVOKED_LINE_LEN;

    ck_assert_err(ask(&m.list, low), TOK_REVOKED);
    ck_assert_int_eq(pwrite(m.fd, high, REVOKED_SID_LEN, quarter), REVOKED_SID_LEN);
    ck_assert_int_eq(pwrite(m.fd, low, REVOKED_SID_LEN, rest), REVOKED_SID_LEN);
    ck_assert_err(ask_first(&m, line_of(&m, 2)), TOK_LIST);
    ck_assert_err(ask_first(&m, line_of(&m, m.n - 3)), TOK_LIST);
    unmake(&m);
}
END_TEST

static void *ask_all(void *arg)
{
    const struct made *m = arg;
    size_t wrong = 0;

    for (size_t i = 0; i < m->n; i++)
        wrong += ask(&m->list, line_of(m, i * 7919 % m->n)) != TOK_REVOKED;
    return wrong ? arg : NULL;
}

START_TEST(threads_ask_one_list)
{
    struct made m = make(50000, all_of_a_week);
    pthread_t threads[4];
    void *wrong;

    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_all, &m), 0);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
    unmake(&m);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {lines_that_were_met_out_of_order_are_an_error,
                                  threads_ask_one_list};
    const struct unit_loop loops[] = {
        {every_size_is_searched_right, N_SIZES},
        {every_shape_is_searched_right_in_few_reads, N_SHAPES},
        {a_million_lines_cost_few_reads, N_MILLIONS},
        {a_line_out_of_form_frees_no_session, N_SHAPES},
    };

    return unit_run_all("revoked_search", tests, sizeof(tests) / sizeof(tests[0]), loops,
                        sizeof(loops) / sizeof(loops[0]), NULL, NULL);
}
