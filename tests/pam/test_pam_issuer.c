/* Other issuers' tokens, as tests/data/issuers has them, and who their users are here. */
#include "common/base/file.h"
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ISSUERS_NOW 1764000100 /* a hundred seconds after the tokens were issued */

static char *read_data(const char *name)
{
    struct secret text = {0};
    char path[512];

    (void)snprintf(path, sizeof(path), ISSUERS_DATA "/%s", name);
    ck_assert_ok(file_read(path, FILE_OWN, (size_t)1 << 20, &text, NULL));
    return text.p;
}

static void put(const char *name, mode_t mode)
{
    char *text = read_data(name);

    rig_write(name, text);
    ck_assert_int_eq(chmod(rig_path(name), mode), 0);
    free(text);
}

/* jwt.conf with '@' as the rig's directory. */
static void put_settings(void)
{
    char *text = read_data("jwt.conf"), *out = NULL;
    size_t n;
    FILE *f = open_memstream(&out, &n);

    ck_assert_ptr_nonnull(f);
    for (const char *p = text; *p; p++) {
        if (*p == '@')
            (void)fputs(rig_path(""), f);
        else
            (void)fputc(*p, f);
    }
    ck_assert_int_eq(fclose(f), 0);
    rig_write("jwt.conf", out);
    free(out);
    free(text);
}

/* The five issuers beside the local one, whose keys and names are the rig's. */
static void use_issuers(const char *more)
{
    char options[1024];

    put_settings();
    put("usermap", 0644);
    put("keycloak.jwks", 0644);
    put("github.jwks", 0644);
    put("kubernetes.jwks", 0644);
    put("simplejwt.jwks", 0600); /* secrets */
    put("slurm.jwks", 0600);
    rig_publish();
    (void)snprintf(options, sizeof(options), "config=%s %s", rig_path("jwt.conf"), more);
    rig_probe(options);
    rig_clock_set(ISSUERS_NOW);
}

/* A line of cases.tsv. */
struct sample {
    const char *name, *reason, *user, *token;
};

static bool next_sample(char **rest, struct sample *ret)
{
    char *line;

    do {
        line = strsep(rest, "\n");
    } while (line && *line == '#');
    if (!line || !*line)
        return false;
    ret->name = strsep(&line, "\t");
    ret->reason = strsep(&line, "\t");
    ret->user = strsep(&line, "\t");
    ret->token = line;
    ck_assert_ptr_nonnull(ret->token);
    return true;
}

/* The token of this name; copied. */
static char *sample_token(const char *name)
{
    char *text = read_data("cases.tsv"), *rest = text, *token = NULL;
    struct sample sample;

    while (!token && next_sample(&rest, &sample))
        if (strcmp(sample.name, name) == 0)
            token = strdup(sample.token);
    ck_assert_msg(token != NULL, "no %s", name);
    free(text);
    return token;
}

static void try_sample(const struct sample *s)
{
    bool opens = strcmp(s->reason, "ok") == 0;
    char reason[64];
    int rc;

    (void)snprintf(reason, sizeof(reason), " reason=%s", s->reason);
    rig_log_clear();
    rc = rig_login(RIG_PROBE, s->user, s->token);
    ck_assert_msg(rc == (opens ? PAM_SUCCESS : PAM_AUTH_ERR), "%s gave %d: %s", s->name, rc,
                  rig_log_line(0));
    ck_assert_uint_eq(rig_log_lines(), 1);
    ck_assert_msg(strstr(rig_log_line(0), reason) != NULL, "%s: no%s in %s", s->name, reason,
                  rig_log_line(0));
}

START_TEST(tokens_of_five_issuers_open_and_their_near_misses_do_not)
{
    char *text = read_data("cases.tsv"), *rest = text;
    size_t opened = 0, refused = 0;
    struct sample sample;

    use_issuers("");
    while (next_sample(&rest, &sample)) {
        try_sample(&sample);
        if (strcmp(sample.reason, "ok") == 0)
            opened++;
        else
            refused++;
    }
    ck_assert_uint_eq(opened, 6);
    ck_assert_uint_ge(refused, 80);
    free(text);
}
END_TEST

