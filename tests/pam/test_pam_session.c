/* session_limit: the limit that pam_systemd, further down, receives. */
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
    (void)snprintf(plan.iat, sizeof(plan.iat), "%" PRId64, exp < NOW ? exp - 100 : NOW);
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

/* A handle with the PAM environment of a child that authenticated by this answer, as sshd's
 * keyboard-interactive method. */
static pam_handle_t *start_after_child(const char *answer, struct talk *talk)
{
    pam_handle_t *pamh;
    char line[1024];
    FILE *from;
    int ends[2], status;
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        struct talk own = {.answer = answer};
        char **list;

        pamh = rig_start("login", "alice", &own);
        if (pam_authenticate(pamh, 0) != PAM_SUCCESS)
            _exit(1);
        for (list = pam_getenvlist(pamh); *list; list++)
            (void)dprintf(ends[1], "%s\n", *list);
        _exit(0);
    }
    (void)close(ends[1]);
    from = fdopen(ends[0], "r");
    *talk = (struct talk){0};
    pamh = rig_start("login", "alice", talk);
    while (fgets(line, sizeof(line), from)) {
        line[strcspn(line, "\n")] = '\0';
        ck_assert_pam(pam_putenv(pamh, line), PAM_SUCCESS);
    }
    (void)fclose(from);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    return pamh;
}

START_TEST(login_that_a_child_checked_is_limited_by_its_environment)
{
    char *token = token_until(NOW + 50);
    struct talk talk;
    pam_handle_t *pamh;

    use_stack("session_limit", "");
    pamh = start_after_child(token, &talk);
    ck_assert_pam(pam_open_session(pamh, 0), PAM_SUCCESS);
    assert_limit(pamh, 46, 50);
    end(pamh);
    free(token);
}
END_TEST

/* What pam_env sets and unsets from a file of the user. */
START_TEST(environment_cannot_lengthen_a_session)
{
    static const char *const changes[][3] = {
        {"JWT_EXP=9999999999"},
        {"JWT_EXP", "JWT_JTI", "JWT_SID"},
        {"JWT_EXP=", "JWT_JTI=", "JWT_SID="},
        {"JWT_EXP=junk", "JWT_JTI=?"},
    };
    char *token = token_until(NOW + 50);

    use_stack("session_limit", "");
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct talk talk;
        pam_handle_t *pamh = start_after_child(token, &talk);

        for (size_t n = 0; n < 3 && changes[i][n]; n++)
            ck_assert_pam(pam_putenv(pamh, changes[i][n]), PAM_SUCCESS);
        ck_assert_pam(pam_open_session(pamh, 0), PAM_SUCCESS);
        assert_limit(pamh, 40, 50);
        end(pamh);
    }
    free(token);
}
END_TEST

/* Without the variables a login by token looks like one by password, and stacks ignore
 * PAM_SERVICE_ERR of the latter. */
START_TEST(environment_cannot_hide_a_token_from_a_misspelt_option)
{
    char *token = token_until(NOW + 50);
    struct talk talk;
    pam_handle_t *pamh;

    use_stack("sesion_limit", "");
    pamh = start_after_child(token, &talk);
    ck_assert_pam(pam_putenv(pamh, "JWT_EXP"), PAM_SUCCESS);
    ck_assert_pam(pam_putenv(pamh, "JWT_JTI"), PAM_SUCCESS);
    ck_assert_pam(pam_open_session(pamh, 0), PAM_PERM_DENIED);
    end(pamh);
    pamh = start_after_child(RIG_ALICE_PASSWORD, &talk);
    ck_assert_pam(pam_open_session(pamh, 0), PAM_SERVICE_ERR);
    end(pamh);
    free(token);
}
END_TEST

START_TEST(environment_without_a_login_opens_no_session)
{
    static const char *const lines[] = {"JWT_EXP=9999999999", "JWT_JTI=abc"};

    use_stack("session_limit", "");
    for (size_t i = 0; i < 2; i++) {
        struct talk talk = {0};
        pam_handle_t *pamh = rig_start("login", "alice", &talk);

        ck_assert_pam(pam_putenv(pamh, lines[i]), PAM_SUCCESS);
        rig_log_clear();
        ck_assert_pam(pam_open_session(pamh, 0), PAM_PERM_DENIED);
        ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=missing_claim"));
        end(pamh);
    }
}
END_TEST

