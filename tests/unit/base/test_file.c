#include "common/base/file.h"

#include "common/base/cleanup.h"
#include "tests/unit/place.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define OTHER_UID 54321 /* of no user */

static void make(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "we");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
}

/* Expects TOK_FILE with this errno and a message that begins with the path and contains says.
 */
static void refuse(const char *path, enum file_trust trust, int error, const char *says)
{
    struct secret bytes = {0};
    struct errmsg errmsg = {""};
    int got;

    ck_assert_err(file_read(path, trust, 100, &bytes, &errmsg), TOK_FILE);
    got = errno;
    ck_assert_msg(strncmp(errmsg.text, path, strlen(path)) == 0, "%s", errmsg.text);
    ck_assert_msg(strstr(errmsg.text, says) != NULL, "'%s' does not say '%s'", errmsg.text,
                  says);
    ck_assert_int_eq(got, error);
    ck_assert_ptr_null(bytes.p);
}

static void accept(const char *path, enum file_trust trust)
{
    CLEANUP(cleanup_close) int fd = -1;
    struct errmsg errmsg = {""};

    ck_assert_msg(file_open(path, trust, &fd, NULL, &errmsg) == TOK_OK, "%s", errmsg.text);
}

static size_t entries(void)
{
    DIR *dir = opendir(".");
    size_t n = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        n++;
    ck_assert_int_eq(closedir(dir), 0);
    return n - 2;
}

static void content_is(const char *path, const char *want)
{
    CLEANUP(secret_clear) struct secret bytes = {0};

    ck_assert_ok(file_read(path, FILE_OWN, 1000, &bytes, NULL));
    ck_assert_uint_eq(bytes.n, strlen(want));
    ck_assert_str_eq(bytes.p, want);
}

START_TEST(all_bytes_are_read_and_a_nul_follows)
{
    CLEANUP(place_leave) struct place p = place_enter();
    CLEANUP(secret_clear) struct secret bytes = {0};
    FILE *f = fopen("f", "we");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite("a\0b\n", 1, 4, f), 4);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_ok(file_read("f", FILE_PUBLIC, 4, &bytes, NULL));
    ck_assert_uint_eq(bytes.n, 4);
    ck_assert_mem_eq(bytes.p, "a\0b\n", 5);
}
END_TEST

START_TEST(an_empty_file_is_read)
{
    CLEANUP(place_leave) struct place p = place_enter();

    make("f", "", 0644);
    content_is("f", "");
}
END_TEST

START_TEST(a_missing_file_gives_enoent)
{
    CLEANUP(place_leave) struct place p = place_enter();

    refuse("f", FILE_PUBLIC, ENOENT, "No such file");
    refuse("nowhere/f", FILE_PUBLIC, ENOENT, "No such file");
    refuse("", FILE_PUBLIC, ENOENT, "No such file");
}
END_TEST

START_TEST(only_a_missing_file_is_missing_and_leaves_no_message)
{
    CLEANUP(place_leave) struct place p = place_enter();
    struct errmsg errmsg = {""};
    struct secret s = {0};
    enum tok_err err = file_read("f", FILE_PUBLIC, 10, &s, &errmsg);

    ck_assert(file_is_missing(err, &errmsg));
    ck_assert_str_eq(errmsg.text, "");
    make("f", "x", 0666);
    err = file_read("f", FILE_PUBLIC, 10, &s, &errmsg);
    ck_assert(!file_is_missing(err, &errmsg));
    ck_assert_str_ne(errmsg.text, "");
    ck_assert(!file_is_missing(TOK_OK, &errmsg));
}
END_TEST

START_TEST(a_symbolic_link_is_refused)
{
    CLEANUP(place_leave) struct place p = place_enter();

    make("f", "x", 0644);
    ck_assert_int_eq(symlink("f", "link"), 0);
    ck_assert_int_eq(symlink("nowhere", "dangling"), 0);
    refuse("link", FILE_PUBLIC, ELOOP, "symbolic link");
    refuse("dangling", FILE_PUBLIC, ELOOP, "symbolic link");
}
END_TEST

