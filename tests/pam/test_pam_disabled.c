/* /etc/jwt/disabled: no token opens anything, passwords do. */
#include "common/config/disabled.h"
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static char *alice_token(void)
{
    struct plan plan = plan_good("alice");

    return mint_sign(&plan);
}

/* Refused in auth; a password is not. */
static void assert_disabled(void)
{
    char *token = alice_token();

    rig_log_clear();
    ck_assert_pam(rig_auth(RIG_PROBE, "alice", token), PAM_AUTH_ERR);
    ck_assert_uint_eq(rig_log_lines(), 1);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=disabled"));
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), DISABLED_PATH));
    ck_assert_pam(rig_login(RIG_RECOMMENDED, "alice", token), PAM_AUTH_ERR);
    ck_assert_pam(rig_login(RIG_RECOMMENDED, "alice", RIG_ALICE_PASSWORD), PAM_SUCCESS);
    free(token);
}

static void assert_enabled(void)
{
    char *token = alice_token();

    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    free(token);
}

static void make_file(mode_t mode)
{
    int fd = open(DISABLED_PATH, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

    ck_assert_int_ge(fd, 0);
    (void)close(fd);
}

START_TEST(anything_of_that_name_refuses_every_token)
{
    (void)mkdir("/etc/jwt", 0755);
    assert_enabled();
    make_file(0644);
    assert_disabled();
    ck_assert_int_eq(chmod(DISABLED_PATH, 0), 0);
    ck_assert_int_eq(chown(DISABLED_PATH, 23001, 23001), 0);
    assert_disabled();
    ck_assert_int_eq(unlink(DISABLED_PATH), 0);
    assert_enabled();
    ck_assert_int_eq(symlink("/nowhere", DISABLED_PATH), 0);
    assert_disabled();
    ck_assert_int_eq(unlink(DISABLED_PATH), 0);
    ck_assert_int_eq(mkdir(DISABLED_PATH, 0700), 0);
    assert_disabled();
    ck_assert_int_eq(rmdir(DISABLED_PATH), 0);
    assert_enabled();
}
END_TEST

/* Nothing of the token is read, and no file: an error in them is not met. */
START_TEST(disabled_comes_before_every_other_check)
{
    struct talk talk = {.answer = "eyJhbGciOiJub25lIn0.e30."};
    pam_handle_t *pamh = rig_start(RIG_PROBE, "alice", &talk);

    (void)mkdir("/etc/jwt", 0755);
    make_file(0644);
    ck_assert_int_eq(unlink(rig_path("jwks.json")), 0);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=disabled"));
    ck_assert_str_eq(talk.shown, "");
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
}
END_TEST

START_TEST(account_refuses_a_login_that_a_token_opened_before)
{
    char *token = alice_token();
    struct talk talk = {.answer = token};
    pam_handle_t *pamh = rig_start(RIG_PROBE, "alice", &talk);

    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    (void)mkdir("/etc/jwt", 0755);
    make_file(0644);
    rig_log_clear();
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_AUTH_ERR);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=disabled"));
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), RIG_IGNORED);
    ck_assert_pam(pam_putenv(pamh, "JWT_EXP=99999999999"), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_AUTH_ERR);
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free(token);
}
END_TEST

/* A screen locker runs as its user. */
START_TEST(caller_that_is_not_root_sees_it)
{
    char *token = alice_token();

    (void)mkdir("/etc/jwt", 0755);
    ck_assert_pam(rig_login_as_nobody("alice", token), PAM_SUCCESS);
    make_file(0600);
    ck_assert_pam(rig_login_as_nobody("alice", token), PAM_AUTH_ERR);
    free(token);
}
END_TEST

START_TEST(unknown_is_refused)
{
    char *token = alice_token();

    (void)mkdir("/etc/jwt", 0755);
    ck_assert_int_eq(chmod("/etc/jwt", 0700), 0);
    ck_assert_pam(rig_login_as_nobody("alice", token), PAM_AUTHINFO_UNAVAIL);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert_int_eq(chmod("/etc/jwt", 0755), 0);
    ck_assert_int_eq(rmdir("/etc/jwt"), 0);
    ck_assert_int_eq(symlink("jwt", "/etc/jwt"), 0); /* ELOOP */
    rig_log_clear();
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_AUTHINFO_UNAVAIL);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=file"));
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), DISABLED_PATH));
    ck_assert_int_eq(unlink("/etc/jwt"), 0);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    free(token);
}
END_TEST

RIG_MAIN("pam_disabled", anything_of_that_name_refuses_every_token,
         disabled_comes_before_every_other_check,
         account_refuses_a_login_that_a_token_opened_before, caller_that_is_not_root_sees_it,
         unknown_is_refused)
