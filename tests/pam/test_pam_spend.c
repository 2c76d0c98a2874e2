/* Where the use of one-time tokens is recorded: directories, files, the race. */
#include "tests/pam/once.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

START_TEST(restart_brings_no_token_back)
{
    char *token = token_once();

    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    rig_run_clear();
    assert_unspent(strdup(token), RIG_PROBE, PAM_AUTHINFO_UNAVAIL, "file");
    /* What tmpfiles.d does in a fresh /run. */
    rig_run_make();
    rig_run_since(NOW);
    assert_unspent(token, RIG_PROBE, PAM_AUTH_ERR, "spent");
}
END_TEST

static void refuse_here(const char *named)
{
    char *token = token_once();

    rig_log_clear();
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_AUTHINFO_UNAVAIL);
    ck_assert_pam(rig_login(RIG_RECOMMENDED, "alice", token), PAM_AUTHINFO_UNAVAIL);
    ck_assert_msg(strstr(rig_log_line(0), named) != NULL, "no %s in: %s", named,
                  rig_log_line(0));
    assert_last_reason("file");
    free(token);
}

START_TEST(missing_or_open_places_are_unavailable)
{
    ck_assert_int_eq(unlink(ONETIME_SINCE), 0);
    refuse_here(ONETIME_SINCE);
    rig_run_since(NOW - 3600);
    ck_assert_int_eq(chmod(ONETIME_SINCE, 0666), 0);
    refuse_here(ONETIME_SINCE);
    ck_assert_int_eq(chmod(ONETIME_SINCE, 0644), 0);
    ck_assert_int_eq(chown(ONETIME_SINCE, 23001, 23001), 0);
    refuse_here(ONETIME_SINCE);
    ck_assert_int_eq(unlink(ONETIME_SINCE), 0);
    ck_assert_int_eq(symlink("/etc/passwd", ONETIME_SINCE), 0);
    refuse_here(ONETIME_SINCE);
    rig_run_clear();
    rig_run_make();
    ck_assert_int_eq(chmod(ONETIME_USED, 0770), 0);
    refuse_here(ONETIME_USED);
    ck_assert_int_eq(chmod(ONETIME_USED, 0700), 0);
    ck_assert_int_eq(chown(ONETIME_USED, 23001, 23001), 0);
    refuse_here(ONETIME_USED);
    ck_assert_int_eq(rmdir(ONETIME_USED), 0);
    refuse_here(ONETIME_USED);
    ck_assert_int_eq(symlink("/tmp", ONETIME_USED), 0);
    refuse_here(ONETIME_USED);
    rig_run_clear();
    refuse_here(ONETIME_RUN);
    rig_run_make();
    ck_assert_int_eq(chmod(ONETIME_RUN, 0777), 0);
    refuse_here(ONETIME_RUN);
    rig_run_clear();
    rig_run_make();
}
END_TEST

START_TEST(caller_that_is_not_root_cannot_spend)
{
    char *token = token_once();

    ck_assert_pam(rig_login_as_nobody("alice", token), PAM_AUTHINFO_UNAVAIL);
    ck_assert_uint_eq(notes(), 0);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    free(token);
}
END_TEST

START_TEST(full_or_read_only_disk_is_never_a_success)
{
    char *token = token_once();

    /* A file system with room for its own directory alone. */
    ck_assert_int_eq(mount("jwt", ONETIME_USED, "tmpfs", 0, "mode=0700,nr_inodes=1"), 0);
    refuse_here(ONETIME_USED);
    ck_assert_int_eq(umount(ONETIME_USED), 0);
    ck_assert_int_eq(mount("jwt", ONETIME_USED, "tmpfs", MS_RDONLY, "mode=0700"), 0);
    refuse_here(ONETIME_USED);
    ck_assert_int_eq(umount(ONETIME_USED), 0);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    free(token);
}
END_TEST

static void put_note(const char *path, int64_t mtime)
{
    const struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(futimens(fd, times), 0);
    (void)close(fd);
}

/* The path of a note in the directory where this token's note will be. */
static const char *beside(const char *token, const char *end)
{
    static char path[160];
    char note[128] = "";

    if (token) {
        ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
        ck_assert_uint_eq(notes_at(note), 1);
        ck_assert_int_eq(unlink(note), 0);
        (void)snprintf(path, sizeof(path), "%s", note);
    }
    (void)snprintf(strrchr(path, '/') + 1, 64, "%s", end);
    return path;
}