/* Sets up, below a directory that only root can write: real/keys with the file f, and
 * current -> real. The place is left in the current directory. */
static void make_tree(char dir[32])
{
    (void)strcpy(dir, "/run/links-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chmod(dir, 0755), 0);
    ck_assert_int_eq(chdir(dir), 0);
    ck_assert_int_eq(mkdir("real", 0755), 0);
    ck_assert_int_eq(mkdir("real/keys", 0755), 0);
    make("real/keys/f", "x", 0644);
    ck_assert_int_eq(symlink("real", "current"), 0);
}

static void remove_tree(const char *dir)
{
    char command[64];

    ck_assert_int_eq(chdir("/"), 0);
    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}

/* The path of a link in the tree to this target. */
static const char *link_to(const char *dir, const char *target)
{
    static char path[64];

    (void)unlink("l");
    ck_assert_int_eq(symlink(target, "l"), 0);
    (void)snprintf(path, sizeof(path), "%s/l", dir);
    return path;
}

/* As NixOS, sops and Kubernetes publish a file: a link to a link to a directory. */
START_TEST(a_key_file_may_be_a_link_that_is_roots_alone)
{
    NEEDS_ROOT();
    static const enum file_trust others[] = {FILE_PUBLIC, FILE_SETTINGS, FILE_OWN,
                                             FILE_NO_LINKS};
    char dir[32], absolute[64];

    make_tree(dir);
    (void)snprintf(absolute, sizeof(absolute), "%s/current/keys/f", dir);
    accept(link_to(dir, "real/keys/f"), FILE_KEYS);
    accept(link_to(dir, "current/keys/f"), FILE_KEYS);
    accept(link_to(dir, "./current/../current//keys/f"), FILE_OWN_KEYS);
    accept(link_to(dir, absolute), FILE_KEYS);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        refuse(link_to(dir, "real/keys/f"), others[i], ELOOP, "is a symbolic link");
    refuse(link_to(dir, "l"), FILE_KEYS, ELOOP, "is a symbolic link");
    refuse(link_to(dir, "nowhere"), FILE_KEYS, ENOENT, "cannot open");
    refuse(link_to(dir, "real/keys"), FILE_KEYS, EINVAL, "is not a regular file");
    refuse("l", FILE_KEYS, ELOOP, "is a symbolic link"); /* not an absolute path */
    /* /nix/store is 1775. */
    ck_assert_int_eq(chmod("real", 01775), 0);
    accept(link_to(dir, "current/keys/f"), FILE_KEYS);
    remove_tree(dir);
}
END_TEST

START_TEST(a_link_that_others_can_turn_is_refused)
{
    NEEDS_ROOT();
    static const struct {
        const char *path;
        uid_t owner;
        mode_t mode; /* 0: a link */
    } cases[] = {{"real", OTHER_UID, 0755},
                 {"real", 0, 0775},
                 {"real", 0, 0757},
                 {"real", 0, 01777},
                 {"real/keys", 0, 0777},
                 {"real/keys", OTHER_UID, 0755},
                 {"current", OTHER_UID, 0},
                 {"l", OTHER_UID, 0},
                 {"real/keys/f", OTHER_UID, 0644},
                 {"real/keys/f", 0, 0664},
                 {"real/keys/f", 0, 01664},
                 {".", OTHER_UID, 0755},
                 {".", 0, 01777}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *path;
        char dir[32];

        make_tree(dir);
        path = link_to(dir, "current/keys/f");
        accept(path, FILE_KEYS);
        ck_assert_int_eq(lchown(cases[i].path, cases[i].owner, 0), 0);
        if (cases[i].mode)
            ck_assert_int_eq(chmod(cases[i].path, cases[i].mode), 0);
        refuse(path, FILE_KEYS, EPERM, "is not root's, or others can write it");
        remove_tree(dir);
    }
}
END_TEST

START_TEST(a_link_in_a_directory_of_the_path_is_followed)
{
    CLEANUP(place_leave) struct place p = place_enter();

    ck_assert_int_eq(mkdir("dir", 0755), 0);
    make("dir/f", "x", 0644);
    ck_assert_int_eq(symlink("dir", "link"), 0);
    accept("link/f", FILE_PUBLIC);
}
END_TEST

START_TEST(a_fifo_is_refused_and_does_not_hang)
{
    CLEANUP(place_leave) struct place p = place_enter();

    (void)alarm(5);
    ck_assert_int_eq(mkfifo("fifo", 0644), 0);
    refuse("fifo", FILE_PUBLIC, EINVAL, "not a regular file");
}
END_TEST

START_TEST(a_directory_or_a_device_is_refused)
{
    CLEANUP(place_leave) struct place p = place_enter();

    ck_assert_int_eq(mkdir("dir", 0755), 0);
    refuse("dir", FILE_PUBLIC, EINVAL, "not a regular file");
    refuse("dir/", FILE_PUBLIC, EISDIR, "directory");
    refuse("/", FILE_PUBLIC, EISDIR, "directory");
    refuse("/dev/null", FILE_PUBLIC, EINVAL, "not a regular file");
}
END_TEST

START_TEST(a_file_that_others_can_write_is_refused)
{
    NEEDS_ROOT(); /* gives files away */
    static const enum file_trust each[] = {FILE_PUBLIC, FILE_SETTINGS, FILE_OWN};
    CLEANUP(place_leave) struct place p = place_enter();

    make("f", "x", 0644);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(chmod("f", 0664), 0);
        refuse("f", each[i], EPERM, "0664; expected no write permission");
        ck_assert_int_eq(chmod("f", 0646), 0);
        refuse("f", each[i], EPERM, "0646; expected no write permission");
        ck_assert_int_eq(chmod("f", 0755), 0);
        accept("f", each[i]);
    }
}
END_TEST

