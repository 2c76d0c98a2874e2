/* What a login costs: pam_authenticate and pam_acct_mgmt on a fresh handle each, by a token and
 * by pam_unix for the same user, with pam_permit to show libpam's own share. The rounds take
 * turns, so that all three see the same machine. */
#include "mint.h"
#include "rig.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ROUNDS 200

static double microseconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

START_TEST(a_login_by_token_is_timed_beside_pam_unix)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);
    const struct {
        const char *service, *answer;
    } rows[] = {{"pam_jwt", token}, {"pam_unix", RIG_ALICE_PASSWORD}, {"pam_permit", "-"}};
    enum { N = sizeof(rows) / sizeof(rows[0]) };
    static double spent[sizeof(rows) / sizeof(rows[0])][ROUNDS];

    rig_stack("pam_jwt", "auth required @ #\naccount required @ #\n");
    rig_stack("pam_unix", "auth required pam_unix.so\naccount required pam_unix.so\n");
    rig_stack("pam_permit", "auth required pam_permit.so\naccount required pam_permit.so\n");
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < N; i++) {
            double start = microseconds();

            ck_assert_pam(rig_login(rows[i].service, "alice", rows[i].answer), PAM_SUCCESS);
            spent[i][round] = microseconds() - start;
        }
        rig_log_clear();
    }
    (void)printf("# %-12s %12s %12s   us a login, %d rounds\n", "module", "minimum", "median",
                 ROUNDS);
    for (size_t i = 0; i < N; i++) {
        qsort(spent[i], ROUNDS, sizeof(double), by_value);
        (void)printf("# %-12s %12.0f %12.0f\n", rows[i].service, spent[i][0],
                     spent[i][ROUNDS / 2]);
    }
    (void)fflush(stdout);
    free(token);
}
END_TEST

RIG_MAIN("bench_pam", a_login_by_token_is_timed_beside_pam_unix)
