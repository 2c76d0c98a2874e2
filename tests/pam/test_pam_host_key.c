/* Bound to the SSH key of a host: accepted there by every service, and on no other host. */
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"
#include "tests/unit/host_keys.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NOBODY 65534

/* Two hosts with one audience: services of the first have no suffix, those of the second -2. */
#define HOST_1 "one/ssh_host_ed25519_key"
#define HOST_2 "two/ssh_host_ecdsa_key"

static const char *const services[] = {"sshd", "sudo", "sudo-i", "su", "login", "xdm"};

static void put_key(const char *name, const char *line)
{
    char public[64];

    (void)snprintf(public, sizeof(public), "%s.pub", name);
    rig_write(public, line);
    rig_write(name, "");
}

static void use_hosts(void)
{
    char name[32];

    ck_assert_int_eq(mkdir(rig_path("one"), 0755), 0);
    ck_assert_int_eq(mkdir(rig_path("two"), 0755), 0);
    put_key(HOST_1, HOST_KEY_LINE_1);
    put_key(HOST_2, HOST_KEY_LINE_2);
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        rig_stack(services[i], "auth required @ # host_keys=%/one/ssh_host_*_key.pub\n"
                               "account required @ # host_keys=%/one/ssh_host_*_key.pub\n");
        (void)snprintf(name, sizeof(name), "%s-2", services[i]);
        rig_stack(name, "auth required @ # host_keys=%/two/ssh_host_*_key.pub\n"
                        "account required @ # host_keys=%/two/ssh_host_*_key.pub\n");
    }
}

static char *token_for(const char *aud, const char *more)
{
    struct plan plan = plan_good("alice");

    (void)snprintf(plan.aud, sizeof(plan.aud), "%s", aud);
    (void)snprintf(plan.more, sizeof(plan.more), "%s", more);
    return mint_sign(&plan);
}

static char *bound_to(const char *key)
{
    char aud[64];

    (void)snprintf(aud, sizeof(aud), "\"" RIG_AUDIENCE "#%s\"", key);
    return token_for(aud, "");
}

static void is_refused(const char *service, const char *token, int code, const char *reason)
{
    char want[64];
    int rc;

    rig_log_clear();
    rc = rig_login(service, "alice", token);
    ck_assert_msg(rc == code, "%s gave %d, not %d", service, rc, code);
    (void)snprintf(want, sizeof(want), "reason=%s", reason);
    ck_assert_msg(rig_log_holds(want), "%s: no %s", service, want);
}

START_TEST(a_host_cannot_relay_a_token_bound_to_its_key)
{
    char *one = bound_to(HOST_KEY_1), *two = bound_to(HOST_KEY_2);
    char *plain = token_for("\"" RIG_AUDIENCE "\"", "");
    char other[32];

    use_hosts();
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        (void)snprintf(other, sizeof(other), "%s-2", services[i]);
        ck_assert_pam(rig_login(services[i], "alice", one), PAM_SUCCESS);
        ck_assert_pam(rig_login(other, "alice", two), PAM_SUCCESS);
        is_refused(other, one, PAM_AUTH_ERR, "wrong_host_key");
        is_refused(services[i], two, PAM_AUTH_ERR, "wrong_host_key");
        ck_assert_pam(rig_login(services[i], "alice", plain), PAM_SUCCESS);
        ck_assert_pam(rig_login(other, "alice", plain), PAM_SUCCESS);
    }
    free(one);
    free(two);
    free(plain);
}
END_TEST

START_TEST(near_misses_of_a_bound_audience_are_refused)
{
    static const struct {
        const char *aud, *reason;
    } rows[] = {
        {"\"other.example#" HOST_KEY_1 "\"", "wrong_audience"},
        {"\"#" HOST_KEY_1 "\"", "wrong_audience"},
        {"\"" RIG_AUDIENCE HOST_KEY_1 "\"", "wrong_audience"},
        {"\"" RIG_AUDIENCE "#x#" HOST_KEY_1 "\"", "wrong_audience"},
        {"\"" RIG_AUDIENCE "#" HOST_KEY_1 "#\"", "wrong_audience"},
        {"\"" RIG_AUDIENCE "#" HOST_KEY_1 "\\u0000\"", "wrong_host_key"},
        {"[\"other\",\"" RIG_AUDIENCE "#" HOST_KEY_1 "\"]", "wrong_audience"},
        {"\"" RIG_AUDIENCE "#\"", "wrong_host_key"},
        {"\"" RIG_AUDIENCE "#rVWF0XYY8VdYnGdcftaeP\"", "wrong_host_key"},
        {"\"" RIG_AUDIENCE "#rvwf0xyy8vdyngdcftaepg\"", "wrong_host_key"},
        {"\"" RIG_AUDIENCE "#*\"", "wrong_host_key"},
        {"\"" RIG_AUDIENCE "#SHA256:rVWF0XYY8VdYnG\"", "wrong_host_key"},
    };

    use_hosts();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *token = token_for(rows[i].aud, "");

        is_refused("sshd", token, PAM_AUTH_ERR, rows[i].reason);
        free(token);
    }
}
END_TEST

START_TEST(other_restrictions_apply_to_a_bound_token)
{
    static const char aud[] = "\"" RIG_AUDIENCE "#" HOST_KEY_1 "\"";
    char *sudo = token_for(aud, ",\"scope\":\"pam:sudo\""), *once;

    use_hosts();
    is_refused("sshd", sudo, PAM_AUTH_ERR, "wrong_scope");
    ck_assert_pam(rig_login("sudo-i", "alice", sudo), PAM_SUCCESS);
    once = token_for(aud, ",\"one_time\":true");
    is_refused("sshd-2", once, PAM_AUTH_ERR, "wrong_host_key");
    ck_assert_pam(rig_login("sshd", "alice", once), PAM_SUCCESS);
    is_refused("sshd", once, PAM_AUTH_ERR, "spent");
    free(sudo);
    free(once);
}
END_TEST