#define LETTERS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" /* 41 of 43 */

START_TEST(notes_are_pruned_when_no_leeway_could_let_the_token_in)
{
    char *token = token_once();

    put_note(beside(token, LETTERS "00"), NOW - 1000);
    put_note(beside(NULL, LETTERS "01"), NOW - 310);
    put_note(beside(NULL, LETTERS "02"), NOW - 200);
    put_note(beside(NULL, LETTERS "03"), NOW + 200);
    put_note(beside(NULL, "README"), NOW - 1000);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert_int_ne(access(beside(NULL, LETTERS "00"), F_OK), 0);
    ck_assert_int_ne(access(beside(NULL, LETTERS "01"), F_OK), 0);
    ck_assert_int_eq(access(beside(NULL, LETTERS "02"), F_OK), 0);
    ck_assert_int_eq(access(beside(NULL, LETTERS "03"), F_OK), 0);
    ck_assert_int_eq(access(beside(NULL, "README"), F_OK), 0);
    ck_assert_uint_eq(notes(), 4);
    free(token);
}
END_TEST

/* Names of one file, which count as notes: 200,000 files of their own take 200 MB of memory. */
static void put_many(const char *dir, size_t n)
{
    char path[256];

    for (size_t i = 0; i < n; i++) {
        (void)snprintf(path, sizeof(path), "%s/%043zu", dir, i);
        ck_assert_int_eq(link("/run/jwt/note", path), 0);
    }
}

static double milliseconds_of_a_login(const char *jti)
{
    struct plan plan = plan_once("alice");
    struct timespec begin, end;
    char *token;

    SET(jti, "\"%s\"", jti);
    token = mint_sign(&plan);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    free(token);
    return (double)(end.tv_sec - begin.tv_sec) * 1e3 +
           (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
}

/* 200,000 notes as logins leave them, all old: a login removes what it looks at. */
START_TEST(login_looks_at_one_directory_of_many_notes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    double empty = milliseconds_of_a_login("empty"), full;
    char dir[160];
    size_t all;

    put_note("/run/jwt/note", NOW - 1000);
    for (size_t i = 0; i < 64 * 64; i++) {
        (void)snprintf(dir, sizeof(dir), ONETIME_USED "/%c%c", letters[i / 64],
                       letters[i % 64]);
        ck_assert(mkdir(dir, 0700) == 0 || errno == EEXIST);
        put_many(dir, 49);
    }
    all = notes();
    ck_assert_uint_ge(all, 200000);
    full = milliseconds_of_a_login("full");
    printf("# a login: %.1f ms, with %zu notes: %.1f ms\n", empty, all, full);
    ck_assert_uint_ge(notes() + 49, all);
    ck_assert_uint_lt(notes(), all);
}
END_TEST

/* However many a directory holds. */
START_TEST(login_looks_at_a_bounded_number_of_notes)
{
    char *token = token_once();
    char dir[160];
    size_t left;

    (void)snprintf(dir, sizeof(dir), "%s", beside(token, ""));
    put_note("/run/jwt/note", NOW - 1000);
    put_many(dir, 20000);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    left = notes() - 1;
    ck_assert_uint_le(20000 - left, 1000);
    ck_assert_uint_gt(20000 - left, 900);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_AUTH_ERR);
    free(token);
}
END_TEST

START_TEST(note_has_the_tokens_end_as_its_time)
{
    struct plan plan = plan_once("alice");
    char *token = mint_sign(&plan);
    char path[128] = "";
    struct stat st;

    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert_uint_eq(notes_at(path), 1);
    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert_int_eq(st.st_mtim.tv_sec, strtoll(plan.exp, NULL, 10));
    ck_assert_int_eq(st.st_mode & ALLPERMS, 0600);
    ck_assert_int_eq(st.st_size, 0);
    ck_assert_uint_eq(strlen(strrchr(path, '/') + 1), 43);
    /* USED/ab/abc... */
    ck_assert_mem_eq(path + strlen(ONETIME_USED "/"), strrchr(path, '/') + 1, 2);
    free(token);
}
END_TEST

