/* session_limit: the limit that pam_systemd, further down, receives. */
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NOW ((int64_t)time(NULL))

/* The stack of a login with this module's session options; pam_show stands for pam_systemd. */
static void use_stack(const char *options, const char *plant)
{
    char text[2048];

    (void)snprintf(
        text, sizeof(text),
        "auth [success=done ignore=ignore default=die] @ ignore_non_token # %s\n"
        "auth required pam_unix.so\n"
        "account optional ~ %s\naccount required @ #\naccount required pam_permit.so\n"
        "session required @ # %s\nsession required ~\n",
        strstr(options, "leeway") ? options : "", plant, options);
    rig_stack("login", text);
}

/* Logs alice in by this answer, down to the session's beginning, whose code is the result. */
static int open_login(const char *answer, struct talk *talk, pam_handle_t **ret)
{
    *talk = (struct talk){.answer = answer};
    *ret = rig_start("login", "alice", talk);
    ck_assert_pam(pam_authenticate(*ret, 0), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(*ret, 0), PAM_SUCCESS);
    ck_assert_pam(pam_setcred(*ret, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    return pam_open_session(*ret, 0);
}

static void end(pam_handle_t *pamh)
{
    ck_assert_pam(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

/* The form that systemd's parse_sec takes for whole seconds: digits. */
static void assert_limit(pam_handle_t *pamh, int64_t low, int64_t high)
{
    const char *shown = pam_getenv(pamh, "SHOWN_LIMIT");
    int64_t got;

    ck_assert_ptr_nonnull(shown);
    ck_assert_uint_eq(strspn(shown, "0123456789"), strlen(shown));
    got = strtoll(shown, NULL, 10);
    ck_assert_msg(got >= low && got <= high, "%s is not from %" PRId64 " to %" PRId64, shown,
                  low, high);
}

static char *token_until(int64_t exp)
{
    struct plan plan = plan_good("alice");

    (void)snprintf(plan.exp, sizeof(plan.exp), "%" PRId64, exp);
    return mint_sign(&plan);
}

static void assert_planted(const char *plant, int64_t low, int64_t high)
{
    char *token = token_until(NOW + 100);
    struct talk talk;
    pam_handle_t *pamh;

    use_stack("session_limit", plant);
    ck_assert_pam(open_login(token, &talk, &pamh), PAM_SUCCESS);
    assert_limit(pamh, low, high);
    end(pamh);
    free(token);
}

START_TEST(session_ends_with_its_token)
{
    assert_planted("", 97, 100);
}
END_TEST

START_TEST(without_the_option_no_session_is_limited)
{
    char *token = token_until(NOW + 100);
    struct talk talk;
    pam_handle_t *pamh;

    use_stack("", "");
    ck_assert_pam(open_login(token, &talk, &pamh), PAM_SUCCESS);
    ck_assert_ptr_null(pam_getenv(pamh, "SHOWN_LIMIT"));
    end(pamh);
    free(token);
}
END_TEST

START_TEST(login_by_password_is_not_limited)
{
    struct talk talk;
    pam_handle_t *pamh;

    use_stack("session_limit", "");
    ck_assert_pam(open_login(RIG_ALICE_PASSWORD, &talk, &pamh), PAM_SUCCESS);
    ck_assert_ptr_null(pam_getenv(pamh, "SHOWN_LIMIT"));
    end(pamh);
}
END_TEST

/* sshd's keyboard-interactive method: the session's process has but the PAM environment. */
START_TEST(login_that_another_process_checked_is_limited_by_its_environment)
{
    struct talk talk = {0};
    pam_handle_t *pamh;
    char line[64];

    use_stack("session_limit", "");
    pamh = rig_start("login", "alice", &talk);
    (void)snprintf(line, sizeof(line), "JWT_EXP=%" PRId64, NOW + 50);
    ck_assert_pam(pam_putenv(pamh, line), PAM_SUCCESS);
    ck_assert_pam(pam_open_session(pamh, 0), PAM_SUCCESS);
    assert_limit(pamh, 47, 50);
    end(pamh);
}
END_TEST

START_TEST(token_that_is_over_opens_no_session)
{
    static const char *const lines[] = {"JWT_EXP=1000", "JWT_JTI=abc"};

    for (size_t i = 0; i < 2; i++) {
        struct talk talk = {0};
        pam_handle_t *pamh;

        use_stack("session_limit", "");
        pamh = rig_start("login", "alice", &talk);
        ck_assert_pam(pam_putenv(pamh, lines[i]), PAM_SUCCESS);
        rig_log_clear();
        ck_assert_pam(pam_open_session(pamh, 0), PAM_SESSION_ERR);
        ck_assert_ptr_nonnull(
            strstr(rig_log_line(0), i == 0 ? "reason=expired" : "reason=missing_claim"));
        ck_assert_str_eq(talk.shown, i == 0 ? "pam_jwt: the token has expired\n" : "");
        end(pamh);
    }
}
END_TEST

START_TEST(token_in_its_leeway_opens_a_session_of_a_second)
{
    char *token = token_until(NOW - 3);
    struct talk talk;
    pam_handle_t *pamh;

    use_stack("session_limit leeway=1min", "");
    ck_assert_pam(open_login(token, &talk, &pamh), PAM_SUCCESS);
    assert_limit(pamh, 1, 1);
    end(pamh);
    free(token);
}
END_TEST

START_TEST(end_beyond_every_clock_is_still_a_limit)
{
    struct talk talk = {0};
    pam_handle_t *pamh;

    use_stack("session_limit", "");
    pamh = rig_start("login", "alice", &talk);
    ck_assert_pam(pam_putenv(pamh, "JWT_EXP=9007199254740991"), PAM_SUCCESS);
    ck_assert_pam(pam_open_session(pamh, 0), PAM_SUCCESS);
    assert_limit(pamh, INT64_C(3650) * 86400, INT64_C(3650) * 86400);
    end(pamh);
}
END_TEST

START_TEST(shorter_limit_of_another_module_stays)
{
    assert_planted("plant=30", 30, 30);
}
END_TEST

START_TEST(longer_or_unreadable_limit_of_another_module_does_not)
{
    static const char *const plants[] = {"plant=1h", "plant=infinity", "plant=0",
                                         "plant=",   "plant=-5",       "plant=x"};

    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++)
        assert_planted(plants[i], 97, 100);
}
END_TEST

RIG_MAIN("pam_session", session_ends_with_its_token, without_the_option_no_session_is_limited,
         login_by_password_is_not_limited,
         login_that_another_process_checked_is_limited_by_its_environment,
         token_that_is_over_opens_no_session, token_in_its_leeway_opens_a_session_of_a_second,
         end_beyond_every_clock_is_still_a_limit, shorter_limit_of_another_module_stays,
         longer_or_unreadable_limit_of_another_module_does_not)
