/* What each phase answers: in one handle, in fresh ones, and across a fork, where only the PAM
 * environment comes over. */
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SET(member, ...) (void)snprintf(plan.member, sizeof(plan.member), __VA_ARGS__)

/* A handle on which alice's token was taken. */
static pam_handle_t *taken(const char *service, struct talk *talk)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);
    pam_handle_t *pamh;

    *talk = (struct talk){.answer = token};
    pamh = rig_start(service, "alice", talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    free(token);
    talk->answer = NULL;
    return pamh;
}

static void end(pam_handle_t *pamh)
{
    ck_assert_pam(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

START_TEST(every_phase_after_a_token_succeeds)
{
    struct talk talk;
    pam_handle_t *pamh = taken(RIG_PROBE, &talk);

    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    ck_assert_pam(pam_open_session(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_setcred(pamh, PAM_REINITIALIZE_CRED), PAM_SUCCESS);
    ck_assert_pam(pam_close_session(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_setcred(pamh, PAM_DELETE_CRED), PAM_SUCCESS);
    ck_assert_uint_eq(rig_log_lines(), 1);
    end(pamh);
}
END_TEST

START_TEST(every_phase_without_a_token_is_ignored)
{
    struct talk talk = {0};
    pam_handle_t *pamh = rig_start(RIG_PROBE, "alice", &talk);

    ck_assert_pam(pam_acct_mgmt(pamh, 0), RIG_IGNORED);
    ck_assert_pam(pam_setcred(pamh, PAM_ESTABLISH_CRED), RIG_IGNORED);
    ck_assert_pam(pam_open_session(pamh, 0), RIG_IGNORED);
    ck_assert_pam(pam_close_session(pamh, 0), RIG_IGNORED);
    ck_assert_pam(pam_chauthtok(pamh, 0), RIG_IGNORED);
    ck_assert_uint_eq(rig_log_lines(), 0);
    ck_assert_uint_eq(talk.prompts, 0);
    end(pamh);
}
END_TEST

START_TEST(chauthtok_is_ignored_after_a_token_too)
{
    struct talk talk;
    pam_handle_t *pamh = taken(RIG_PROBE, &talk);

    ck_assert_pam(pam_chauthtok(pamh, 0), RIG_IGNORED);
    end(pamh);
}
END_TEST

/* PAM_AUTHTOK is hidden from programs: the conversation of a module after ours shows it. */
START_TEST(authtok_is_gone_after_success)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan);
    struct talk talk = {.answer = token};
    pam_handle_t *pamh;

    /* Where the token were still there, pam_unix would take it and never ask. */
    rig_stack("both", "auth required @ #\nauth required pam_unix.so try_first_pass\n");
    pamh = rig_start("both", "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    ck_assert_uint_eq(talk.prompts, 2);
    end(pamh);
    free(token);
}
END_TEST

START_TEST(authtok_stays_for_the_password_module_when_ignored)
{
    struct talk talk = {.answer = RIG_ALICE_PASSWORD};
    pam_handle_t *pamh = rig_start(RIG_RECOMMENDED, "alice", &talk);

    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_uint_eq(talk.prompts, 1);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    ck_assert_uint_eq(rig_log_lines(), 0);
    end(pamh);
}
END_TEST

START_TEST(environment_names_the_session_and_never_the_token)
{
    struct talk talk;
    pam_handle_t *pamh = taken(RIG_PROBE, &talk);
    char **list = pam_getenvlist(pamh);
    size_t n = 0;

    ck_assert_str_eq(pam_getenv(pamh, "JWT_JTI"), "AZjmXvZ0cKqkz1y9sUe3vQ");
    ck_assert_str_eq(pam_getenv(pamh, "JWT_SID"), MINT_SID);
    ck_assert_int_gt(strtoll(pam_getenv(pamh, "JWT_EXP"), NULL, 10), time(NULL) + 800);
    for (; list[n]; n++) {
        ck_assert_ptr_null(strstr(list[n], "eyJ"));
        free(list[n]);
    }
    free(list);
    ck_assert_uint_eq(n, 3);
    end(pamh);
}
END_TEST

START_TEST(account_refuses_a_token_that_expired_since)
{
    struct plan plan = plan_good("alice");
    struct talk talk = {0};
    pam_handle_t *pamh;
    char *token;

    rig_probe("# leeway=0");
    SET(exp, "%" PRId64, (int64_t)time(NULL) + 2);
    token = mint_sign(&plan);
    talk.answer = token;
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    (void)sleep(3);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_ACCT_EXPIRED);
    ck_assert_str_eq(talk.shown, "pam_jwt: the token has expired\n");
    ck_assert_uint_eq(rig_log_lines(), 2);
    ck_assert_ptr_nonnull(strstr(rig_log_line(1), "reason=expired"));
    free(token);
    end(pamh);
}
END_TEST

START_TEST(account_refuses_a_session_that_ended_since)
{
    struct talk talk;
    pam_handle_t *pamh = taken(RIG_PROBE, &talk);

    rig_revoke(MINT_SID);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_ACCT_EXPIRED);
    ck_assert_ptr_nonnull(strstr(rig_log_line(1), "reason=revoked"));
    rig_revoke("");
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    end(pamh);
}
END_TEST

START_TEST(account_without_its_list_is_unavailable)
{
    struct talk talk;
    pam_handle_t *pamh = taken(RIG_PROBE, &talk);

    ck_assert_int_eq(unlink(rig_path("revoked")), 0);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_AUTHINFO_UNAVAIL);
    end(pamh);
}
END_TEST