START_TEST(local_tokens_open_beside_them)
{
    struct plan plan;
    char *token;

    use_issuers("");
    plan = plan_good("alice");
    token = mint_sign(&plan);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    free(token);
    (void)snprintf(plan.iss, sizeof(plan.iss), "\"https://slurm.example\"");
    token = mint_sign(&plan);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_AUTH_ERR);
    free(token);
}
END_TEST

/* The code and reason of a token that opens by the map. */
static void assert_mapped(int code, const char *says)
{
    char *token = sample_token("keycloak_opens");

    rig_log_clear();
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), code);
    ck_assert_uint_eq(rig_log_lines(), 1);
    ck_assert_msg(strstr(rig_log_line(0), says) != NULL, "no %s in %s", says, rig_log_line(0));
    free(token);
}

START_TEST(map_that_is_missing_or_open_to_others_is_unavailable)
{
    use_issuers("");
    ck_assert_int_eq(chmod(rig_path("usermap"), 0666), 0);
    assert_mapped(PAM_AUTHINFO_UNAVAIL, "has mode 0666");
    ck_assert_int_eq(chmod(rig_path("usermap"), 0644), 0);
    assert_mapped(PAM_SUCCESS, "reason=ok");
    ck_assert_int_eq(chown(rig_path("usermap"), 23001, 23001), 0);
    assert_mapped(PAM_AUTHINFO_UNAVAIL, "is owned by uid 23001");
    ck_assert_int_eq(chown(rig_path("usermap"), 0, 0), 0);
    ck_assert_int_eq(rename(rig_path("usermap"), rig_path("other")), 0);
    assert_mapped(PAM_AUTHINFO_UNAVAIL, "usermap: cannot open");
    ck_assert_int_eq(symlink(rig_path("other"), rig_path("usermap")), 0);
    assert_mapped(PAM_AUTHINFO_UNAVAIL, "is a symbolic link");
}
END_TEST

START_TEST(map_with_a_wrong_line_is_unavailable_and_names_it)
{
    char *token;

    use_issuers("");
    rig_write("usermap", "https://sso.example/realms/corp alice.example alice\n"
                         "https://sso.example/realms/corp *@*.example carol\n");
    assert_mapped(PAM_AUTHINFO_UNAVAIL,
                  "with at most one '*' and not '*' alone, got \"*@*.exa");
    /* Others' tokens and passwords are not its business. */
    token = sample_token("slurm_opens");
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    free(token);
    ck_assert_pam(rig_login(RIG_RECOMMENDED, "alice", RIG_ALICE_PASSWORD), PAM_SUCCESS);
}
END_TEST

