#include "common/base/file.h"

#include "common/base/cleanup.h"
#include "common/base/secret.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* Keeps for the caller what went wrong. */
static enum tok_err told(int error, int *ret_errno, enum tok_err err)
{
    if (ret_errno)
        *ret_errno = error;
    return err;
}

/* Says that a system call failed. */
static enum tok_err failed(const char *path, const char *doing, int error, int *ret_errno,
                           struct errmsg *errmsg)
{
    const char *text = strerrordesc_np(error);

    return told(error, ret_errno,
                errmsg_set(errmsg, TOK_FILE, "%s: can't %s: %s", path, doing,
                           text ? text : "unknown error"));
}

/* Splits a path into its directory, opened with these flags, and the last part, which points
 * into path. */
static int open_directory(const char *path, int flags, const char **ret_name)
{
    const char *slash = strrchr(path, '/');
    char dir[PATH_MAX] = ".";

    if (slash) {
        size_t n = slash == path ? 1 : (size_t)(slash - path);

        if (n >= sizeof(dir)) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(dir, path, n);
        dir[n] = '\0';
    }
    *ret_name = slash ? slash + 1 : path;
    if (**ret_name == '\0') {
        errno = *path == '\0' ? ENOENT : EISDIR;
        return -1;
    }
    return open(dir, flags | O_DIRECTORY | O_CLOEXEC);
}

#define WRITERS (S_IWGRP | S_IWOTH)
#define NO_WRITERS "no write permission for group and others (chmod go-w)"

enum owner { ROOT = 1, DIRECTORY = 2, EFFECTIVE = 4, REAL = 8 };

static const struct trust {
    unsigned owners; /* whose the file may be */
    mode_t forbidden;
    const char *owners_form, *modes_form;
} trusts[] = {
    [FILE_PUBLIC] = {ROOT | DIRECTORY, WRITERS, "root or the owner of its directory",
                     NO_WRITERS},
    [FILE_SETTINGS] = {ROOT, WRITERS, "root", NO_WRITERS},
    [FILE_PRIVATE] = {ROOT | EFFECTIVE, S_IRWXG | S_IRWXO, "root or the user who reads it",
                      "no permission for group and others (chmod go=)"},
    [FILE_OWN] = {ROOT | DIRECTORY | REAL, WRITERS, "root, the owner of its directory or you",
                  NO_WRITERS},
};

static const struct trust *trust_of(enum file_trust trust)
{
    static const struct trust nobody = {0, ALLPERMS, "nobody", "none"};

    return (size_t)trust < sizeof(trusts) / sizeof(trusts[0]) ? &trusts[trust] : &nobody;
}

static bool owner_ok(const struct trust *t, uid_t owner, uid_t directory)
{
    return ((t->owners & ROOT) && owner == 0) ||
           ((t->owners & DIRECTORY) && owner == directory) ||
           ((t->owners & EFFECTIVE) && owner == geteuid()) ||
           ((t->owners & REAL) && owner == getuid());
}

static enum tok_err check(const char *path, enum file_trust trust, int fd, uid_t directory,
                          struct stat *ret_st, int *ret_errno, struct errmsg *errmsg)
{
    const struct trust *t = trust_of(trust);
    struct stat st;

    if (fstat(fd, &st) < 0)
        return failed(path, "look at", errno, ret_errno, errmsg);
    if (!S_ISREG(st.st_mode))
        return told(
            EINVAL, ret_errno,
            errmsg_set(errmsg, TOK_FILE, "%s: is no regular file; only those are read", path));
    if (!owner_ok(t, st.st_uid, directory))
        return told(EPERM, ret_errno,
                    errmsg_set(errmsg, TOK_FILE, "%s: is owned by uid %lu; the owner may be %s",
                               path, (unsigned long)st.st_uid, t->owners_form));
    if (st.st_mode & t->forbidden)
        return told(EPERM, ret_errno,
                    errmsg_set(errmsg, TOK_FILE, "%s: has mode %04o; allowed is %s", path,
                               (unsigned)(st.st_mode & ALLPERMS), t->modes_form));
    if (ret_st)
        *ret_st = st;
    return TOK_OK;
}

