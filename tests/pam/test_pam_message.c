/* The prompt, the messages to the user, and the log. */
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#define NOW ((int64_t)time(NULL))

enum fault { FAULT_EXPIRED, FAULT_ENDED, FAULT_SERVICE, FAULT_SPENT, FAULTS };

static const char *const sentences[FAULTS] = {
    [FAULT_EXPIRED] = "pam_jwt: the token has expired\n",
    [FAULT_ENDED] = "pam_jwt: the token's session was revoked\n",
    [FAULT_SERVICE] = "pam_jwt: the token's scope does not include this service\n",
    [FAULT_SPENT] = "pam_jwt: the one-time token has already been used\n",
};

static char *token_with(enum fault fault)
{
    struct plan plan = plan_good("alice");
    char *token;

    rig_revoke(fault == FAULT_ENDED ? MINT_SID : "");
    if (fault == FAULT_EXPIRED)
        (void)snprintf(plan.exp, sizeof(plan.exp), "%" PRId64, NOW - 60);
    if (fault == FAULT_SERVICE)
        (void)snprintf(plan.more, sizeof(plan.more), ",\"scope\":\"pam:other\"");
    if (fault == FAULT_SPENT)
        (void)snprintf(plan.more, sizeof(plan.more), ",\"one_time\":true");
    token = mint_sign(&plan);
    if (fault == FAULT_SPENT)
        (void)rig_auth(RIG_PROBE, "alice", token);
    rig_log_clear();
    return token;
}

static void assert_shown(const char *token, int flags, const char *shown)
{
    struct talk talk = {.answer = token};
    pam_handle_t *pamh = rig_start(RIG_PROBE, "alice", &talk);

    ck_assert_pam(pam_authenticate(pamh, flags), PAM_AUTH_ERR);
    ck_assert_str_eq(talk.shown, shown);
    ck_assert_pam(pam_end(pamh, PAM_AUTH_ERR), PAM_SUCCESS);
}

START_TEST(holder_is_shown_what_a_new_token_would_correct)
{
    for (int fault = 0; fault < FAULTS; fault++) {
        char *token = token_with((enum fault)fault);

        assert_shown(token, 0, sentences[fault]);
        assert_shown(token, PAM_SILENT, "");
        ck_assert_uint_eq(rig_log_lines(), 2);
        mint_spoil(token);
        assert_shown(token, 0, "");
        free(token);
    }
}
END_TEST

START_TEST(quiet_writes_to_the_log_alone)
{
    for (int fault = 0; fault < FAULTS; fault++) {
        char *token = token_with((enum fault)fault);

        rig_probe("# quiet");
        assert_shown(token, 0, "");
        ck_assert_uint_eq(rig_log_lines(), 1);
        free(token);
        rig_probe("#");
    }
}
END_TEST

START_TEST(account_phase_shows_messages_and_is_quiet_likewise)
{
    static const char *const stacks[] = {"#", "# quiet"};

    for (size_t i = 0; i < 2; i++) {
        struct plan plan = plan_good("alice");
        char *token = mint_sign(&plan);
        struct talk talk = {.answer = token};
        pam_handle_t *pamh;

        rig_probe(stacks[i]);
        rig_revoke("");
        pamh = rig_start(RIG_PROBE, "alice", &talk);
        ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
        rig_revoke(MINT_SID);
        ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_ACCT_EXPIRED);
        ck_assert_str_eq(talk.shown, i == 0 ? sentences[FAULT_ENDED] : "");
        talk.shown[0] = '\0';
        ck_assert_pam(pam_acct_mgmt(pamh, PAM_SILENT), PAM_ACCT_EXPIRED);
        ck_assert_str_eq(talk.shown, "");
        ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
        free(token);
    }
}
END_TEST

START_TEST(user_of_a_one_time_token_is_shown_that_its_use_cannot_be_recorded)
{
    static const char *const stacks[] = {"#", "# quiet"};
    struct plan plan = plan_good("alice");
    char *token;

    (void)snprintf(plan.more, sizeof(plan.more), ",\"one_time\":true");
    token = mint_sign(&plan);
    rig_run_clear();
    for (size_t i = 0; i < 2; i++) {
        struct talk talk = {.answer = token};
        pam_handle_t *pamh;

        rig_probe(stacks[i]);
        pamh = rig_start(RIG_PROBE, "alice", &talk);
        ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTHINFO_UNAVAIL);
        ck_assert_str_eq(
            talk.shown,
            i ? "" : "pam_jwt: this program cannot record the use of a one-time token\n");
        ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    }
    ck_assert_ptr_nonnull(strstr(
        rig_log_line(0), "token verification error, the use of a one-time token cannot be "
                         "recorded: /run/jwt: cannot open: No such file or directory: "));
    rig_run_make();
    rig_probe("#");
    free(token);
}
END_TEST

START_TEST(prompt_is_pams_own_unless_it_is_given)
{
    struct talk talk = {.answer = "x"};
    pam_handle_t *pamh = rig_start(RIG_PROBE, "alice", &talk);

    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    ck_assert_str_eq(talk.prompt, "Password: ");
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    rig_probe("# [prompt=Token, please: ]");
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    ck_assert_str_eq(talk.prompt, "Token, please: ");
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
}
END_TEST

