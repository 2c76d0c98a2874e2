/* A module that is missing, or whose options are wrong, locks nobody out who has a password,
 * and lets nobody in without one. The matrix has every case of these stacks; here are the
 * reasons. */
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TWO_STEPS(module)                                                                      \
    "auth [success=ok ignore=ignore default=die] " module " prompt=Token: #\n"                 \
    "auth [success=done default=die] pam_unix.so\n"                                            \
    "auth required pam_deny.so\n"                                                              \
    "account required " module " #\naccount required pam_unix.so\n"

/* A stack of module lines as recommended, between pam_faillock's, which lock at two failures.
 */
static void use_faillock_stack(const char *module)
{
    char text[2048];

    (void)snprintf(
        text, sizeof(text),
        "auth required pam_faillock.so preauth silent deny=2 dir=%%/faillock\n" RIG_AUTH
        "%s ignore_non_token #\n"
        "auth sufficient pam_unix.so try_first_pass\n"
        "auth [default=die] pam_faillock.so authfail deny=2 dir=%%/faillock\n" RIG_ACCOUNT
        "%s #\naccount required pam_unix.so\n",
        module, module);
    rig_stack("lock", text);
}

static char *alice_token(void)
{
    struct plan plan = plan_good("alice");

    return mint_sign(&plan);
}

/* Not loadable: there is no such file, it is no shared object, an option is wrong. */
static const char *const faults[] = {"%/missing.so", "%/text.so", "@ kyes=/x"};

static void make_faults(void)
{
    rig_write("text.so", "This is no shared object.\n");
}

START_TEST(passwords_work_and_tokens_do_not_without_the_module)
{
    char *token = alice_token();

    make_faults();
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char text[2048];

        (void)snprintf(text, sizeof(text),
                       RIG_AUTH "%s ignore_non_token #\nauth required pam_unix.so\n" RIG_ACCOUNT
                                "%s #\naccount required pam_unix.so\n",
                       faults[i], faults[i]);
        rig_stack("without", text);
        ck_assert_pam(rig_login("without", "alice", token), PAM_AUTH_ERR);
        ck_assert_pam(rig_login("without", "alice", "not the password"), PAM_AUTH_ERR);
        ck_assert_pam(rig_login("without", "alice", RIG_ALICE_PASSWORD), PAM_SUCCESS);
        ck_assert_pam(rig_login("without", "carol", RIG_CAROL_PASSWORD), PAM_SUCCESS);
    }
    free(token);
}
END_TEST

/* CVE-2025-23013: preauth's success and an ignored module were a login. Each typed token counts
 * as a wrong password. */
START_TEST(token_typed_without_the_module_counts_in_faillock)
{
    char *token = alice_token();

    make_faults();
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        use_faillock_stack(faults[i]);
        ck_assert_pam(rig_login("lock", "alice", RIG_ALICE_PASSWORD), PAM_SUCCESS);
        ck_assert_int_ne(rig_login("lock", "alice", token), PAM_SUCCESS);
        ck_assert_int_ne(rig_login("lock", "alice", token), PAM_SUCCESS);
        ck_assert_int_ne(rig_login("lock", "alice", RIG_ALICE_PASSWORD), PAM_SUCCESS);
        ck_assert_int_eq(unlink(rig_path("faillock/alice")), 0);
    }
    free(token);
}
END_TEST

/* A token opened this login; the stack is then read with another option. */
static pam_handle_t *opened(struct talk *talk)
{
    rig_stack("opened", "auth required @ #\naccount required @ # kyes=/x\n"
                        "session required @ # sesion_limit\n");
    return rig_start("opened", "alice", talk);
}

START_TEST(option_error_in_account_refuses_a_login_by_token)
{
    char *token = alice_token();
    struct talk talk = {.answer = token};
    pam_handle_t *pamh = opened(&talk);

    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    rig_log_clear();
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "option kyes: unknown"));
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(misspelt_session_limit_refuses_a_login_by_token)
{
    char *token = alice_token();
    struct talk talk = {.answer = token};
    pam_handle_t *pamh = opened(&talk);

    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    rig_log_clear();
    ck_assert_pam(pam_open_session(pamh, 0), PAM_PERM_DENIED);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "option sesion_limit: unknown"));
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free(token);
}
END_TEST

/* As after sshd's keyboard-interactive, where another process authenticated. */
START_TEST(option_error_refuses_a_login_by_token_that_the_environment_names)
{
    static const char *const lines[] = {"JWT_EXP=99999999999", "JWT_JTI=AZjm"};

    for (size_t i = 0; i < 2; i++) {
        struct talk talk = {0};
        pam_handle_t *pamh = opened(&talk);

        ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SERVICE_ERR);
        ck_assert_pam(pam_open_session(pamh, 0), PAM_SERVICE_ERR);
        ck_assert_pam(pam_putenv(pamh, lines[i]), PAM_SUCCESS);
        ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
        ck_assert_pam(pam_open_session(pamh, 0), PAM_PERM_DENIED);
        ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    }
}
END_TEST

