/* Bound to a service: which words of scope open which, by their whole name alone. */
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <stdio.h>
#include <string.h>

enum { OPEN, SHUT };

static const struct row {
    const char *scope;
    int sshd, sudo, sudo_i, su;
} rows[] = {
    {"pam:sshd", OPEN, SHUT, SHUT, SHUT},
    {"pam:sudo", SHUT, OPEN, OPEN, SHUT},
    {"pam:sudo-i", SHUT, SHUT, OPEN, SHUT},
    {"pam:su", SHUT, SHUT, SHUT, OPEN},
    {"pam:*", OPEN, OPEN, OPEN, OPEN},
    {"read pam:sudo pam:sudo-i write", SHUT, OPEN, OPEN, SHUT},
    {"read pam:*", OPEN, OPEN, OPEN, OPEN},
    /* Near misses of each. */
    {"pam:s", SHUT, SHUT, SHUT, SHUT},
    {"pam:sud", SHUT, SHUT, SHUT, SHUT},
    {"pam:sudo-", SHUT, SHUT, SHUT, SHUT},
    {"pam:sudo-in", SHUT, SHUT, SHUT, SHUT},
    {"pam:sshd2", SHUT, SHUT, SHUT, SHUT},
    {"pam:su*", SHUT, SHUT, SHUT, SHUT},
    {"pam:**", SHUT, SHUT, SHUT, SHUT},
    {"pam:SSHD", SHUT, SHUT, SHUT, SHUT},
    {"pam: sshd", SHUT, SHUT, SHUT, SHUT},
    {"pam:sshd,pam:sudo", SHUT, SHUT, SHUT, SHUT},
    {"pam:", SHUT, SHUT, SHUT, SHUT},
};

/* Words that bind nothing; with scope=required they open nothing either. */
static const char *const free_words[] = {"", "read", "PAM:sshd", "xpam:sshd", "pam", "pam;su"};

static char *token_with(const char *scope)
{
    struct plan plan = plan_good("alice");

    (void)snprintf(plan.more, sizeof(plan.more), ",\"scope\":\"%s\"", scope);
    return mint_sign(&plan);
}

static void assert_opens(const char *service, const char *scope, int want)
{
    char *token = token_with(scope);
    int rc;

    rig_log_clear();
    rc = rig_login(service, "alice", token);
    ck_assert_msg(rc == (want == OPEN ? PAM_SUCCESS : PAM_AUTH_ERR), "%s with %s gave %d",
                  service, scope, rc);
    ck_assert(want == OPEN || rig_log_holds("reason=wrong_scope"));
    free(token);
}

static void use_services(const char *options)
{
    static const char *const services[] = {"sshd", "sudo", "sudo-i", "su"};
    char text[512];

    (void)snprintf(text, sizeof(text), "auth required @ # %s\naccount required @ # %s\n",
                   options, options);
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        rig_stack(services[i], text);
}

START_TEST(each_word_opens_its_service_and_no_other)
{
    static const char *const options[] = {"", "scope=required"};

    for (size_t k = 0; k < 2; k++) {
        use_services(options[k]);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            assert_opens("sshd", rows[i].scope, rows[i].sshd);
            assert_opens("sudo", rows[i].scope, rows[i].sudo);
            assert_opens("sudo-i", rows[i].scope, rows[i].sudo_i);
            assert_opens("su", rows[i].scope, rows[i].su);
        }
    }
}
END_TEST

START_TEST(words_of_others_bind_nothing_and_meet_no_requirement)
{
    for (size_t i = 0; i < sizeof(free_words) / sizeof(free_words[0]); i++) {
        use_services("");
        assert_opens("sshd", free_words[i], OPEN);
        use_services("scope=required");
        assert_opens("sshd", free_words[i], SHUT);
    }
}
END_TEST

/* A program may change PAM_SERVICE between the phases. */
START_TEST(account_phase_asks_for_the_service_it_is_called_for)
{
    char *token = token_with("pam:sshd");
    struct talk talk = {.answer = token};
    pam_handle_t *pamh;

    use_services("");
    pamh = rig_start("sshd", "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_set_item(pamh, PAM_SERVICE, "sudo"), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
    ck_assert(rig_log_holds("reason=wrong_scope"));
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free(token);
}
END_TEST

RIG_MAIN("pam_scope", each_word_opens_its_service_and_no_other,
         words_of_others_bind_nothing_and_meet_no_requirement,
         account_phase_asks_for_the_service_it_is_called_for)
