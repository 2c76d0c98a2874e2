/* The module's options, its files, and what happens when either is wrong. */
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#define CONFIG_DIR "/etc/jwt"
#define CONFIG CONFIG_DIR "/jwt.conf"

static char *good_token(void)
{
    struct plan plan = plan_good("alice");

    return mint_sign(&plan);
}

/* The code of alice's good token; PAM_SUCCESS when the account phase agrees. */
static int try_good(void)
{
    char *token = good_token();
    int rc;

    rig_log_clear();
    rc = rig_login(RIG_PROBE, "alice", token);
    free(token);
    return rc;
}

START_TEST(wrong_option_is_a_service_error_in_each_phase)
{
    static const struct {
        const char *option, *named;
    } rows[] = {
        {"nonsense", "nonsense"},
        {"debug=1", "debug"},
        {"quiet=yes", "quiet"},
        {"session_limit=1h", "session_limit"},
        {"prompt", "prompt"},
        {"user_map", "user_map"},
        {"user_map=", "user_map"},
        {"user_map=usermap", "user_map"},
        {"user_map=Same", "user_map"},
        {"prompt=", "prompt"},
        {"[prompt=a\tb]", "prompt"},
        {"leeway=-5", "leeway"},
        {"leeway=1h", "leeway"},
        {"leeway=", "leeway"},
        {"algorithms=none", "algorithms"},
        {"algorithms=XX", "algorithms"},
        {"scope=perhaps", "scope"},
        {"one_time=maybe", "one_time"},
        {"typ=Foo", "typ"},
        {"claim=nocolon", "claim"},
        {"max_length=0", "max_length"},
        {"max_lifetime=never", "max_lifetime"},
        {"allow_root=perhaps", "allow_root"},
        {"ignore_non_token=1", "ignore_non_token"},
        {"use_first_pass=no", "use_first_pass"},
        {"config", "config"},
        {"config=", "config"},
        {"config=jwt.conf", "config"},
        {"keys", "keys"},
        {"KEYS=/x", "KEYS"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct talk talk = {0};
        char options[128];
        pam_handle_t *pamh;

        (void)snprintf(options, sizeof(options), "# %s", rows[i].option);
        rig_probe(options);
        pamh = rig_start(RIG_PROBE, "alice", &talk);
        rig_log_clear();
        ck_assert_msg(pam_authenticate(pamh, 0) == PAM_SERVICE_ERR, "%s was taken",
                      rows[i].option);
        ck_assert_uint_eq(talk.prompts, 0);
        ck_assert_uint_eq(rig_log_lines(), 1);
        ck_assert_int_eq(rig_log_priority(0), LOG_ERR);
        ck_assert_msg(strstr(rig_log_line(0), rows[i].named) != NULL, "no %s in: %s",
                      rows[i].named, rig_log_line(0));
        ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SERVICE_ERR);
        ck_assert_pam(pam_open_session(pamh, 0), PAM_SERVICE_ERR);
        ck_assert_pam(pam_close_session(pamh, 0), PAM_SERVICE_ERR);
        ck_assert_pam(pam_chauthtok(pamh, 0), PAM_SERVICE_ERR);
        ck_assert_uint_eq(rig_log_lines(), 5);
        ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
        pamh = rig_start(RIG_PROBE, "alice", &talk);
        ck_assert_pam(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SERVICE_ERR);
        ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    }
}
END_TEST

START_TEST(end_of_file_at_the_prompt_is_passed_on)
{
    ck_assert_pam(rig_auth(RIG_PROBE, "alice", NULL), PAM_AUTHTOK_ERR);
    ck_assert_pam(rig_auth(RIG_RECOMMENDED, "alice", NULL), PAM_AUTHTOK_ERR);
    ck_assert_uint_eq(rig_log_lines(), 0);
}
END_TEST

START_TEST(failed_conversation_never_succeeds)
{
    struct talk talk = {.fail = PAM_CONV_ERR};
    pam_handle_t *pamh = rig_start(RIG_RECOMMENDED, "alice", &talk);
    int rc = pam_authenticate(pamh, 0);

    ck_assert_msg(rc == PAM_CONV_ERR || rc == PAM_AUTHTOK_ERR, "gave %d", rc);
    ck_assert_pam(pam_end(pamh, rc), PAM_SUCCESS);
}
END_TEST

START_TEST(use_first_pass_never_asks)
{
    struct talk talk = {0};
    char *token = good_token();
    pam_handle_t *pamh;

    talk.answer = token;
    rig_probe("# use_first_pass");
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    ck_assert_uint_eq(talk.prompts, 0);
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free(token);
}
END_TEST

