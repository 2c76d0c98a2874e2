/* Real stacks, beside real pam_unix, pam_deny and pam_faillock: who gets in, with what, and
 * what a module before or after sees. */
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define WRONG "not the password"

static char *token_for(const char *user)
{
    struct plan plan = plan_good(user);

    return mint_sign(&plan);
}

/* One stack's answers: alice with her token, with carol's, her password, a wrong one. */
struct answers {
    int token, other_token, password, wrong;
};

static void assert_answers(const char *stack, struct answers want)
{
    char *token = token_for("alice"), *other = token_for("carol");

    rig_stack("stack", stack);
    ck_assert_pam(rig_login("stack", "alice", token), want.token);
    ck_assert_pam(rig_login("stack", "alice", other), want.other_token);
    ck_assert_pam(rig_login("stack", "alice", RIG_ALICE_PASSWORD), want.password);
    ck_assert_pam(rig_login("stack", "alice", WRONG), want.wrong);
    free(token);
    free(other);
}

#define UNIX_ACCOUNT "account required @ ignore_non_token #\naccount required pam_unix.so\n"

START_TEST(recommended_stack_takes_tokens_and_passwords)
{
    struct answers want = {PAM_SUCCESS, PAM_AUTH_ERR, PAM_SUCCESS, PAM_AUTH_ERR};
    char *token = token_for("alice");

    ck_assert_pam(rig_login(RIG_RECOMMENDED, "alice", token), PAM_SUCCESS);
    ck_assert_pam(rig_login(RIG_RECOMMENDED, "carol", token), PAM_AUTH_ERR);
    ck_assert_pam(rig_login(RIG_RECOMMENDED, "carol", RIG_CAROL_PASSWORD), PAM_SUCCESS);
    free(token);
    assert_answers("auth [success=done ignore=ignore default=die] @ ignore_non_token #\n"
                   "auth required pam_unix.so\n" UNIX_ACCOUNT,
                   want);
}
END_TEST

START_TEST(sufficient_before_the_password_takes_both)
{
    assert_answers(
        "auth sufficient @ ignore_non_token #\nauth required pam_unix.so\n" UNIX_ACCOUNT,
        (struct answers){PAM_SUCCESS, PAM_AUTH_ERR, PAM_SUCCESS, PAM_AUTH_ERR});
}
END_TEST

START_TEST(sufficient_before_deny_takes_tokens_alone)
{
    assert_answers("auth sufficient @ #\nauth required pam_deny.so\n" UNIX_ACCOUNT,
                   (struct answers){PAM_SUCCESS, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTH_ERR});
}
END_TEST

START_TEST(required_alone_takes_tokens_alone)
{
    assert_answers("auth required @ #\naccount required @ #\n",
                   (struct answers){PAM_SUCCESS, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTH_ERR});
}
END_TEST

START_TEST(requisite_before_a_permit_takes_tokens_alone)
{
    assert_answers("auth requisite @ #\nauth required pam_permit.so\n" UNIX_ACCOUNT,
                   (struct answers){PAM_SUCCESS, PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTH_ERR});
}
END_TEST

START_TEST(token_after_the_password_works_too)
{
    assert_answers("auth sufficient pam_unix.so\nauth required @ #\n" UNIX_ACCOUNT,
                   (struct answers){PAM_SUCCESS, PAM_AUTH_ERR, PAM_SUCCESS, PAM_AUTH_ERR});
}
END_TEST

/* CVE-2025-23013: an ignored error with another module's success is a login. */
START_TEST(an_error_of_ours_is_never_ignored)
{
    char *token = token_for("alice");

    rig_stack("pre", "auth required pam_permit.so\n"
                     "auth [success=done ignore=ignore default=die] @ ignore_non_token #\n");
    ck_assert_int_eq(unlink(rig_path("jwks.json")), 0);
    ck_assert_pam(rig_auth("pre", "alice", token), PAM_AUTHINFO_UNAVAIL);
    rig_write("jwks.json", "{");
    ck_assert_pam(rig_auth("pre", "alice", token), PAM_AUTHINFO_UNAVAIL);
    ck_assert_pam(rig_auth("pre", "alice", NULL), PAM_AUTHTOK_ERR);
    free(token);
}
END_TEST

START_TEST(refused_token_is_never_ignored_after_a_preauth_success)
{
    char *token = token_for("carol");
    char stack[1024];

    (void)snprintf(stack, sizeof(stack),
                   "auth required pam_faillock.so preauth silent dir=%s\n"
                   "auth [success=done ignore=ignore default=die] @ ignore_non_token #\n",
                   rig_path("faillock"));
    rig_stack("pre", stack);
    ck_assert_pam(rig_auth("pre", "alice", token), PAM_AUTH_ERR);
    free(token);
}
END_TEST

