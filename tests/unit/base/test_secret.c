#include "tests/unit/unit.h"
#include "tests/unit/wiped.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/base/cleanup.h"
#include "common/base/secret.h"

START_TEST(a_copy_holds_the_bytes_and_a_nul_after_them)
{
    CLEANUP(secret_clear) struct secret s = {0};

    ck_assert_ok(secret_copy(SLICE("a\0b"), &s));
    ck_assert_uint_eq(s.n, 3);
    ck_assert_mem_eq(s.p, "a\0b", 4);
    ck_assert(slice_eq(secret_slice(&s), SLICE("a\0b")));
}
END_TEST

START_TEST(an_empty_secret_is_an_empty_text)
{
    struct secret s = {0};

    ck_assert_str_eq(secret_slice(&s).p, "");
    ck_assert_ok(secret_copy((struct slice){NULL, 0}, &s));
    ck_assert_ptr_nonnull(s.p);
    ck_assert_int_eq(s.p[0], '\0');
    secret_clear(&s);
}
END_TEST

START_TEST(allocated_bytes_are_zero)
{
    CLEANUP(secret_clear) struct secret s = {0};
    static const char zeros[101];

    ck_assert_ok(secret_alloc(100, &s));
    ck_assert_uint_eq(s.n, 100);
    ck_assert_mem_eq(s.p, zeros, 101);
}
END_TEST

START_TEST(an_allocation_that_is_too_large_fails)
{
    struct secret s = {0};

    ck_assert_err(secret_alloc(SIZE_MAX, &s), TOK_NO_MEMORY);
    ck_assert_ptr_null(s.p);
}
END_TEST

START_TEST(a_secret_may_be_cleared_twice)
{
    struct secret s = {0};

    secret_clear(&s);
    ck_assert_ok(secret_copy(SLICE("x"), &s));
    secret_clear(&s);
    ck_assert_ptr_null(s.p);
    ck_assert_uint_eq(s.n, 0);
    secret_clear(&s);
}
END_TEST

START_TEST(clearing_wipes_every_byte_before_it_frees)
{
    struct secret s = {0};
    const char *p;

    ck_assert_ok(secret_copy(SLICE("hunter2"), &s));
    p = s.p;
    secret_clear(&s);
    ck_assert_ptr_eq(wiped.p, p);
    ck_assert_uint_eq(wiped.n, sizeof("hunter2"));
    ck_assert_str_eq(wiped.bytes, "hunter2");
}
END_TEST

START_TEST(wiping_leaves_zeros_and_nothing_else)
{
    char bytes[] = "0123456789";

    secret_wipe(bytes + 2, 5);
    ck_assert_mem_eq(bytes,
                     "01\0\0\0\0\0"
                     "789",
                     11);
    secret_wipe(NULL, 0);
}
END_TEST

START_TEST(equal_means_every_byte_and_the_length)
{
    char a[64], b[64];

    memset(a, 'x', sizeof(a));
    memset(b, 'x', sizeof(b));
    ck_assert(secret_equal((struct slice){a, 64}, (struct slice){b, 64}));
    ck_assert(!secret_equal((struct slice){a, 64}, (struct slice){b, 63}));
    ck_assert(!secret_equal((struct slice){a, 63}, (struct slice){b, 64}));
    ck_assert(!secret_equal((struct slice){"", 0}, (struct slice){b, 64}));
    ck_assert(secret_equal((struct slice){NULL, 0}, (struct slice){"", 0}));
    for (size_t i = 0; i < sizeof(b); i++) {
        for (int bit = 1; bit < 0x100; bit <<= 1) {
            b[i] = (char)(b[i] ^ bit);
            ck_assert(!secret_equal((struct slice){a, 64}, (struct slice){b, 64}));
            b[i] = (char)(b[i] ^ bit);
        }
    }
    /* Two differences must not cancel out. */
    b[3] = b[7] = 'y';
    ck_assert(!secret_equal((struct slice){a, 64}, (struct slice){b, 64}));
}
END_TEST

/* n readable bytes before a page that cannot be read. */
static char *room_before_nothing(size_t n, size_t page)
{
    char *room =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(room, MAP_FAILED);
    ck_assert_int_eq(mprotect(room + page, page, PROT_NONE), 0);
    return room + page - n;
}

static int status_of_comparing(const char *a, const char *b, size_t n)
{
    pid_t child = fork();
    int status = 0;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const struct rlimit none = {0};

        (void)setrlimit(RLIMIT_CORE, &none);
        _exit(secret_equal((struct slice){a, n}, (struct slice){b, n}) ? 2 : 0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

/* Otherwise the time would reveal how much of a guessed MAC is right. */
START_TEST(comparing_continues_after_a_difference)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 64;
    char *a = room_before_nothing(n, page);
    char b[65] = {0};

    b[0] = 'x';
    ck_assert_int_eq(status_of_comparing(a, b, n), 0);
    ck_assert_int_ne(status_of_comparing(a, b, n + 1), 0);
    (void)munmap(a + n - page, 2 * page);
}
END_TEST

UNIT_MAIN("secret", a_copy_holds_the_bytes_and_a_nul_after_them,
          an_empty_secret_is_an_empty_text, allocated_bytes_are_zero,
          an_allocation_that_is_too_large_fails, a_secret_may_be_cleared_twice,
          clearing_wipes_every_byte_before_it_frees, wiping_leaves_zeros_and_nothing_else,
          equal_means_every_byte_and_the_length, comparing_continues_after_a_difference)