START_TEST(a_private_file_that_others_can_read_is_refused)
{
    static const mode_t each[] = {0640, 0620, 0610, 0604, 0602, 0601};
    CLEANUP(place_leave) struct place p = place_enter();

    make("f", "x", 0600);
    accept("f", FILE_PRIVATE);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_int_eq(chmod("f", each[i]), 0);
        refuse("f", FILE_PRIVATE, EPERM, "expected no permission for group and others");
    }
}
END_TEST

START_TEST(a_file_of_another_user_is_refused)
{
    NEEDS_ROOT(); /* gives files away */
    static const enum file_trust each[] = {FILE_PUBLIC, FILE_SETTINGS, FILE_PRIVATE, FILE_OWN};
    CLEANUP(place_leave) struct place p = place_enter();

    make("f", "x", 0600);
    ck_assert_int_eq(chown("f", OTHER_UID, 0), 0);
    for (size_t i = 0; i < 4; i++)
        refuse("f", each[i], EPERM, "owned by uid 54321; expected root");
}
END_TEST

START_TEST(a_public_file_may_belong_to_the_owner_of_its_directory)
{
    NEEDS_ROOT(); /* gives files away */
    CLEANUP(place_leave) struct place p = place_enter();

    ck_assert_int_eq(mkdir("dir", 0755), 0);
    make("dir/f", "x", 0644);
    ck_assert_int_eq(chown("dir", OTHER_UID, 0), 0);
    ck_assert_int_eq(chown("dir/f", OTHER_UID, 0), 0);
    accept("dir/f", FILE_PUBLIC);
    accept("dir/f", FILE_OWN);
    refuse("dir/f", FILE_SETTINGS, EPERM, "expected root");
    refuse("dir/f", FILE_PRIVATE, EPERM, "expected root or the current user");
}
END_TEST

START_TEST(a_file_of_root_in_any_directory_is_accepted)
{
    NEEDS_ROOT(); /* gives files away */
    CLEANUP(place_leave) struct place p = place_enter();

    ck_assert_int_eq(mkdir("dir", 0755), 0);
    make("dir/f", "x", 0600);
    ck_assert_int_eq(chown("dir", OTHER_UID, 0), 0);
    accept("dir/f", FILE_PUBLIC);
    accept("dir/f", FILE_SETTINGS);
    accept("dir/f", FILE_PRIVATE);
    accept("dir/f", FILE_OWN);
}
END_TEST