START_TEST(the_default_files_are_those_of_sshd)
{
    char *token = bound_to(HOST_KEY_1);

    put_key("key", HOST_KEY_LINE_1);
    (void)mkdir("/etc/ssh", 0755);
    ck_assert_int_eq(system("rm -f /etc/ssh/ssh_host_*"), 0);
    is_refused(RIG_PROBE, token, PAM_AUTHINFO_UNAVAIL, "file");
    rig_copy("key.pub", "/etc/ssh/ssh_host_ed25519_key.pub");
    rig_copy("key", "/etc/ssh/ssh_host_ed25519_key");
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    /* The files are public: a screen locker that is not root verifies such a token, too. */
    ck_assert_pam(rig_login_as_nobody("alice", token), PAM_SUCCESS);
    ck_assert_int_eq(system("rm -f /etc/ssh/ssh_host_*"), 0);
    free(token);
}
END_TEST

START_TEST(a_host_without_keys_accepts_tokens_that_are_not_bound_alone)
{
    char *bound = bound_to(HOST_KEY_1), *plain = token_for("\"" RIG_AUDIENCE "\"", "");

    rig_probe("# host_keys=%/nothing/*.pub");
    is_refused(RIG_PROBE, bound, PAM_AUTHINFO_UNAVAIL, "file");
    ck_assert_pam(rig_login(RIG_PROBE, "alice", plain), PAM_SUCCESS);
    free(bound);
    free(plain);
}
END_TEST

/* What a user without root's rights, or a careless copy, can place among the host's keys. */
START_TEST(a_planted_public_key_opens_nothing)
{
    char *token = bound_to(HOST_KEY_1);
    char planted[512];

    ck_assert_int_eq(mkdir(rig_path("one"), 0755), 0);
    put_key("ssh_host_ecdsa_key", HOST_KEY_LINE_2);
    rig_probe("# host_keys=%/ssh_host_*_key.pub");
    (void)snprintf(planted, sizeof(planted), "%s", rig_path("ssh_host_planted_key.pub"));

    rig_write("ssh_host_planted_key.pub", HOST_KEY_LINE_1);
    is_refused(RIG_PROBE, token, PAM_AUTH_ERR, "wrong_host_key");
    rig_write("ssh_host_planted_key", "");
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);

    ck_assert_int_eq(chown(planted, NOBODY, NOBODY), 0);
    is_refused(RIG_PROBE, token, PAM_AUTH_ERR, "wrong_host_key");
    ck_assert_int_eq(chown(planted, 0, 0), 0);
    ck_assert_int_eq(chmod(planted, 0664), 0);
    is_refused(RIG_PROBE, token, PAM_AUTH_ERR, "wrong_host_key");
    ck_assert_int_eq(unlink(planted), 0);
    put_key(HOST_1, HOST_KEY_LINE_1);
    ck_assert_int_eq(symlink(rig_path(HOST_1 ".pub"), planted), 0);
    is_refused(RIG_PROBE, token, PAM_AUTH_ERR, "wrong_host_key");
    free(token);
}
END_TEST

START_TEST(the_account_phase_checks_the_host_key_again)
{
    struct talk talk = {.answer = bound_to(HOST_KEY_1)};
    pam_handle_t *pamh;

    use_hosts();
    pamh = rig_start("sshd", "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    rig_write(HOST_1 ".pub", HOST_KEY_LINE_2);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
    ck_assert(rig_log_holds("reason=wrong_host_key"));
    ck_assert_int_eq(unlink(rig_path(HOST_1 ".pub")), 0);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_AUTHINFO_UNAVAIL);
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free((void *)talk.answer);
}
END_TEST

/* An audience A#K1 that is configured would be accepted on every host with this file. */
START_TEST(a_configured_audience_with_a_mark_refuses_every_token)
{
    char *bound = bound_to(HOST_KEY_1), *plain = token_for("\"" RIG_AUDIENCE "\"", "");
    const char *const tokens[] = {bound, plain};

    rig_publish();
    rig_write("issuer", "Issuer=" RIG_ISSUER "\nAudience=" RIG_AUDIENCE " " RIG_AUDIENCE
                        "#" HOST_KEY_1 "\n");
    rig_copy("issuer", "/var/lib/jwt/issuer");
    rig_probe("");
    for (size_t i = 0; i < 2; i++)
        is_refused(RIG_PROBE, tokens[i], PAM_AUTHINFO_UNAVAIL, "settings");
    free(bound);
    free(plain);
}
END_TEST

START_TEST(the_user_is_not_told_which_host_a_token_is_for)
{
    struct talk talk = {.answer = bound_to(HOST_KEY_1)};
    pam_handle_t *pamh;

    use_hosts();
    pamh = rig_start("sshd-2", "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
    ck_assert_str_eq(talk.shown, "");
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free((void *)talk.answer);
}
END_TEST

RIG_MAIN("pam_host_key", a_host_cannot_relay_a_token_bound_to_its_key,
         near_misses_of_a_bound_audience_are_refused, other_restrictions_apply_to_a_bound_token,
         the_default_files_are_those_of_sshd,
         a_host_without_keys_accepts_tokens_that_are_not_bound_alone,
         a_planted_public_key_opens_nothing, the_account_phase_checks_the_host_key_again,
         a_configured_audience_with_a_mark_refuses_every_token,
         the_user_is_not_told_which_host_a_token_is_for)
