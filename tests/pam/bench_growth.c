/* What ten thousand logins in one process leave behind: nothing. ./run takes malloc's caches
 * away, whose chunks count as used. */
#include "tests/pam/bench_rig.h"
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <malloc.h>
#include <stdio.h>

#define LOGINS 10000
#define WARM (LOGINS / 100)

static long resident_pages(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long total = 0, resident = 0;

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%ld %ld", &total, &resident), 2);
    (void)fclose(f);
    return resident;
}

START_TEST(ten_thousand_logins_leave_no_memory)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);
    size_t used = 0;
    long pages = 0, grown;

    bench_stacks();
    for (int i = 0; i <= LOGINS; i++) {
        ck_assert_pam(rig_login(BENCH_FOUR, "alice", token), PAM_SUCCESS);
        rig_log_clear();
        if (i == WARM) {
            used = mallinfo2().uordblks;
            pages = resident_pages();
        }
    }
    grown = (long)(mallinfo2().uordblks - used); /* before printf has a buffer */
    (void)printf("# %d logins: %+ld bytes allocated, %+ld resident pages\n", LOGINS, grown,
                 resident_pages() - pages);
    (void)fflush(stdout);
    ck_assert_int_eq(grown, 0);
    free(token);
}
END_TEST

RIG_MAIN("bench_growth", ten_thousand_logins_leave_no_memory)