START_TEST(the_caller_is_the_effective_user_for_private_and_the_real_one_for_own_files)
{
    NEEDS_ROOT(); /* gives files away */
    CLEANUP(place_leave) struct place p = place_enter();

    make("f", "x", 0600);
    ck_assert_int_eq(chmod(".", 0711), 0);
    ck_assert_int_eq(chown("f", OTHER_UID, 0), 0);
    ck_assert_int_eq(setresuid(0, OTHER_UID, 0), 0);
    accept("f", FILE_PRIVATE);
    refuse("f", FILE_OWN, EPERM,
           "expected root, the owner of its directory or the current user");
    ck_assert_int_eq(setresuid(OTHER_UID, 0, 0), 0);
    accept("f", FILE_OWN);
    refuse("f", FILE_PRIVATE, EPERM, "expected root or the current user");
    ck_assert_int_eq(setresuid(0, 0, 0), 0);
}
END_TEST

START_TEST(the_size_limit_is_exact)
{
    CLEANUP(place_leave) struct place p = place_enter();
    CLEANUP(secret_clear) struct secret bytes = {0};
    struct errmsg errmsg;

    make("f", "12345", 0644);
    ck_assert_err(file_read("f", FILE_PUBLIC, 4, &bytes, &errmsg), TOK_FILE);
    ck_assert_int_eq(errno, EFBIG);
    ck_assert_str_eq(errmsg.text, "f: has 5 bytes; the limit is 4");
    ck_assert_ok(file_read("f", FILE_PUBLIC, 5, &bytes, &errmsg));
}
END_TEST

START_TEST(a_file_that_grows_while_it_is_read_is_refused)
{
    CLEANUP(secret_clear) struct secret bytes = {0};
    struct errmsg errmsg;

    /* stat reports 0 bytes for a file of procfs, and read returns more. */
    ck_assert_err(file_read("/proc/self/limits", FILE_PUBLIC, 0, &bytes, &errmsg), TOK_FILE);
    ck_assert_ptr_nonnull(strstr(errmsg.text, "changed while it was read"));
}
END_TEST

START_TEST(the_descriptor_is_not_inherited)
{
    CLEANUP(place_leave) struct place p = place_enter();
    CLEANUP(cleanup_close) int fd = -1;
    struct stat st;

    make("f", "12345", 0644);
    ck_assert_ok(file_open("f", FILE_PUBLIC, &fd, &st, NULL));
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(st.st_size, 5);
}
END_TEST