START_TEST(line_of_a_verdict_names_what_it_is_about)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan), want[512];
    struct talk talk = {.answer = token};
    pam_handle_t *pamh = rig_start(RIG_PROBE, "alice", &talk);
    struct slice kid = key_kid(rig_key());

    ck_assert_pam(pam_set_item(pamh, PAM_TTY, "/dev/pts/7"), PAM_SUCCESS);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    (void)snprintf(want, sizeof(want),
                   "pam_jwt(probe:auth): token accepted: service=probe user=alice "
                   "rhost=192.0.2.7 tty=/dev/pts/7 issuer=" RIG_ISSUER " kid=%.*s "
                   "jti=AZjmXvZ0cKqkz1y9sUe3vQ sid=" MINT_SID " reason=ok",
                   (int)kid.n, kid.p);
    ck_assert_uint_eq(rig_log_lines(), 1);
    ck_assert_str_eq(rig_log_line(0), want);
    rig_revoke(MINT_SID);
    rig_log_clear();
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_ACCT_EXPIRED);
    ck_assert_uint_eq(rig_log_lines(), 1);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=revoked"));
    *strstr(want, " reason=") = '\0';
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), strstr(want, "service=")));
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(name_that_is_no_account_is_in_no_line)
{
    struct plan plan = plan_good("hunter2");
    char *token = mint_sign(&plan);

    rig_probe("# debug");
    ck_assert_pam(rig_auth(RIG_PROBE, "hunter2", token), PAM_USER_UNKNOWN);
    ck_assert(!rig_log_holds("hunter2"));
    ck_assert(rig_log_holds("user=- "));
    ck_assert_pam(rig_auth(RIG_PROBE, "hunter2", "x"), PAM_AUTH_ERR);
    ck_assert(!rig_log_holds("hunter2"));
    free(token);
}
END_TEST

START_TEST(field_from_outside_can_fake_no_other)
{
    struct talk talk = {.answer = "x"};
    pam_handle_t *pamh = rig_start(RIG_PROBE, "alice", &talk);

    ck_assert_pam(pam_set_item(pamh, PAM_TTY, "a reason=ok\nx"), PAM_SUCCESS);
    ck_assert_pam(pam_set_item(pamh, PAM_RHOST, "h user=root \"x"), PAM_SUCCESS);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    ck_assert_uint_eq(rig_log_lines(), 1);
    ck_assert_ptr_nonnull(
        strstr(rig_log_line(0), "rhost=h?user?root??x tty=a?reason?ok?x issuer=-"));
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
}
END_TEST

START_TEST(debug_says_more_and_no_secret)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan), part[32];
    size_t debug = 0;

    rig_probe("# debug");
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    for (size_t i = 0; i < rig_log_lines(); i++)
        debug += rig_log_priority(i) == LOG_DEBUG;
    ck_assert_uint_gt(debug, 0);
    ck_assert_uint_eq(rig_log_lines(), debug + 1);
    ck_assert(rig_log_holds("jwks.json"));
    ck_assert(!rig_log_holds(token));
    (void)snprintf(part, sizeof(part), "%.16s", strrchr(token, '.') + 1);
    ck_assert(!rig_log_holds(part));
    (void)snprintf(part, sizeof(part), "%.16s", strchr(token, '.') + 1);
    ck_assert(!rig_log_holds(part));
    rig_log_clear();
    ck_assert_pam(rig_auth(RIG_PROBE, "alice", RIG_ALICE_PASSWORD), PAM_AUTH_ERR);
    ck_assert(!rig_log_holds(RIG_ALICE_PASSWORD));
    free(token);
}
END_TEST

START_TEST(debug_names_the_keys_that_are_not_used)
{
    struct plan plan = plan_good("alice");
    char *token = mint_sign(&plan), *jwk = NULL, set[1024];

    ck_assert_ok(key_public_jwk(rig_key(), &jwk));
    (void)snprintf(set, sizeof(set),
                   "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"old\",\"use\":\"enc\"},%s]}", jwk);
    rig_write("jwks.json", set);
    rig_probe("# debug");
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert(rig_log_holds("jwks.json: key 1: use: expected \"sig\" (kid old)"));
    rig_probe("#");
    rig_log_clear();
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert(!rig_log_holds("kid old"));
    rig_keys();
    free(jwk);
    free(token);
}
END_TEST

RIG_MAIN("pam_message", holder_is_shown_what_a_new_token_would_correct,
         quiet_writes_to_the_log_alone, account_phase_shows_messages_and_is_quiet_likewise,
         user_of_a_one_time_token_is_shown_that_its_use_cannot_be_recorded,
         prompt_is_pams_own_unless_it_is_given, line_of_a_verdict_names_what_it_is_about,
         name_that_is_no_account_is_in_no_line, field_from_outside_can_fake_no_other,
         debug_says_more_and_no_secret, debug_names_the_keys_that_are_not_used)