/* pam_unix asks, fails, and leaves what it got to the next. */
static void assert_takes_first_pass(const char *option)
{
    struct talk talk = {0};
    char stack[512];
    char *token = good_token();
    pam_handle_t *pamh;

    (void)snprintf(stack, sizeof(stack), "auth sufficient pam_unix.so\nauth required @ # %s\n",
                   option);
    rig_stack("after", stack);
    talk.answer = token;
    pamh = rig_start("after", "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_uint_eq(talk.prompts, 1);
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free(token);
}

START_TEST(token_prompted_for_by_an_earlier_module_is_used)
{
    assert_takes_first_pass("use_first_pass");
    assert_takes_first_pass("try_first_pass");
    assert_takes_first_pass("");
}
END_TEST

START_TEST(missing_keys_are_unavailable)
{
    ck_assert_int_eq(unlink(rig_path("jwks.json")), 0);
    ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
    ck_assert_uint_eq(rig_log_lines(), 1);
    ck_assert_int_eq(rig_log_priority(0), LOG_ERR);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "jwks.json"));
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=keys"));
}
END_TEST

START_TEST(keys_that_others_can_write_are_unavailable)
{
    ck_assert_int_eq(chmod(rig_path("jwks.json"), 0666), 0);
    ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
    ck_assert_int_eq(chmod(rig_path("jwks.json"), 0664), 0);
    ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
    ck_assert_int_eq(chmod(rig_path("jwks.json"), 0644), 0);
    ck_assert_pam(try_good(), PAM_SUCCESS);
    ck_assert_int_eq(chown(rig_path("jwks.json"), 23002, 23002), 0);
    ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
}
END_TEST

START_TEST(keys_behind_a_link_are_unavailable)
{
    ck_assert_int_eq(rename(rig_path("jwks.json"), rig_path("real")), 0);
    ck_assert_int_eq(symlink(rig_path("real"), rig_path("jwks.json")), 0);
    ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
}
END_TEST

START_TEST(keys_in_a_fifo_do_not_hang)
{
    ck_assert_int_eq(unlink(rig_path("jwks.json")), 0);
    ck_assert_int_eq(mkfifo(rig_path("jwks.json"), 0644), 0);
    ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
}
END_TEST

START_TEST(keys_that_are_no_key_set_are_unavailable)
{
    static const char *const texts[] = {"",   "{}",       "{\"keys\":[]}",
                                        "[]", "nonsense", "{\"keys\":[{}]}"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        rig_write("jwks.json", texts[i]);
        ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
        ck_assert_uint_eq(rig_log_lines(), 1);
    }
}
END_TEST

START_TEST(missing_list_is_unavailable)
{
    ck_assert_int_eq(unlink(rig_path("revoked")), 0);
    ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=revoked_list"));
}
END_TEST

START_TEST(list_of_a_wrong_size_or_form_is_unavailable)
{
    rig_write("revoked", "x\n");
    ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
    /* One line's length, and no line. */
    rig_write("revoked", "AZjmXvZ0cKqkz1y9sUe3vB_9999999999\n");
    ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
    rig_revoke(MINT_SID);
    ck_assert_int_eq(truncate(rig_path("revoked"), 33), 0);
    ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
}
END_TEST

START_TEST(revoked_none_asks_no_list)
{
    rig_revoke(MINT_SID);
    rig_probe("# revoked=none");
    ck_assert_pam(try_good(), PAM_SUCCESS);
}
END_TEST

START_TEST(empty_issuer_or_audience_never_means_any)
{
    rig_probe("# audience=");
    ck_assert_int_ne(try_good(), PAM_SUCCESS);
    rig_probe("# issuer=");
    ck_assert_int_ne(try_good(), PAM_SUCCESS);
}
END_TEST

START_TEST(without_an_issuer_file_the_module_is_unavailable)
{
    char options[1024];

    (void)snprintf(options, sizeof(options), "keys=%s revoked=none", rig_path("jwks.json"));
    rig_probe(options);
    ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
}
END_TEST