/* The line of one issuer is wrong, that of another accepts the token. */
START_TEST(wrong_line_beside_a_good_one_locks_nobody_out)
{
    char *token = alice_token();
    struct talk talk = {.answer = token};
    pam_handle_t *pamh;

    rig_stack("two", RIG_AUTH "@ ignore_non_token # kyes=/x\n" RIG_AUTH
                              "@ ignore_non_token #\nauth required pam_unix.so\n" RIG_ACCOUNT
                              "@ #\naccount required pam_unix.so\n");
    pamh = rig_start("two", "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free(token);
}
END_TEST

/* What an earlier pam_authenticate left must not count where this one ends with a password. */
START_TEST(option_error_takes_an_earlier_token_login_back)
{
    char *token = alice_token();
    struct talk talk = {.answer = token};
    pam_handle_t *pamh;

    rig_stack("back",
              RIG_AUTH "@ ignore_non_token # kyes=/x\nauth required pam_unix.so\n" RIG_ACCOUNT
                       "@ #\naccount required pam_permit.so\n");
    pamh = rig_start("back", "alice", &talk);
    ck_assert_pam(pam_putenv(pamh, "JWT_EXP=1000"), PAM_SUCCESS);
    ck_assert_pam(pam_putenv(pamh, "JWT_JTI=AZjm"), PAM_SUCCESS);
    talk.answer = RIG_ALICE_PASSWORD;
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_ptr_null(pam_getenv(pamh, "JWT_JTI"));
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free(token);
}
END_TEST

/* The results that stacks ignore come from the module and its options alone, not from a program
 * whose conversation returns them, with and without a name for the user. */
START_TEST(failed_conversation_is_never_ignored)
{
    static const int codes[] = {PAM_IGNORE, PAM_SERVICE_ERR, PAM_MODULE_UNKNOWN, PAM_CONV_ERR};

    rig_stack("conv", "auth [success=done ignore=ignore module_unknown=ignore "
                      "service_err=ignore default=die] @ ignore_non_token #\n"
                      "auth required pam_permit.so\n");
    for (size_t i = 0; i < 8; i++) {
        struct talk talk = {.fail = codes[i / 2]};
        pam_handle_t *pamh = rig_start("conv", i % 2 ? "alice" : NULL, &talk);

        ck_assert_int_ne(pam_authenticate(pamh, 0), PAM_SUCCESS);
        ck_assert_uint_eq(talk.prompts, 1);
        ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    }
}
END_TEST

static int two_steps(const char *first, const char *second)
{
    struct talk talk = {.answer = first, .second = second};
    pam_handle_t *pamh = rig_start("two-steps", "alice", &talk);
    int rc = pam_authenticate(pamh, 0);

    if (rc == PAM_SUCCESS)
        rc = pam_acct_mgmt(pamh, 0);
    if (rc == PAM_SUCCESS)
        rc = pam_setcred(pamh, PAM_ESTABLISH_CRED);
    ck_assert_pam(pam_end(pamh, rc), PAM_SUCCESS);
    return rc;
}

START_TEST(second_factor_stack_needs_token_and_password)
{
    char *token = alice_token();

    rig_stack("two-steps", TWO_STEPS("@"));
    ck_assert_pam(two_steps(token, RIG_ALICE_PASSWORD), PAM_SUCCESS);
    ck_assert_pam(two_steps(token, RIG_CAROL_PASSWORD), PAM_AUTH_ERR);
    ck_assert_pam(two_steps(token, token), PAM_AUTH_ERR);
    ck_assert_pam(two_steps(RIG_ALICE_PASSWORD, RIG_ALICE_PASSWORD), PAM_AUTH_ERR);
    ck_assert_pam(two_steps(RIG_ALICE_PASSWORD, token), PAM_AUTH_ERR);
    ck_assert_pam(two_steps("", RIG_ALICE_PASSWORD), PAM_AUTH_ERR);
    ck_assert_pam(two_steps(token, ""), PAM_AUTH_ERR);
    free(token);
}
END_TEST

START_TEST(nobody_gets_in_where_the_module_alone_or_first_must_accept)
{
    char *token = alice_token();

    make_faults();
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char text[2048];

        /* A fault's name may hold blanks, and '#' follows it. */
        (void)snprintf(text, sizeof(text),
                       "auth [success=done ignore=ignore default=die] %s #\n"
                       "auth required pam_deny.so\naccount required %s #\n"
                       "account required pam_unix.so\n",
                       faults[i], faults[i]);
        rig_stack("token-only", text);
        ck_assert_int_ne(rig_login("token-only", "alice", token), PAM_SUCCESS);
        ck_assert_int_ne(rig_login("token-only", "alice", RIG_ALICE_PASSWORD), PAM_SUCCESS);
        (void)snprintf(text, sizeof(text),
                       "auth [success=ok ignore=ignore default=die] %s #\n"
                       "auth [success=done default=die] pam_unix.so\n"
                       "auth required pam_deny.so\naccount required pam_permit.so\n",
                       faults[i]);
        rig_stack("two-steps", text);
        ck_assert_int_ne(two_steps(token, RIG_ALICE_PASSWORD), PAM_SUCCESS);
        ck_assert_int_ne(two_steps(RIG_ALICE_PASSWORD, RIG_ALICE_PASSWORD), PAM_SUCCESS);
    }
    free(token);
}
END_TEST

RIG_MAIN("pam_lockout", passwords_work_and_tokens_do_not_without_the_module,
         token_typed_without_the_module_counts_in_faillock,
         option_error_in_account_refuses_a_login_by_token,
         misspelt_session_limit_refuses_a_login_by_token,
         option_error_refuses_a_login_by_token_that_the_environment_names,
         wrong_line_beside_a_good_one_locks_nobody_out,
         option_error_takes_an_earlier_token_login_back, failed_conversation_is_never_ignored,
         second_factor_stack_needs_token_and_password,
         nobody_gets_in_where_the_module_alone_or_first_must_accept)
