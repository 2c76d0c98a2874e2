/* The process that the module is loaded into: nothing of it changes, and one that is short of
 * descriptors or rights is never taken for a good login. */
#include "tests/pam/mint.h"
#include "tests/pam/rig.h"

#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SIGNALS 64

static void tell_limits(FILE *f)
{
    static const int limits[] = {RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_FSIZE};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct rlimit limit;

        ck_assert_int_eq(getrlimit(limits[i], &limit), 0);
        (void)fprintf(f, "limit %d %ju %ju\n", limits[i], (uintmax_t)limit.rlim_cur,
                      (uintmax_t)limit.rlim_max);
    }
}

static void tell_signals(FILE *f)
{
    sigset_t blocked;

    ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &blocked), 0);
    for (int i = 1; i <= SIGNALS; i++)
        (void)fprintf(f, "signal %d blocked %d\n", i, sigismember(&blocked, i));
}

/* All of a process that a module could change by mistake, as text; free it. */
static char *process_state(void)
{
    static const char *const listings[] = {"/proc/self/fd", "/proc/self/task"};
    char cwd[PATH_MAX], *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
    (void)fprintf(f, "cwd %s locale %s ids %u %u %u %u dumpable %d nice %d\n", cwd,
                  setlocale(LC_ALL, NULL), getuid(), geteuid(), getgid(), getegid(),
                  prctl(PR_GET_DUMPABLE), getpriority(PRIO_PROCESS, 0));
    for (char **e = environ; *e; e++)
        (void)fprintf(f, "environment %s\n", *e);
    for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++)
        (void)fprintf(f, "%s %zu\n", listings[i], rig_entries(listings[i]));
    tell_limits(f);
    tell_signals(f);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

static char *alice_token(void)
{
    struct plan plan = plan_good("alice");

    return mint_sign(&plan);
}

START_TEST(the_process_is_as_it_was_after_each_verdict)
{
    char *token = alice_token(), *bad = alice_token();
    char *before, *after;

    mint_spoil(bad);
    ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    before = process_state();
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert_pam(rig_auth(RIG_PROBE, "alice", bad), PAM_AUTH_ERR);
    ck_assert_pam(rig_auth(RIG_PROBE, "alice", ""), PAM_AUTH_ERR);
    rig_probe("# leeway=never");
    ck_assert_pam(rig_auth(RIG_PROBE, "alice", token), PAM_SERVICE_ERR);
    after = process_state();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    free(token);
    free(bad);
}
END_TEST

/* The code of a login in a child that may open no more than this many files. */
static int login_with_files(const char *token, rlim_t files)
{
    pid_t pid = fork();
    int status = 0;

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct talk talk = {.answer = token};
        pam_handle_t *pamh = rig_start(RIG_PROBE, "alice", &talk);
        struct rlimit limit = {files, files};

        if (setrlimit(RLIMIT_NOFILE, &limit))
            _exit(100);
        _exit(pam_authenticate(pamh, 0));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "signal %d with %ju files", WTERMSIG(status),
                  (uintmax_t)files);
    return WEXITSTATUS(status);
}

START_TEST(without_descriptors_no_bad_token_opens_and_none_is_ignored)
{
    char *token = alice_token(), *bad = alice_token();
    rlim_t enough = (rlim_t)rig_entries("/proc/self/fd") + 4;
    bool refused = false, opened = false;

    mint_spoil(bad);
    for (rlim_t files = 3; files <= enough; files++) {
        int rc = login_with_files(token, files);

        ck_assert_int_ne(rc, PAM_IGNORE);
        ck_assert_int_ne(rc, RIG_IGNORED);
        ck_assert_int_ne(login_with_files(bad, files), PAM_SUCCESS);
        refused = refused || rc != PAM_SUCCESS;
        opened = rc == PAM_SUCCESS;
    }
    ck_assert(refused && opened);
    free(token);
    free(bad);
}
END_TEST

START_TEST(public_files_that_the_caller_cannot_read_are_unavailable)
{
    static const char *const names[] = {"jwks.json", "revoked"};
    char *token = alice_token();

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ck_assert_int_eq(chmod(rig_path(names[i]), 0600), 0);
        ck_assert_pam(rig_login_as_nobody("alice", token), PAM_AUTHINFO_UNAVAIL);
        ck_assert_int_eq(chmod(rig_path(names[i]), 0644), 0);
        ck_assert_pam(rig_login_as_nobody("alice", token), PAM_SUCCESS);
    }
    free(token);
}
END_TEST

/* What "owned by another" and the rest of a wrong public file give, beside test_pam_option's.
 */
static void spoil_owner(const char *path)
{
    ck_assert_int_eq(chown(path, 1, 1), 0);
}

static void spoil_to_directory(const char *path)
{
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void spoil_to_link(const char *path)
{
    char target[512];

    (void)snprintf(target, sizeof(target), "%s.real", path);
    ck_assert_int_eq(rename(path, target), 0);
    ck_assert_int_eq(symlink(target, path), 0);
}

static void spoil_to_fifo(const char *path)
{
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0644), 0);
}

static void spoil_to_world_writable(const char *path)
{
    ck_assert_int_eq(chmod(path, 0666), 0);
}

static void spoil_to_huge(const char *path)
{
    ck_assert_int_eq(truncate(path, (off_t)1 << 40), 0);
}

static const struct {
    void (*spoil)(const char *path);
    const char *word; /* in the log line */
} spoiled[] = {
    {spoil_owner, "owner"},
    {spoil_to_directory, "regular file"},
    {spoil_to_link, "link"},
    {spoil_to_fifo, "regular file"},
    {spoil_to_world_writable, "writ"},
    {spoil_to_huge, ""},
};

static void read_file(const char *path, char *ret, size_t size)
{
    FILE *f = fopen(path, "re");
    size_t n;

    ck_assert_ptr_nonnull(f);
    n = fread(ret, 1, size - 1, f);
    ret[n] = 0;
    (void)fclose(f);
}

static void each_spoiled_is_refused(const char *name)
{
    char *token = alice_token();
    char text[1024];

    read_file(rig_path(name), text, sizeof(text));
    for (size_t i = 0; i < sizeof(spoiled) / sizeof(spoiled[0]); i++) {
        rig_log_clear();
        spoiled[i].spoil(rig_path(name));
        ck_assert_pam(rig_auth(RIG_PROBE, "alice", token), PAM_AUTHINFO_UNAVAIL);
        ck_assert_uint_eq(rig_log_lines(), 1);
        ck_assert_msg(strstr(rig_log_line(0), name) && strstr(rig_log_line(0), spoiled[i].word),
                      "%s: %s", spoiled[i].word, rig_log_line(0));
        ck_assert_int_eq(remove(rig_path(name)), 0);
        rig_write(name, text);
        ck_assert_pam(rig_auth(RIG_PROBE, "alice", token), PAM_SUCCESS);
    }
    free(token);
}

START_TEST(keys_out_of_order_are_refused_with_their_name_and_a_word)
{
    each_spoiled_is_refused("jwks.json");
}
END_TEST

START_TEST(a_list_out_of_order_is_refused_with_its_name_and_a_word)
{
    each_spoiled_is_refused("revoked");
}
END_TEST

RIG_MAIN("pam_process", the_process_is_as_it_was_after_each_verdict,
         without_descriptors_no_bad_token_opens_and_none_is_ignored,
         public_files_that_the_caller_cannot_read_are_unavailable,
         keys_out_of_order_are_refused_with_their_name_and_a_word,
         a_list_out_of_order_is_refused_with_its_name_and_a_word)