START_TEST(faillock_counts_refused_tokens_where_it_is_asked_to)
{
    char stack[2048], *good = token_for("alice"), *bad = token_for("carol");
    const char *dir = rig_path("faillock");

    (void)snprintf(stack, sizeof(stack),
                   "auth requisite pam_faillock.so preauth silent deny=2 dir=%s\n"
                   "auth sufficient @ #\n"
                   "auth [default=die] pam_faillock.so authfail deny=2 dir=%s\n"
                   "account required @ #\n"
                   "account required pam_faillock.so dir=%s\n",
                   dir, dir, dir);
    rig_stack("lock", stack);
    ck_assert_pam(rig_login("lock", "alice", good), PAM_SUCCESS);
    ck_assert_int_ne(rig_login("lock", "alice", bad), PAM_SUCCESS);
    ck_assert_int_ne(rig_login("lock", "alice", bad), PAM_SUCCESS);
    ck_assert_int_ne(rig_login("lock", "alice", good), PAM_SUCCESS);
    free(good);
    free(bad);
}
END_TEST

START_TEST(expired_account_is_refused_by_the_account_lines)
{
    char *token = token_for("bob");

    ck_assert_pam(rig_auth(RIG_RECOMMENDED, "bob", token), PAM_SUCCESS);
    rig_stack("plain", "auth required @ #\n" UNIX_ACCOUNT);
    ck_assert_pam(rig_login("plain", "bob", token), PAM_ACCT_EXPIRED);
    ck_assert_int_ne(rig_login(RIG_RECOMMENDED, "bob", token), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(setcred_after_a_sufficient_token_succeeds)
{
    static const char *const stacks[] = {
        "auth sufficient @ #\nauth required pam_deny.so\n", "auth sufficient @ #\n",
        "auth required @ #\n",
        "auth [success=done ignore=ignore default=die] @ #\nauth required pam_unix.so\n"};
    char *token = token_for("alice");

    for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
        struct talk talk = {.answer = token};
        pam_handle_t *pamh;

        rig_stack("cred", stacks[i]);
        pamh = rig_start("cred", "alice", &talk);
        ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
        ck_assert_pam(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
        ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    }
    free(token);
}
END_TEST

/* sshd with a public key: the modules after ours must set their credentials. */
START_TEST(setcred_of_later_modules_runs_where_no_token_was_shown)
{
    struct talk talk = {0};
    pam_handle_t *pamh;

    rig_stack("later", "auth [success=done ignore=ignore default=die] @ #\n"
                       "auth required pam_debug.so cred=cred_unavail\n");
    pamh = rig_start("later", "alice", &talk);
    ck_assert_pam(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_CRED_UNAVAIL);
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
}
END_TEST

START_TEST(a_token_buys_no_tokens)
{
    char *token = token_for("alice");
    static const char stack[] =
        "auth [success=done ignore=ignore default=die] @ ignore_non_token #\n"
        "auth required pam_unix.so\n" UNIX_ACCOUNT;

    rig_stack("jwtd", stack);
    rig_log_clear();
    ck_assert_pam(rig_login("jwtd", "alice", token), PAM_AUTH_ERR);
    ck_assert_uint_eq(rig_log_lines(), 1);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=service"));
    ck_assert_pam(rig_login("jwtd", "alice", RIG_ALICE_PASSWORD), PAM_SUCCESS);
    rig_stack("jwtd", "auth sufficient @ #\nauth required pam_deny.so\n" UNIX_ACCOUNT);
    ck_assert_pam(rig_login("jwtd", "alice", token), PAM_AUTH_ERR);
    ck_assert_pam(rig_login("jwtd", "alice", RIG_ALICE_PASSWORD), PAM_AUTH_ERR);
    free(token);
}
END_TEST

START_TEST(sshd_s_junk_for_unknown_users_is_not_logged_by_name)
{
    static const char junk[] = "\b\n\r\177INCORRECT\b\n\r\177INCORRECT";

    rig_log_clear();
    ck_assert_int_ne(rig_auth(RIG_RECOMMENDED, "hunter2", junk), PAM_SUCCESS);
    ck_assert_uint_eq(rig_log_lines(), 0);
    ck_assert_pam(rig_auth(RIG_PROBE, "hunter2", junk), PAM_AUTH_ERR);
    ck_assert_uint_eq(rig_log_lines(), 1);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "user=-"));
    ck_assert_ptr_null(strstr(rig_log_line(0), "hunter2"));
}
END_TEST

START_TEST(what_a_peer_names_cannot_forge_a_log_line)
{
    struct talk talk = {.answer = "x.y.z"};
    pam_handle_t *pamh = rig_start(RIG_PROBE, "alice", &talk);

    ck_assert_pam(pam_set_item(pamh, PAM_RHOST, "a reason=ok\nuser=root %n"), PAM_SUCCESS);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "rhost=a?reason?ok?user?root?%n "));
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
}
END_TEST

RIG_MAIN("pam_stack", recommended_stack_takes_tokens_and_passwords,
         sufficient_before_the_password_takes_both, sufficient_before_deny_takes_tokens_alone,
         required_alone_takes_tokens_alone, requisite_before_a_permit_takes_tokens_alone,
         token_after_the_password_works_too, an_error_of_ours_is_never_ignored,
         refused_token_is_never_ignored_after_a_preauth_success,
         faillock_counts_refused_tokens_where_it_is_asked_to,
         expired_account_is_refused_by_the_account_lines,
         setcred_after_a_sufficient_token_succeeds,
         setcred_of_later_modules_runs_where_no_token_was_shown, a_token_buys_no_tokens,
         sshd_s_junk_for_unknown_users_is_not_logged_by_name,
         what_a_peer_names_cannot_forge_a_log_line)
