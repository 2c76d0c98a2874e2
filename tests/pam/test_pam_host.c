/* What the module does to the program it is loaded into: nothing. */
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <dlfcn.h>
#include <grp.h>
#include <malloc.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ROUNDS 200 /* PAM_ROUNDS= says otherwise */
#define NOBODY 65534

static size_t open_files(void)
{
    return rig_entries("/proc/self/fd");
}

static bool is_mapped(const char *name)
{
    FILE *f = fopen("/proc/self/maps", "re");
    char line[1024];
    bool found = false;

    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof(line), f))
        found = found || strstr(line, name);
    (void)fclose(f);
    return found;
}

static char *alice_token(void)
{
    struct plan plan = plan_good("alice");

    return mint_sign(&plan);
}

START_TEST(loading_and_unloading_leaves_nothing)
{
    char *token = alice_token(), *bad = alice_token();
    const char *more = getenv("PAM_ROUNDS");
    size_t rounds = more ? strtoul(more, NULL, 10) : ROUNDS;
    size_t heap = 0, files = 0;

    mint_spoil(bad);
    for (size_t i = 0; i < rounds; i++) {
        ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
        ck_assert_pam(rig_auth(RIG_PROBE, "alice", bad), PAM_AUTH_ERR);
        ck_assert_pam(rig_auth(RIG_PROBE, "alice", "junk"), PAM_AUTH_ERR);
        rig_log_clear();
        if (i == rounds / 4) {
            heap = mallinfo2().uordblks;
            files = open_files();
        }
    }
    ck_assert_uint_eq(open_files(), files);
    ck_assert_uint_le(mallinfo2().uordblks, heap + rounds / 4);
    ck_assert(!is_mapped("pam_jwt.so"));
    free(token);
    free(bad);
}
END_TEST

START_TEST(every_failure_closes_its_files)
{
    static const char *const missing[] = {"jwks.json", "revoked"};
    char *token = alice_token();
    size_t files = open_files();

    for (size_t i = 0; i < 2; i++) {
        rig_write(missing[i], "x");
        ck_assert_pam(rig_auth(RIG_PROBE, "alice", token), PAM_AUTHINFO_UNAVAIL);
        ck_assert_int_eq(unlink(rig_path(missing[i])), 0);
        ck_assert_pam(rig_auth(RIG_PROBE, "alice", token), PAM_AUTHINFO_UNAVAIL);
    }
    ck_assert_uint_eq(open_files(), files);
    free(token);
}
END_TEST

START_TEST(error_queue_of_the_program_is_left_alone)
{
    char *token = alice_token();
    unsigned long ours;

    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, 42);
    ours = ERR_peek_error();
    mint_spoil(token);
    ck_assert_pam(rig_auth(RIG_PROBE, "alice", token), PAM_AUTH_ERR);
    rig_write("jwks.json", "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}]}");
    ck_assert_pam(rig_auth(RIG_PROBE, "alice", token), PAM_AUTHINFO_UNAVAIL);
    ck_assert_uint_eq(ERR_get_error(), ours);
    ck_assert_uint_eq(ERR_get_error(), 0);
    free(token);
}
END_TEST

START_TEST(signals_and_umask_are_left_alone)
{
    char *token = alice_token();
    struct sigaction before[32], after[32];
    mode_t mask = umask(0137);

    for (int i = 1; i < 32; i++)
        (void)sigaction(i, NULL, &before[i]);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    for (int i = 1; i < 32; i++) {
        (void)sigaction(i, NULL, &after[i]);
        ck_assert(before[i].sa_handler == after[i].sa_handler);
    }
    ck_assert_uint_eq(umask(mask), 0137);
    free(token);
}
END_TEST

START_TEST(caller_that_is_not_root_can_check)
{
    char *token = alice_token(), *bad = alice_token();

    mint_spoil(bad);
    ck_assert_pam(rig_login_as_nobody("alice", token), PAM_SUCCESS);
    ck_assert_pam(rig_login_as_nobody("alice", bad), PAM_AUTH_ERR);
    ck_assert_int_eq(chmod(rig_path("jwks.json"), 0600), 0);
    ck_assert_pam(rig_login_as_nobody("alice", token), PAM_AUTHINFO_UNAVAIL);
    free(token);
    free(bad);
}
END_TEST

START_TEST(environment_variables_change_nothing)
{
    char *token = alice_token();

    ck_assert_int_eq(setenv("JWT_JTI", "AZjm", 1), 0);
    ck_assert_int_eq(setenv("JWT_EXP", "9999999999", 1), 0);
    ck_assert_int_eq(setenv("OPENSSL_CONF", "/nonexistent", 1), 0);
    ck_assert_int_eq(setenv("OPENSSL_MODULES", "/nonexistent", 1), 0);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert_pam(rig_auth(RIG_PROBE, "alice", "x"), PAM_AUTH_ERR);
    free(token);
}
END_TEST

START_TEST(data_freed_in_another_process_is_only_freed)
{
    char *token = alice_token();
    struct talk talk = {.answer = token};
    pam_handle_t *pamh = rig_start(RIG_PROBE, "alice", &talk);
    int status = 0;
    pid_t pid;

    ck_assert_pam(pam_authenticate(pamh, 0), PAM_SUCCESS);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(pam_end(pamh, PAM_SUCCESS | PAM_DATA_SILENT));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == PAM_SUCCESS);
    ck_assert_pam(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
    ck_assert_pam(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(the_six_entry_points_are_there_and_nothing_else)
{
    static const char *const there[] = {"pam_sm_authenticate",  "pam_sm_setcred",
                                        "pam_sm_acct_mgmt",     "pam_sm_open_session",
                                        "pam_sm_close_session", "pam_sm_chauthtok"};
    static const char *const hidden[] = {"verify_token", "token_check", "policy_check",
                                         "key_verify"};
    void *module = dlopen(getenv("PAM_JWT_MODULE"), RTLD_NOW | RTLD_LOCAL);

    ck_assert_msg(module != NULL, "%s", dlerror());
    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
        ck_assert_ptr_nonnull(dlsym(module, there[i]));
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        ck_assert_ptr_null(dlsym(module, hidden[i]));
    ck_assert_int_eq(dlclose(module), 0);
}
END_TEST

RIG_MAIN("pam_host", loading_and_unloading_leaves_nothing, every_failure_closes_its_files,
         error_queue_of_the_program_is_left_alone, signals_and_umask_are_left_alone,
         caller_that_is_not_root_can_check, environment_variables_change_nothing,
         data_freed_in_another_process_is_only_freed,
         the_six_entry_points_are_there_and_nothing_else)