START_TEST(account_refuses_another_user_than_the_token_s)
{
    struct talk talk;
    pam_handle_t *pamh = taken(RIG_PROBE, &talk);

    ck_assert_pam(pam_set_item(pamh, PAM_USER, "carol"), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
    end(pamh);
}
END_TEST

START_TEST(account_refuses_another_service_than_the_scope_s)
{
    struct plan plan = plan_good("alice");
    struct talk talk = {0};
    pam_handle_t *pamh;
    char *token;

    SET(more, ",\"scope\":\"pam:probe\"");
    token = mint_sign(&plan);
    rig_stack("sudo", "account required @ #\n");
    talk.answer = token;
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_set_item(pamh, PAM_SERVICE, "sudo"), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
    free(token);
    end(pamh);
}
END_TEST

START_TEST(a_password_after_a_token_is_no_token_login)
{
    struct talk talk;
    pam_handle_t *pamh = taken(RIG_RECOMMENDED, &talk);

    ck_assert_ptr_nonnull(pam_getenv(pamh, "JWT_JTI"));
    talk.answer = RIG_ALICE_PASSWORD;
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_ptr_null(pam_getenv(pamh, "JWT_JTI"));
    ck_assert_ptr_null(pam_getenv(pamh, "JWT_EXP"));
    ck_assert_ptr_null(pam_getenv(pamh, "JWT_SID"));
    rig_revoke(MINT_SID);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    end(pamh);
}
END_TEST

START_TEST(a_refused_token_takes_an_earlier_success_back)
{
    struct talk talk;
    pam_handle_t *pamh = taken(RIG_PROBE, &talk);

    talk.answer = "eyJhbGciOiJFZERTQSJ9.e30.AAAA";
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), RIG_IGNORED);
    ck_assert_pam(pam_open_session(pamh, 0), RIG_IGNORED);
    ck_assert_ptr_null(pam_getenv(pamh, "JWT_EXP"));
    end(pamh);
}
END_TEST

/* sshd's keyboard-interactive: another process authenticated, its environment came over. */
static pam_handle_t *with_env(const char *exp, const char *jti, const char *sid)
{
    static struct talk talk;
    const char *const values[] = {exp, jti, sid};
    static const char *const names[] = {"JWT_EXP", "JWT_JTI", "JWT_SID"};
    pam_handle_t *pamh;
    char line[512];

    talk = (struct talk){0};
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    for (size_t i = 0; i < 3; i++) {
        if (!values[i])
            continue;
        (void)snprintf(line, sizeof(line), "%s=%s", names[i], values[i]);
        ck_assert_pam(pam_putenv(pamh, line), PAM_SUCCESS);
    }
    return pamh;
}

