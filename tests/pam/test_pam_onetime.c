/* One-time tokens: which are accepted, used up last and once, by any service. */
#include "tests/pam/once.h"

START_TEST(one_time_token_opens_once)
{
    struct talk talk = {0};
    char *token = token_once();
    pam_handle_t *pamh;

    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert_uint_eq(notes(), 1);
    talk.answer = token;
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    ck_assert_str_eq(talk.shown, "pam_jwt: the one-time token has already been used\n");
    assert_last_reason("spent");
    ck_assert_pam(pam_acct_mgmt(pamh, 0), RIG_IGNORED);
    ck_assert_pam(pam_end(pamh, PAM_AUTH_ERR), PAM_SUCCESS);
    ck_assert_uint_eq(notes(), 1);
    free(token);
}
END_TEST

START_TEST(use_at_one_service_is_a_use_at_all)
{
    char *token = token_once();

    rig_stack("sshd", "auth required @ #\naccount required @ #\n");
    rig_stack("sudo", "auth required @ #\naccount required @ #\n");
    ck_assert_pam(rig_login("sshd", "alice", token), PAM_SUCCESS);
    ck_assert_pam(rig_login("sudo", "alice", token), PAM_AUTH_ERR);
    assert_last_reason("spent");
    free(token);
}
END_TEST

START_TEST(what_was_spent_stays_good_for_its_own_login)
{
    struct talk talk = {0};
    char *token = token_once();
    pam_handle_t *pamh;

    talk.answer = token;
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
    ck_assert_pam(pam_open_session(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
    ck_assert_uint_eq(notes(), 1);
    free(token);
}
END_TEST

START_TEST(token_refused_for_anything_else_is_not_spent)
{
    struct plan expired = plan_once("alice"), carol = plan_once("carol"), plan;
    char *spoiled = token_once();

    mint_spoil(spoiled);
    assert_unspent(spoiled, RIG_PROBE, PAM_AUTH_ERR, "bad_signature");
    (void)snprintf(expired.exp, sizeof(expired.exp), "%" PRId64, NOW - 60);
    assert_unspent(mint_sign(&expired), RIG_PROBE, PAM_AUTH_ERR, "expired");
    assert_unspent(mint_sign(&carol), RIG_PROBE, PAM_AUTH_ERR, "wrong_user");
    plan = plan_once("alice");
    SET(more, ONCE ",\"scope\":\"pam:sudo\"");
    assert_unspent(mint_sign(&plan), RIG_PROBE, PAM_AUTH_ERR, "wrong_scope");
    rig_revoke(MINT_SID);
    assert_unspent(token_once(), RIG_PROBE, PAM_AUTH_ERR, "revoked");
    rig_revoke("");
    plan = plan_once("nobodyhere");
    spoiled = mint_sign(&plan);
    ck_assert_pam(rig_login(RIG_PROBE, "nobodyhere", spoiled), PAM_USER_UNKNOWN);
    free(spoiled);
    ck_assert_uint_eq(notes(), 0);
}
END_TEST

START_TEST(one_audience_an_id_and_a_time_are_required)
{
    struct plan plan = plan_once("alice");
    struct plan lists = plan, nameless = plan, timeless = plan, early = plan, empty = plan;

    (void)snprintf(lists.aud, sizeof(lists.aud), "[\"" RIG_AUDIENCE "\",\"other.example\"]");
    assert_unspent(mint_sign(&lists), RIG_PROBE, PAM_AUTH_ERR, "one_time");
    (void)snprintf(lists.aud, sizeof(lists.aud), "[\"" RIG_AUDIENCE "\",\"" RIG_AUDIENCE "\"]");
    assert_unspent(mint_sign(&lists), RIG_PROBE, PAM_AUTH_ERR, "one_time");
    nameless.jti[0] = '\0';
    assert_unspent(mint_sign(&nameless), RIG_PROBE, PAM_AUTH_ERR, "missing_claim");
    (void)snprintf(empty.jti, sizeof(empty.jti), "\"\"");
    assert_unspent(mint_sign(&empty), RIG_PROBE, PAM_AUTH_ERR, "one_time");
    /* Within the leeway for any other token: it could outlive a restart. */
    (void)snprintf(early.iat, sizeof(early.iat), "%" PRId64, NOW + 4);
    assert_unspent(mint_sign(&early), RIG_PROBE, PAM_AUTH_ERR, "not_yet_valid");
    rig_probe("# require=exp");
    timeless.iat[0] = '\0';
    assert_unspent(mint_sign(&timeless), RIG_PROBE, PAM_AUTH_ERR, "missing_claim");
    SET(aud, "[\"" RIG_AUDIENCE "\"]");
    rig_log_clear();
    assert_unspent(mint_sign(&nameless), RIG_PROBE, PAM_AUTH_ERR, "missing_claim");
}
END_TEST

START_TEST(one_audience_in_a_list_is_one)
{
    struct plan plan = plan_once("alice");
    char *token;

    SET(aud, "[\"" RIG_AUDIENCE "\"]");
    token = mint_sign(&plan);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_AUTH_ERR);
    free(token);
}
END_TEST

START_TEST(only_one_time_tokens_where_they_are_required)
{
    struct plan plan = plan_good("alice");
    char *token = token_once();

    rig_probe("# one_time=required");
    assert_unspent(mint_sign(&plan), RIG_PROBE, PAM_AUTH_ERR, "one_time");
    SET(more, ",\"one_time\":false");
    assert_unspent(mint_sign(&plan), RIG_PROBE, PAM_AUTH_ERR, "one_time");
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_AUTH_ERR);
    free(token);
}
END_TEST

START_TEST(token_older_than_what_is_known_of_uses_is_refused)
{
    struct plan plan = plan_once("alice");
    int64_t iat = NOW - 30;
    char *token;

    SET(iat, "%" PRId64, iat);
    rig_run_since(iat);
    assert_unspent(mint_sign(&plan), RIG_PROBE, PAM_AUTH_ERR, "spent");
    rig_run_since(iat + 1);
    assert_unspent(mint_sign(&plan), RIG_PROBE, PAM_AUTH_ERR, "spent");
    rig_run_since(iat - 1);
    token = mint_sign(&plan);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    free(token);
}
END_TEST

RIG_MAIN("pam_onetime", one_time_token_opens_once, use_at_one_service_is_a_use_at_all,
         what_was_spent_stays_good_for_its_own_login,
         token_refused_for_anything_else_is_not_spent,
         one_audience_an_id_and_a_time_are_required, one_audience_in_a_list_is_one,
         only_one_time_tokens_where_they_are_required,
         token_older_than_what_is_known_of_uses_is_refused)
