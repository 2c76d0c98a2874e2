/*
 * What each unit test program is made of: tests named by the promise they keep, one suite, TAP
 * on standard output, exit status 1 when any failed. A test that only root can run begins with
 * NEEDS_ROOT(): for others it is skipped.
 *
 *     START_TEST(padding_is_refused) { ... } END_TEST
 *     UNIT_MAIN("base64url", padding_is_refused, ...)
 */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/slice.h"

#define ck_assert_err(got, want)                                                               \
    do {                                                                                       \
        enum tok_err got_ = (got), want_ = (want);                                             \
        ck_assert_msg(got_ == want_, "%s gave %s, not %s", #got, tok_err_word(got_),           \
                      tok_err_word(want_));                                                    \
    } while (0)

#define ck_assert_ok(got) ck_assert_err(got, TOK_OK)

#define UNIT_SKIPPED 77
#define NEEDS_ROOT()                                                                           \
    do {                                                                                       \
        if (geteuid() != 0)                                                                    \
            exit(UNIT_SKIPPED);                                                                \
    } while (0)

/* Prints check's TAP, where a test that ended with UNIT_SKIPPED has failed, as one that was
 * skipped. Returns how many these are. */
static inline int unit_print_skipped(FILE *tap)
{
    char *line = NULL, *end;
    size_t size = 0;
    int skipped = 0;

    while (getline(&line, &size, tap) > 0) {
        end = strstr(line, ": Early exit with return value 77\n");
        if (end && strncmp(line, "not ok ", 7) == 0) {
            *end = '\0';
            (void)printf("%s # SKIP needs root\n", line + strlen("not "));
            skipped++;
        } else {
            (void)fputs(line, stdout);
        }
    }
    free(line);
    return skipped;
}

/* A test that is run for each _i from 0 to n - 1. */
struct unit_loop {
    const TTest *test;
    int n;
};

/* The tests, then the loops; setup and teardown run around each test, in its process; NULL:
 * none. */
static inline int unit_run_all(const char *name, const TTest *const *tests, size_t n,
                               const struct unit_loop *loops, size_t n_loops,
                               void (*setup)(void), void (*teardown)(void))
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    int fd = geteuid() != 0 ? memfd_create("tap", MFD_CLOEXEC) : -1;
    char path[32] = "-";
    FILE *tap = NULL;
    SRunner *runner;
    int failed;

    for (size_t i = 0; i < n; i++)
        tcase_add_test(tcase, tests[i]);
    for (size_t i = 0; i < n_loops; i++)
        tcase_add_loop_test(tcase, loops[i].test, 0, loops[i].n);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    if (fd >= 0) {
        tap = fdopen(fd, "r");
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    srunner_set_tap(runner, path);
    srunner_run_all(runner, CK_SILENT);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (tap) {
        failed -= unit_print_skipped(tap);
        (void)fclose(tap);
    }
    return failed == 0 && n + n_loops > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline int unit_run_with(const char *name, const TTest *const *tests, size_t n,
                                void (*setup)(void), void (*teardown)(void))
{
    return unit_run_all(name, tests, n, NULL, 0, setup, teardown);
}

static inline int unit_run(const char *name, const TTest *const *tests, size_t n)
{
    return unit_run_with(name, tests, n, NULL, NULL);
}

#define UNIT_MAIN(name, ...)                                                                   \
    int main(void)                                                                             \
    {                                                                                          \
        const TTest *const tests[] = {__VA_ARGS__};                                            \
                                                                                               \
        return unit_run(name, tests, sizeof(tests) / sizeof(tests[0]));                        \
    }