START_TEST(any_id_is_a_safe_name)
{
    static const char *const ids[] = {"\"../../../tmp/x\"", "\"/etc/passwd\"", "\".\"",
                                      "\"a\\u0000b\"",      "\"a\"",           "\"a\\u0000c\"",
                                      "\"\\u00e4\\n\"",     "\"-rf\""};

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct plan plan = plan_once("alice");
        char *token;

        SET(jti, "%s", ids[i]);
        token = mint_sign(&plan);
        ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
        ck_assert_uint_eq(notes(), i + 1);
        ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_AUTH_ERR);
        free(token);
    }
}
END_TEST

START_TEST(another_token_of_the_same_id_is_the_same)
{
    struct plan plan = plan_once("alice");
    char *token = mint_sign(&plan);

    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    free(token);
    SET(exp, "%" PRId64, NOW + 100);
    assert_unspent(mint_sign(&plan), RIG_PROBE, PAM_AUTH_ERR, "spent");
}
END_TEST

START_TEST(same_id_of_another_issuer_is_another_token)
{
    struct plan plan = plan_once("alice");
    char *token = mint_sign(&plan);
    char options[1024];

    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    free(token);
    (void)snprintf(options, sizeof(options),
                   "keys=%s issuer=https://other.example audience=" RIG_AUDIENCE
                   " revoked=none",
                   rig_path("jwks.json"));
    rig_probe(options);
    SET(iss, "\"https://other.example\"");
    token = mint_sign(&plan);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_SUCCESS);
    ck_assert_pam(rig_login(RIG_PROBE, "alice", token), PAM_AUTH_ERR);
    free(token);
}
END_TEST

/* Waits until the other end is closed, then logs in. */
static pid_t runner(const char *service, const char *token, const int start[2])
{
    pid_t pid = fork();
    char byte;

    ck_assert_int_ge(pid, 0);
    if (pid > 0)
        return pid;
    (void)close(start[1]);
    if (read(start[0], &byte, 1) != 0)
        _exit(100);
    _exit(rig_login(service, "alice", token));
}

static int code_of(pid_t pid)
{
    int status = 0;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void race_once(unsigned round)
{
    struct plan plan = plan_once("alice");
    char *token;
    int start[2], codes[2];
    pid_t pids[2];

    SET(jti, "\"round%u\"", round);
    token = mint_sign(&plan);
    ck_assert_int_eq(pipe2(start, O_CLOEXEC), 0);
    pids[0] = runner("sshd", token, start);
    pids[1] = runner("sudo", token, start);
    (void)close(start[0]);
    (void)close(start[1]);
    codes[0] = code_of(pids[0]);
    codes[1] = code_of(pids[1]);
    ck_assert_msg((codes[0] == PAM_SUCCESS && codes[1] == PAM_AUTH_ERR) ||
                      (codes[1] == PAM_SUCCESS && codes[0] == PAM_AUTH_ERR),
                  "round %u: %d and %d", round, codes[0], codes[1]);
    free(token);
}

/* $JWT_ROUNDS: how many; 1,000 were run by hand. */
START_TEST(of_two_logins_at_once_one_succeeds)
{
    const char *rounds = getenv("JWT_ROUNDS");
    unsigned n = rounds ? (unsigned)strtoul(rounds, NULL, 10) : 100;

    rig_stack("sshd", "auth required @ #\naccount required @ #\n");
    rig_stack("sudo", "auth required @ #\naccount required @ #\n");
    for (unsigned round = 0; round < n; round++)
        race_once(round);
    ck_assert_uint_eq(notes(), n);
}
END_TEST

RIG_MAIN("pam_spend", restart_brings_no_token_back, missing_or_open_places_are_unavailable,
         caller_that_is_not_root_cannot_spend, full_or_read_only_disk_is_never_a_success,
         notes_are_pruned_when_no_leeway_could_let_the_token_in,
         login_looks_at_one_directory_of_many_notes, login_looks_at_a_bounded_number_of_notes,
         note_has_the_tokens_end_as_its_time, any_id_is_a_safe_name,
         another_token_of_the_same_id_is_the_same, same_id_of_another_issuer_is_another_token,
         of_two_logins_at_once_one_succeeds)