static const char *seconds_from_now(int64_t d)
{
    static char text[32];

    (void)snprintf(text, sizeof(text), "%" PRId64, (int64_t)time(NULL) + d);
    return text;
}

START_TEST(environment_of_a_child_serves_setcred_account_and_session)
{
    pam_handle_t *pamh = with_env(seconds_from_now(60), "AZjmXvZ0cKqkz1y9sUe3vQ", MINT_SID);

    ck_assert_pam(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_open_session(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_close_session(pamh, 0), PAM_SUCCESS);
    end(pamh);
}
END_TEST

START_TEST(environment_of_a_child_is_checked_by_time_and_list)
{
    pam_handle_t *pamh = with_env(seconds_from_now(-60), "AZjm", MINT_SID);

    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_ACCT_EXPIRED);
    end(pamh);
    pamh = with_env(seconds_from_now(60), "AZjm", MINT_SID);
    rig_revoke(MINT_SID);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_ACCT_EXPIRED);
    ck_assert_int_eq(unlink(rig_path("revoked")), 0);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_AUTHINFO_UNAVAIL);
    end(pamh);
}
END_TEST

START_TEST(environment_that_is_not_exactly_ours_counts_as_absent)
{
    static const struct {
        const char *exp, *jti, *sid;
    } rows[] = {
        {"", "AZjm", MINT_SID},
        {"-1", "AZjm", MINT_SID},
        {"+99999999999", "AZjm", MINT_SID},
        {" 99999999999", "AZjm", MINT_SID},
        {"99999999999x", "AZjm", MINT_SID},
        {"0x7fffffffff", "AZjm", MINT_SID},
        {"99999999999999999999", "AZjm", MINT_SID},
        {"99999999999", "AZ jm", MINT_SID},
        {"99999999999", "AZjm", "../etc/passwd"},
        {"99999999999", "AZjm", ""},
        {NULL, "AZjm", MINT_SID},
        {NULL, NULL, MINT_SID},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pam_handle_t *pamh = with_env(rows[i].exp, rows[i].jti, rows[i].sid);

        ck_assert_pam(pam_acct_mgmt(pamh, 0), RIG_IGNORED);
        end(pamh);
    }
}
END_TEST

START_TEST(planted_environment_opens_nothing)
{
    pam_handle_t *pamh = with_env(seconds_from_now(60), "AZjm", MINT_SID);

    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTHTOK_ERR);
    ck_assert_ptr_null(pam_getenv(pamh, "JWT_JTI"));
    ck_assert_pam(pam_acct_mgmt(pamh, 0), RIG_IGNORED);
    end(pamh);
}
END_TEST

START_TEST(token_without_jti_and_sid_passes_every_phase)
{
    struct plan plan = plan_good("alice");
    struct talk talk = {0};
    pam_handle_t *pamh;
    char *token;

    plan.jti[0] = plan.sid[0] = '\0';
    token = mint_sign(&plan);
    talk.answer = token;
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_ptr_null(pam_getenv(pamh, "JWT_JTI"));
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    free(token);
    end(pamh);
}
END_TEST

RIG_MAIN("pam_phase", every_phase_after_a_token_succeeds,
         every_phase_without_a_token_is_ignored, chauthtok_is_ignored_after_a_token_too,
         authtok_is_gone_after_success, authtok_stays_for_the_password_module_when_ignored,
         environment_names_the_session_and_never_the_token,
         account_refuses_a_token_that_expired_since, account_refuses_a_session_that_ended_since,
         account_without_its_list_is_unavailable, account_refuses_another_user_than_the_token_s,
         account_refuses_another_service_than_the_scope_s,
         a_password_after_a_token_is_no_token_login,
         a_refused_token_takes_an_earlier_success_back,
         environment_of_a_child_serves_setcred_account_and_session,
         environment_of_a_child_is_checked_by_time_and_list,
         environment_that_is_not_exactly_ours_counts_as_absent,
         planted_environment_opens_nothing, token_without_jti_and_sid_passes_every_phase)