enum tok_err file_open(const char *path, enum file_trust trust, int *ret_fd,
                       struct stat *ret_st, int *ret_errno, struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int dir = -1;
    struct stat dir_st;
    const char *name;
    enum tok_err err;
    int fd;

    dir = open_directory(path, O_PATH, &name);
    if (dir < 0 || fstat(dir, &dir_st) < 0)
        return failed(path, "open its directory", errno, ret_errno, errmsg);
    /* O_NONBLOCK: the other end of a FIFO may never come. */
    fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ELOOP)
        return told(ELOOP, ret_errno,
                    errmsg_set(errmsg, TOK_FILE,
                               "%s: is a symbolic link; only the file itself is read", path));
    if (fd < 0)
        return failed(path, "open", errno, ret_errno, errmsg);
    err = check(path, trust, fd, dir_st.st_uid, ret_st, ret_errno, errmsg);
    if (err == TOK_OK)
        *ret_fd = fd;
    else
        (void)close(fd);
    return err;
}

/* Up to n bytes, less only at the end of the file; -1 with errno. */
static ssize_t read_up_to(int fd, char *buf, size_t n)
{
    size_t have = 0;

    while (have < n) {
        ssize_t got = read(fd, buf + have, n - have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

enum tok_err file_read_opened(const char *path, int fd, const struct stat *st, size_t max,
                              char **ret, size_t *ret_n, int *ret_errno, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret room = {0};
    ssize_t got;
    size_t size;

    if ((uint64_t)st->st_size > max)
        return told(EFBIG, ret_errno,
                    errmsg_set(errmsg, TOK_FILE, "%s: has %lld bytes; at most %zu are read",
                               path, (long long)st->st_size, max));
    size = (size_t)st->st_size;
    if (secret_alloc(size + 1, &room) != TOK_OK)
        return errmsg_set(errmsg, TOK_NO_MEMORY, "%s: out of memory", path);
    got = read_up_to(fd, room.p, size + 1);
    if (got < 0)
        return failed(path, "read", errno, ret_errno, errmsg);
    if ((size_t)got != size)
        return told(EAGAIN, ret_errno,
                    errmsg_set(errmsg, TOK_FILE,
                               "%s: changed while it was read; replace it by a rename", path));
    room.p[size] = '\0';
    *ret = room.p;
    *ret_n = size;
    room = (struct secret){0};
    return TOK_OK;
}

enum tok_err file_read(const char *path, enum file_trust trust, size_t max, char **ret,
                       size_t *ret_n, int *ret_errno, struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = -1;
    struct stat st = {0};
    enum tok_err err = file_open(path, trust, &fd, &st, ret_errno, errmsg);

    return err ? err : file_read_opened(path, fd, &st, max, ret, ret_n, ret_errno, errmsg);
}

static int write_all(int fd, struct slice bytes)
{
    while (bytes.n > 0) {
        ssize_t put = write(fd, bytes.p, bytes.n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        bytes.p += put;
        bytes.n -= (size_t)put;
    }
    return 0;
}

#define TEMPORARY ".new-"

/* A name that nobody can guess, hidden, and short whatever the file's own name is. */
static int make_temporary(int dir, char *name, size_t size)
{
    uint64_t random;

    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -1;
    (void)snprintf(name, size, TEMPORARY "%016llx", (unsigned long long)random);
    return openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

enum tok_err file_write(const char *path, struct slice bytes, mode_t mode,
                        struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int dir = -1;
    CLEANUP(cleanup_close) int fd = -1;
    char temporary[32];
    const char *name;

    dir = open_directory(path, O_RDONLY, &name);
    if (dir < 0)
        return failed(path, "open its directory", errno, NULL, errmsg);
    fd = make_temporary(dir, temporary, sizeof(temporary));
    if (fd < 0)
        return failed(path, "make a file beside it", errno, NULL, errmsg);
    if (fchmod(fd, mode) < 0 || write_all(fd, bytes) < 0 || fsync(fd) < 0 ||
        renameat(dir, temporary, dir, name) < 0) {
        int error = errno;

        (void)unlinkat(dir, temporary, 0);
        return failed(path, "replace", error, NULL, errmsg);
    }
    if (fsync(dir) < 0)
        return failed(path, "bring its directory to disk", errno, NULL, errmsg);
    return TOK_OK;
}

void file_sweep(const char *dir)
{
    DIR *entries = opendir(dir);
    const struct dirent *entry;

    if (!entries)
        return;
    while ((entry = readdir(entries)))
        if (strncmp(entry->d_name, TEMPORARY, sizeof(TEMPORARY) - 1) == 0)
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
    (void)closedir(entries);
}