START_TEST(map_of_the_stack_goes_over_the_sections)
{
    char more[512], *token;

    use_issuers("user_map=none");
    assert_mapped(PAM_AUTH_ERR, "reason=unmapped_user");
    token = sample_token("slurm_opens");
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_AUTH_ERR);
    free(token);
    rig_write("stackmap", "https://sso.example/realms/corp alice.example carol\n");
    (void)snprintf(more, sizeof(more), "user_map=%s", rig_path("stackmap"));
    use_issuers(more);
    assert_mapped(PAM_AUTH_ERR, "reason=wrong_user");
    token = sample_token("keycloak_opens");
    ck_assert_pam(rig_login(RIG_PROBE, "carol", token), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(who_left_the_map_since_has_no_account_phase)
{
    char *token;
    struct talk talk = {0};
    pam_handle_t *pamh;

    use_issuers("");
    token = sample_token("keycloak_opens");
    talk.answer = token;
    pamh = rig_start(RIG_PROBE, "alice", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    rig_write("usermap", "https://sso.example/realms/corp someone.else alice\n");
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
    rig_write("usermap", "nonsense\n");
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_AUTHINFO_UNAVAIL);
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(map_makes_nobody_root)
{
    char *token = sample_token("keycloak_opens");

    use_issuers("");
    rig_write("usermap", "https://sso.example/realms/corp alice.example root\n");
    ck_assert_pam(rig_login(RIG_PROBE, "root", token), PAM_AUTH_ERR);
    ck_assert(rig_log_holds("reason=root_refused"));
    rig_write("usermap", "https://sso.example/realms/corp alice.example toor\n");
    rig_log_clear();
    ck_assert_pam(rig_login(RIG_PROBE, "toor", token), PAM_AUTH_ERR);
    ck_assert(rig_log_holds("reason=root_refused"));
    free(token);
}
END_TEST

START_TEST(domain_in_the_map_takes_its_mail_addresses)
{
    char *token = sample_token("keycloak_opens");

    use_issuers("user_claim=email claim=email_verified:true claim=typ:Bearer");
    ck_assert_pam(rig_login(RIG_PROBE, "carol", token), PAM_AUTH_ERR);
    rig_write("usermap", "https://sso.example/realms/corp *@corp.example carol\n");
    ck_assert_pam(rig_login(RIG_PROBE, "carol", token), PAM_SUCCESS);
    rig_write("usermap", "https://sso.example/realms/corp alice@corp.example alice\n"
                         "https://sso.example/realms/corp *@corp.example carol\n");
    ck_assert_pam(rig_login(RIG_PROBE, "carol", token), PAM_AUTH_ERR);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(star_in_the_map_yields_the_user_but_no_system_account)
{
    char *token = sample_token("keycloak_opens");
    struct talk talk = {0};
    pam_handle_t *pamh;

    use_issuers("user_claim=email claim=email_verified:true claim=typ:Bearer debug");
    rig_write("usermap",
              "# all of the domain\nhttps://sso.example/realms/corp *@corp.example *\n");
    ck_assert_pam(rig_login(RIG_PROBE, "carol", token), PAM_AUTH_ERR);
    rig_log_clear();
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert(rig_log_holds("debug: line 2 of the user map applies"));
    rig_write("usermap", "https://sso.example/realms/corp *@corp.example daemon\n");
    rig_log_clear();
    ck_assert_pam(rig_login(RIG_PROBE, "daemon", token), PAM_AUTH_ERR);
    ck_assert(rig_log_holds(
        "token refused, line 1 of the user map: the account has uid 1, expected"));
    rig_write("usermap", "https://sso.example/realms/corp *@corp.example daemon system\n");
    talk.answer = token;
    pamh = rig_start(RIG_PROBE, "daemon", &talk);
    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    rig_write("usermap", "https://sso.example/realms/corp *@corp.example daemon\n");
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
    ck_assert_pam(pam_end(pamh, 0), PAM_SUCCESS);
    rig_write("usermap", "https://sso.example/realms/corp *@corp.example toor system\n");
    rig_log_clear();
    ck_assert_pam(rig_login(RIG_PROBE, "toor", token), PAM_AUTH_ERR);
    ck_assert(rig_log_holds("reason=root_refused"));
    free(token);
}
END_TEST

START_TEST(secret_that_others_can_read_is_unavailable)
{
    char *token = sample_token("slurm_opens");

    use_issuers("");
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert_int_eq(chmod(rig_path("slurm.jwks"), 0640), 0);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_AUTHINFO_UNAVAIL);
    free(token);
}
END_TEST

RIG_MAIN("pam_issuer", tokens_of_five_issuers_open_and_their_near_misses_do_not,
         local_tokens_open_beside_them, map_that_is_missing_or_open_to_others_is_unavailable,
         map_with_a_wrong_line_is_unavailable_and_names_it,
         map_of_the_stack_goes_over_the_sections, who_left_the_map_since_has_no_account_phase,
         map_makes_nobody_root, domain_in_the_map_takes_its_mail_addresses,
         star_in_the_map_yields_the_user_but_no_system_account,
         secret_that_others_can_read_is_unavailable)
