/* Replays after a boot, with a clock that was wrong when /run/jwt/since was made. */
#include "tests/pam/once.h"

#include <sys/mount.h>
#include <sys/stat.h>

/* A time at which the system was started after this one, by the clock that is never set. */
static int64_t started_after(int64_t t)
{
    struct timespec up;

    ck_assert_int_eq(clock_gettime(CLOCK_BOOTTIME, &up), 0);
    return t + up.tv_sec + 2;
}

/* Issued now, still valid at that time. */
static char *token_until(int64_t exp)
{
    struct plan plan = plan_once("alice");

    SET(exp, "%" PRId64, exp + 100);
    return mint_sign(&plan);
}

static int64_t since(void)
{
    struct stat st;

    ck_assert_int_eq(stat(ONETIME_SINCE, &st), 0);
    return st.st_mtim.tv_sec;
}

/* The clock was an hour behind when tmpfiles made the file, and was corrected later. */
START_TEST(clock_behind_at_the_boot_brings_no_token_back)
{
    int64_t now = started_after(NOW);
    char *token = token_until(now);

    rig_probe("# max_lifetime=3650d");
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    rig_run_clear();
    rig_run_make();
    ck_assert_int_lt(since(), NOW - 3000);
    rig_clock_set(now);
    assert_unspent(token, RIG_PROBE, PAM_AUTH_ERR, "spent");
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "before the system was started"));
}
END_TEST

START_TEST(token_from_after_the_start_opens)
{
    int64_t now = started_after(NOW);
    struct plan plan = plan_once("alice");
    char *token;

    rig_clock_set(now);
    SET(iat, "%" PRId64, now);
    SET(exp, "%" PRId64, now + 100);
    token = mint_sign(&plan);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_AUTH_ERR);
    free(token);
}
END_TEST

START_TEST(clock_ahead_at_the_boot_refuses_no_token)
{
    char *token = token_once();

    rig_run_since(NOW + 7200);
    rig_log_clear();
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert_int_le(since(), NOW);
    assert_unspent(token, RIG_PROBE, PAM_AUTH_ERR, "spent");
}
END_TEST

/* A file from the future does not let in what was used before the start. */
START_TEST(clock_ahead_at_the_boot_brings_no_token_back)
{
    int64_t now = started_after(NOW);
    char *token = token_until(now);

    rig_probe("# max_lifetime=3650d");
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    rig_run_clear();
    rig_run_make();
    rig_run_since(now + 7200);
    rig_clock_set(now);
    assert_unspent(strdup(token), RIG_PROBE, PAM_AUTH_ERR, "spent");
    ck_assert_int_le(since(), now);
    assert_unspent(token, RIG_PROBE, PAM_AUTH_ERR, "spent");
}
END_TEST

/* The directory was made anew while the system ran. */
START_TEST(run_that_was_emptied_brings_no_token_back)
{
    char *token = token_once();

    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    rig_run_clear();
    rig_run_make();
    rig_run_since(NOW);
    assert_unspent(token, RIG_PROBE, PAM_AUTH_ERR, "spent");
}
END_TEST

#define BAD_START "1 (a) b) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 x 1"

START_TEST(unknown_start_of_the_system_is_unavailable)
{
    /* Empty, cut, and a start that is no number after a name with a bracket and a blank. */
    static const char *const contents[] = {"", "1 (init) S 0 1 1", BAD_START};

    for (size_t i = 0; i < 3; i++) {
        rig_write("stat", contents[i]);
        ck_assert_int_eq(mount(rig_path("stat"), "/proc/1/stat", NULL, MS_BIND, NULL), 0);
        rig_log_clear();
        assert_unspent(token_once(), RIG_PROBE, PAM_AUTHINFO_UNAVAIL, "file");
        ck_assert_ptr_nonnull(strstr(rig_log_line(0), "/proc/1/stat"));
        ck_assert_int_eq(umount("/proc/1/stat"), 0);
    }
}
END_TEST

RIG_MAIN("pam_boot", clock_behind_at_the_boot_brings_no_token_back,
         token_from_after_the_start_opens, clock_ahead_at_the_boot_refuses_no_token,
         clock_ahead_at_the_boot_brings_no_token_back,
         run_that_was_emptied_brings_no_token_back, unknown_start_of_the_system_is_unavailable)