static void write_at(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    ck_assert_ptr_nonnull(f);
    (void)fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(defaults_are_what_the_issuer_publishes)
{
    rig_probe("");
    rig_publish();
    ck_assert_pam(try_good(), PAM_SUCCESS);
    rig_revoke(MINT_SID);
    rig_copy("revoked", "/var/lib/jwt/revoked");
    ck_assert_pam(try_good(), PAM_AUTH_ERR);
    rig_copy("jwks.json", "/var/lib/jwt/revoked");
    ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
}
END_TEST

START_TEST(broken_settings_refuse_tokens_and_let_passwords_pass)
{
    char *token = good_token();

    (void)mkdir(CONFIG_DIR, 0755);
    write_at(CONFIG, "[Token]\nNonsense=1\n");
    ck_assert_pam(rig_login(RIG_RECOMMENDED, "alice", token), PAM_AUTHINFO_UNAVAIL);
    ck_assert_uint_eq(rig_log_lines(), 1);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), CONFIG));
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "Nonsense"));
    rig_log_clear();
    ck_assert_pam(rig_login(RIG_RECOMMENDED, "alice", RIG_ALICE_PASSWORD), PAM_SUCCESS);
    ck_assert_uint_eq(rig_log_lines(), 0);
    ck_assert_int_eq(unlink(CONFIG), 0);
    ck_assert_pam(rig_login(RIG_RECOMMENDED, "alice", token), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(settings_named_by_config_must_be_there)
{
    char options[512];

    (void)snprintf(options, sizeof(options), "# config=%s", rig_path("none.conf"));
    rig_probe(options);
    ck_assert_pam(try_good(), PAM_AUTHINFO_UNAVAIL);
    rig_write("none.conf", "");
    ck_assert_pam(try_good(), PAM_SUCCESS);
}
END_TEST

static void use_issuer_section(const char *more)
{
    char options[512], section[1024];

    (void)snprintf(section, sizeof(section),
                   "[Issuer " RIG_ISSUER "]\nKeys=%s\nAudience=" RIG_AUDIENCE "\n%s",
                   rig_path("jwks.json"), more);
    rig_write("jwt.conf", section);
    (void)snprintf(options, sizeof(options), "config=%s", rig_path("jwt.conf"));
    rig_probe(options);
}

START_TEST(section_of_another_issuer_needs_no_local_file)
{
    use_issuer_section("UserMap=same\n");
    ck_assert_pam(try_good(), PAM_SUCCESS);
}
END_TEST

START_TEST(users_of_another_issuer_are_unmapped_without_a_map)
{
    use_issuer_section("");
    ck_assert_pam(try_good(), PAM_AUTH_ERR);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=unmapped_user"));
}
END_TEST

START_TEST(list_of_another_issuer_is_searched_in_both_phases)
{
    char more[512];
    struct talk talk = {0};
    pam_handle_t *pamh;
    char *token = good_token();

    (void)snprintf(more, sizeof(more), "UserMap=same\nRevoked=%s\n", rig_path("revoked"));
    use_issuer_section(more);
    talk.answer = token;
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    rig_revoke(MINT_SID);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_ACCT_EXPIRED);
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(try_good(), PAM_AUTH_ERR);
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    ck_assert_pam(pam_putenv(pamh, "JWT_EXP=9999999999"), PAM_SUCCESS);
    ck_assert_pam(pam_putenv(pamh, "JWT_SID=" MINT_SID), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_ACCT_EXPIRED);
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(words_beside_config_override_its_section)
{
    char options[512];

    use_issuer_section("UserMap=same\n");
    (void)snprintf(options, sizeof(options), "config=%s audience=elsewhere",
                   rig_path("jwt.conf"));
    rig_probe(options);
    ck_assert_pam(try_good(), PAM_AUTH_ERR);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=wrong_audience"));
}
END_TEST

START_TEST(claim_and_scope_options_bind)
{
    rig_probe("# claim=team:red");
    ck_assert_pam(try_good(), PAM_AUTH_ERR);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=wrong_claim"));
    rig_probe("# scope=required");
    ck_assert_pam(try_good(), PAM_AUTH_ERR);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=wrong_scope"));
    rig_probe("# one_time=required");
    ck_assert_pam(try_good(), PAM_AUTH_ERR);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=one_time"));
    rig_probe("# type=refresh");
    ck_assert_pam(try_good(), PAM_AUTH_ERR);
    rig_probe("# user_claim=uid");
    ck_assert_pam(try_good(), PAM_AUTH_ERR);
    rig_probe("# require=iss,email");
    ck_assert_pam(try_good(), PAM_AUTH_ERR);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=missing_claim"));
}
END_TEST

RIG_MAIN("pam_option", wrong_option_is_a_service_error_in_each_phase,
         end_of_file_at_the_prompt_is_passed_on, failed_conversation_never_succeeds,
         use_first_pass_never_asks, token_prompted_for_by_an_earlier_module_is_used,
         missing_keys_are_unavailable, keys_that_others_can_write_are_unavailable,
         keys_behind_a_link_are_unavailable, keys_in_a_fifo_do_not_hang,
         keys_that_are_no_key_set_are_unavailable, missing_list_is_unavailable,
         list_of_a_wrong_size_or_form_is_unavailable, revoked_none_asks_no_list,
         empty_issuer_or_audience_never_means_any,
         without_an_issuer_file_the_module_is_unavailable,
         defaults_are_what_the_issuer_publishes,
         broken_settings_refuse_tokens_and_let_passwords_pass,
         settings_named_by_config_must_be_there, section_of_another_issuer_needs_no_local_file,
         users_of_another_issuer_are_unmapped_without_a_map,
         list_of_another_issuer_is_searched_in_both_phases,
         words_beside_config_override_its_section, claim_and_scope_options_bind)