START_TEST(a_written_file_has_its_bytes_and_its_mode_whatever_the_umask)
{
    CLEANUP(place_leave) struct place p = place_enter();
    struct stat st;

    (void)umask(0777);
    ck_assert_ok(file_write("f", SLICE("new"), 0644, NULL));
    content_is("f", "new");
    ck_assert_int_eq(stat("f", &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0644);
    ck_assert_ok(file_write("./f", SLICE("newer"), 0600, NULL));
    content_is("f", "newer");
    ck_assert_int_eq(stat("f", &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(an_open_descriptor_keeps_the_old_file)
{
    CLEANUP(place_leave) struct place p = place_enter();
    CLEANUP(cleanup_close) int fd = -1;
    char old[4] = "";

    make("f", "old", 0644);
    ck_assert_ok(file_open("f", FILE_PUBLIC, &fd, NULL, NULL));
    ck_assert_ok(file_write("f", SLICE("new"), 0644, NULL));
    ck_assert_int_eq(read(fd, old, 3), 3);
    ck_assert_str_eq(old, "old");
}
END_TEST

START_TEST(a_failed_write_leaves_the_old_file_and_nothing_else)
{
    CLEANUP(place_leave) struct place p = place_enter();
    struct rlimit small = {.rlim_cur = 2, .rlim_max = RLIM_INFINITY};
    struct rlimit old;
    struct errmsg errmsg;

    make("f", "old", 0644);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    ck_assert_err(file_write("f", SLICE("new and longer"), 0644, &errmsg), TOK_FILE);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert_str_eq(errmsg.text, "f: cannot replace: File too large");
    content_is("f", "old");
    ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(a_sweep_removes_temporary_files_and_nothing_else)
{
    CLEANUP(place_leave) struct place p = place_enter();

    make("f", "kept", 0644);
    make(".hidden", "kept", 0644);
    make(".new-0123456789abcdef", "half", 0600);
    make(".new-fedcba9876543210", "", 0600);
    ck_assert_uint_eq(entries(), 4);
    file_sweep(".");
    ck_assert_uint_eq(entries(), 2);
    content_is("f", "kept");
    content_is(".hidden", "kept");
    file_sweep("nowhere");
}
END_TEST

START_TEST(a_directory_is_never_replaced)
{
    CLEANUP(place_leave) struct place p = place_enter();
    struct errmsg errmsg;

    ck_assert_int_eq(mkdir("dir", 0755), 0);
    ck_assert_err(file_write("dir", SLICE("x"), 0644, &errmsg), TOK_FILE);
    ck_assert_err(file_write("dir/", SLICE("x"), 0644, &errmsg), TOK_FILE);
    ck_assert_err(file_write("nowhere/f", SLICE("x"), 0644, &errmsg), TOK_FILE);
    ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(a_link_is_replaced_and_not_followed)
{
    CLEANUP(place_leave) struct place p = place_enter();
    struct stat st;

    make("target", "old", 0644);
    ck_assert_int_eq(symlink("target", "f"), 0);
    ck_assert_ok(file_write("f", SLICE("new"), 0644, NULL));
    content_is("target", "old");
    ck_assert_int_eq(lstat("f", &st), 0);
    ck_assert(S_ISREG(st.st_mode));
}
END_TEST

START_TEST(a_path_that_is_too_long_is_refused)
{
    CLEANUP(place_leave) struct place p = place_enter();
    struct secret bytes = {0};
    char path[PATH_MAX + 16];
    struct errmsg errmsg;

    memset(path, 'd', sizeof(path));
    memcpy(path + sizeof(path) - 3, "/f", 3);
    ck_assert_err(file_read(path, FILE_OWN, 10, &bytes, &errmsg), TOK_FILE);
    ck_assert_int_eq(errno, ENAMETOOLONG);
    ck_assert_err(file_write(path, SLICE("x"), 0644, &errmsg), TOK_FILE);
    ck_assert_uint_eq(entries(), 0);
}
END_TEST

START_TEST(an_invalid_trust_accepts_no_file)
{
    CLEANUP(place_leave) struct place p = place_enter();
    struct secret bytes = {0};

    make("f", "x", 0644);
    ck_assert_err(file_read("f", (enum file_trust)99, 10, &bytes, NULL), TOK_FILE);
}
END_TEST

UNIT_MAIN("file", all_bytes_are_read_and_a_nul_follows, an_empty_file_is_read,
          a_missing_file_gives_enoent, only_a_missing_file_is_missing_and_leaves_no_message,
          a_symbolic_link_is_refused, a_key_file_may_be_a_link_that_is_roots_alone,
          a_link_that_others_can_turn_is_refused, a_link_in_a_directory_of_the_path_is_followed,
          a_fifo_is_refused_and_does_not_hang, a_directory_or_a_device_is_refused,
          a_file_that_others_can_write_is_refused,
          a_private_file_that_others_can_read_is_refused, a_file_of_another_user_is_refused,
          a_public_file_may_belong_to_the_owner_of_its_directory,
          a_file_of_root_in_any_directory_is_accepted,
          the_caller_is_the_effective_user_for_private_and_the_real_one_for_own_files,
          the_size_limit_is_exact, a_file_that_grows_while_it_is_read_is_refused,
          the_descriptor_is_not_inherited,
          a_written_file_has_its_bytes_and_its_mode_whatever_the_umask,
          an_open_descriptor_keeps_the_old_file,
          a_failed_write_leaves_the_old_file_and_nothing_else,
          a_sweep_removes_temporary_files_and_nothing_else, a_directory_is_never_replaced,
          a_link_is_replaced_and_not_followed, a_path_that_is_too_long_is_refused,
          an_invalid_trust_accepts_no_file)