/* In one connection: a token, then the password. */
START_TEST(a_later_password_login_is_not_limited_by_an_earlier_token)
{
    char *token = token_until(NOW + 50);
    struct talk talk;
    pam_handle_t *pamh;

    use_stack("session_limit", "");
    end(start_after_child(token, &talk));
    pamh = start_after_child(RIG_ALICE_PASSWORD, &talk);
    ck_assert_pam(pam_open_session(pamh, 0), PAM_SUCCESS);
    ck_assert_ptr_null(pam_getenv(pamh, "SHOWN_LIMIT"));
    end(pamh);
    free(token);
}
END_TEST

/* A session's process that got the id of an earlier one. */
START_TEST(note_of_another_process_or_user_is_not_used)
{
    char *token = token_until(NOW + 50), name[64];
    struct talk talk;
    pam_handle_t *pamh;

    use_stack("session_limit", "");
    end(start_after_child(token, &talk));
    ck_assert_int_eq(system("cd /run/jwt/logins && mv $PPID-* $PPID-1"), 0);
    pamh = start_after_child(RIG_ALICE_PASSWORD, &talk);
    ck_assert_pam(pam_open_session(pamh, 0), PAM_SUCCESS);
    ck_assert_ptr_null(pam_getenv(pamh, "SHOWN_LIMIT"));
    end(pamh);
    (void)snprintf(name, sizeof(name), "/run/jwt/logins/%d-1", getpid());
    ck_assert_int_eq(unlink(name), 0);

    ck_assert_int_eq(chown("/run/jwt/logins", 23001, 0), 0);
    pamh = start_after_child(token, &talk);
    ck_assert_pam(pam_open_session(pamh, 0), PAM_PERM_DENIED);
    end(pamh);
    ck_assert_int_eq(chown("/run/jwt/logins", 0, 0), 0);
    free(token);
}
END_TEST

START_TEST(notes_of_expired_tokens_are_removed)
{
    char *token = token_until(NOW + 50);
    struct talk talk;

    use_stack("session_limit", "");
    ck_assert_int_eq(system("cd /run/jwt && rm -rf logins && mkdir -m 700 logins && "
                            "touch -d '310 seconds ago' logins/old && touch logins/new"),
                     0);
    end(start_after_child(token, &talk));
    ck_assert_int_eq(
        system("cd /run/jwt/logins && [ ! -e old ] && [ -e new ] && [ -e $PPID-* ]"), 0);
    free(token);
}
END_TEST

/* However many there are. */
START_TEST(login_looks_at_a_bounded_number_of_login_notes)
{
    char *token = token_until(NOW + 50);
    struct talk talk;

    use_stack("session_limit", "");
    ck_assert_int_eq(
        system("cd /run/jwt && rm -rf logins && mkdir -m 700 logins && cd logins && "
               "touch -d '310 seconds ago' old && seq -f old-%g 3000 | "
               "xargs touch -r old"),
        0);
    end(start_after_child(token, &talk));
    ck_assert_int_eq(system("left=$(ls /run/jwt/logins | grep -c old) && "
                            "[ $left -ge 2001 ] && [ $left -lt 2100 ]"),
                     0);
    free(token);
}
END_TEST

START_TEST(token_that_is_over_opens_no_session)
{
    char *token = token_until(NOW + 1);
    struct talk talk;
    pam_handle_t *pamh;

    use_stack("session_limit", "");
    pamh = start_after_child(token, &talk);
    (void)sleep(7); /* the leeway, 5 s, too */
    rig_log_clear();
    ck_assert_pam(pam_open_session(pamh, 0), PAM_PERM_DENIED);
    ck_assert_ptr_nonnull(strstr(rig_log_line(0), "reason=expired"));
    ck_assert_str_eq(talk.shown, "pam_jwt: the token has expired\n");
    end(pamh);
    free(token);
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
         login_that_a_child_checked_is_limited_by_its_environment,
         environment_cannot_lengthen_a_session,
         environment_cannot_hide_a_token_from_a_misspelt_option,
         environment_without_a_login_opens_no_session,
         a_later_password_login_is_not_limited_by_an_earlier_token,
         note_of_another_process_or_user_is_not_used, notes_of_expired_tokens_are_removed,
         login_looks_at_a_bounded_number_of_login_notes, token_that_is_over_opens_no_session,
         token_in_its_leeway_opens_a_session_of_a_second, shorter_limit_of_another_module_stays,
         longer_or_unreadable_limit_of_another_module_does_not)
