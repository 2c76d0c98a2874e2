#include "common/base/file.h"

#include "common/base/cleanup.h"
#include "common/base/file_walk.h"
#include "common/base/secret.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* A system call failed; errno stays as it is. */
static enum tok_err call_failed(const char *path, const char *call, struct errmsg *errmsg)
{
    int error = errno;
    const char *text = strerrordesc_np(error);

    (void)errmsg_set(errmsg, TOK_FILE, "%s: cannot %s: %s", path, call,
                     text ? text : "unknown error");
    errno = error;
    return TOK_FILE;
}

/* Opens the directory of a path. *ret_name is the last component, within path. */
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
    unsigned owners; /* of the file */
    mode_t forbidden;
    const char *owners_form, *modes_form;
    bool links; /* one that is root's alone may name it (file_walk.h) */
} trusts[] = {
    [FILE_PUBLIC] = {ROOT | DIRECTORY, WRITERS, "root or the owner of its directory",
                     NO_WRITERS, false},
    [FILE_KEYS] = {ROOT | DIRECTORY, WRITERS, "root or the owner of its directory", NO_WRITERS,
                   true},
    [FILE_SETTINGS] = {ROOT, WRITERS, "root", NO_WRITERS, false},
    [FILE_PRIVATE] = {ROOT | EFFECTIVE, S_IRWXG | S_IRWXO, "root or the current user",
                      "no permission for group and others (chmod go=)", false},
    [FILE_OWN] = {ROOT | DIRECTORY | REAL, WRITERS,
                  "root, the owner of its directory or the current user", NO_WRITERS, false},
    [FILE_OWN_KEYS] = {ROOT | DIRECTORY | REAL, WRITERS,
                       "root, the owner of its directory or the current user", NO_WRITERS,
                       true},
    [FILE_NO_LINKS] = {ROOT, WRITERS, "root", NO_WRITERS, false},
};

static const struct trust *trust_of(enum file_trust trust)
{
    static const struct trust no_trust = {0, ALLPERMS, "no owner", "no permission", false};

    return (size_t)trust < sizeof(trusts) / sizeof(trusts[0]) ? &trusts[trust] : &no_trust;
}

static bool owner_ok(const struct trust *t, uid_t owner, uid_t directory)
{
    return ((t->owners & ROOT) && owner == 0) ||
           ((t->owners & DIRECTORY) && owner == directory) ||
           ((t->owners & EFFECTIVE) && owner == geteuid()) ||
           ((t->owners & REAL) && owner == getuid());
}

/* Sets errno on an error. */
static enum tok_err check(const char *path, const struct trust *t, const struct stat *st,
                          uid_t directory, struct errmsg *errmsg)
{
    enum tok_err err = TOK_OK;

    if (!S_ISREG(st->st_mode)) {
        err = errmsg_set(errmsg, TOK_FILE, "%s: is not a regular file", path);
        errno = EINVAL;
    } else if (!owner_ok(t, st->st_uid, directory)) {
        err = errmsg_set(errmsg, TOK_FILE, "%s: is owned by uid %lu; expected %s", path,
                         (unsigned long)st->st_uid, t->owners_form);
        errno = EPERM;
    } else if (st->st_mode & t->forbidden) {
        err = errmsg_set(errmsg, TOK_FILE, "%s: has mode %04o; expected %s", path,
                         (unsigned)(st->st_mode & ALLPERMS), t->modes_form);
        errno = EPERM;
    }
    return err;
}

/* O_NONBLOCK: opening a FIFO would wait for a writer. */
static int open_name(int dir, const char *name)
{
    return openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static enum tok_err open_failed(const char *path, struct errmsg *errmsg)
{
    if (errno != ELOOP)
        return call_failed(path, "open", errmsg);
    (void)errmsg_set(errmsg, TOK_FILE, "%s: is a symbolic link; expected the file itself",
                     path);
    errno = ELOOP;
    return TOK_FILE;
}

static enum tok_err open_link(const char *path, int *ret_fd, struct errmsg *errmsg)
{
    struct file_walk walk;
    CLEANUP(cleanup_close) int dir = file_walk(&walk, path, FILE_LINKS_ROOTS);

    if (dir < 0 && errno == EPERM) {
        (void)errmsg_set(errmsg, TOK_FILE,
                         "%s: is a symbolic link, and \"%s\" on its way is not root's, or "
                         "others can write it",
                         path, walk.rest);
        errno = EPERM;
        return TOK_FILE;
    }
    *ret_fd = dir < 0 ? -1 : open_name(dir, walk.rest);
    return *ret_fd < 0 ? open_failed(path, errmsg) : TOK_OK;
}

/* *ret_owner: of the directory. */
static enum tok_err open_file(const char *path, enum file_trust trust, int *ret_fd,
                              uid_t *ret_owner, struct errmsg *errmsg)
{
    const bool no_links = trust == FILE_NO_LINKS;
    struct file_walk walk;
    CLEANUP(cleanup_close) int dir = -1;
    struct stat st;
    const char *name;

    if (no_links) {
        dir = file_walk(&walk, path, FILE_LINKS_NONE);
        name = walk.rest;
    } else {
        dir = open_directory(path, O_PATH, &name);
    }
    if (dir < 0 || fstat(dir, &st) < 0)
        return call_failed(path,
                           no_links ? "open its directory without following symbolic links"
                                    : "open its directory",
                           errmsg);
    *ret_owner = st.st_uid;
    *ret_fd = open_name(dir, name);
    if (*ret_fd >= 0)
        return TOK_OK;
    if (errno != ELOOP || !trust_of(trust)->links || *path != '/')
        return open_failed(path, errmsg);
    *ret_owner = 0;
    return open_link(path, ret_fd, errmsg);
}

enum tok_err file_open(const char *path, enum file_trust trust, int *ret_fd,
                       struct stat *ret_st, struct errmsg *errmsg)
{
    uid_t directory = 0;
    struct stat st;
    int fd = -1;
    enum tok_err err = open_file(path, trust, &fd, &directory, errmsg);

    if (err)
        return err;
    if (fstat(fd, &st) < 0)
        err = call_failed(path, "stat", errmsg);
    else
        err = check(path, trust_of(trust), &st, directory, errmsg);
    if (err) {
        cleanup_close(&fd);
        return err;
    }
    if (ret_st)
        *ret_st = st;
    *ret_fd = fd;
    return TOK_OK;
}

/* Reads n bytes, fewer only at the end of the file. -1 with errno. */
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

/* Into room, which has one byte more than the file: to see that it does not grow. */
static enum tok_err read_whole(const char *path, int fd, struct secret *room,
                               struct errmsg *errmsg)
{
    ssize_t got = read_up_to(fd, room->p, room->n);

    if (got < 0)
        return call_failed(path, "read", errmsg);
    if ((size_t)got == room->n - 1) {
        room->n--;
        return TOK_OK;
    }
    (void)errmsg_set(errmsg, TOK_FILE,
                     "%s: changed while it was read; write a new file and rename it", path);
    errno = EAGAIN;
    return TOK_FILE;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool file_is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(a->st_mtim, b->st_mtim) && same_time(a->st_ctim, b->st_ctim);
}

enum tok_err file_read_opened(const char *path, int fd, size_t max, struct secret *ret,
                              struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret room = {0};
    struct stat st;
    enum tok_err err;

    if (fstat(fd, &st) < 0)
        return call_failed(path, "stat", errmsg);
    if ((uint64_t)st.st_size > max) {
        (void)errmsg_set(errmsg, TOK_FILE, "%s: has %lld bytes; the limit is %zu", path,
                         (long long)st.st_size, max);
        errno = EFBIG;
        return TOK_FILE;
    }
    if (secret_alloc((size_t)st.st_size + 1, &room) != TOK_OK)
        return errmsg_set(errmsg, TOK_NO_MEMORY, "%s: out of memory", path);
    err = read_whole(path, fd, &room, errmsg);
    if (err)
        return err;
    *ret = room;
    room = (struct secret){0};
    return TOK_OK;
}

enum tok_err file_read(const char *path, enum file_trust trust, size_t max, struct secret *ret,
                       struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = -1;
    enum tok_err err = file_open(path, trust, &fd, NULL, errmsg);

    return err ? err : file_read_opened(path, fd, max, ret, errmsg);
}

bool file_is_missing(enum tok_err err, struct errmsg *errmsg)
{
    if (err != TOK_FILE || errno != ENOENT)
        return false;
    if (errmsg)
        errmsg->text[0] = '\0';
    return true;
}

enum tok_err file_write_all(int fd, struct slice bytes)
{
    while (bytes.n > 0) {
        ssize_t put = write(fd, bytes.p, bytes.n);

        if (put < 0 && errno != EINTR)
            return TOK_FILE;
        bytes = slice_skip(bytes, put < 0 ? 0 : (size_t)put);
    }
    return TOK_OK;
}

static enum tok_err fill_with_bytes(int fd, void *arg)
{
    return file_write_all(fd, *(const struct slice *)arg);
}

#define TEMPORARY ".new-"

/* The name cannot be guessed, is hidden, and is short however long the name of the file is. */
static int make_temporary(int dir, char *name, size_t size)
{
    uint64_t random;

    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -1;
    (void)snprintf(name, size, TEMPORARY "%016llx", (unsigned long long)random);
    return openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

enum tok_err file_write(const char *path, struct slice bytes, mode_t mode,
                        struct errmsg *errmsg)
{
    return file_replace(path, mode, fill_with_bytes, &bytes, errmsg);
}

enum tok_err file_replace(const char *path, mode_t mode, file_filler *fill, void *arg,
                          struct errmsg *errmsg)
{
    enum tok_err err = TOK_FILE;
    CLEANUP(cleanup_close) int dir = -1;
    CLEANUP(cleanup_close) int fd = -1;
    char temporary[32];
    const char *name;

    dir = open_directory(path, O_RDONLY, &name);
    if (dir < 0)
        return call_failed(path, "open its directory", errmsg);
    fd = make_temporary(dir, temporary, sizeof(temporary));
    if (fd < 0)
        return call_failed(path, "create a temporary file beside it", errmsg);
    if (fchmod(fd, mode) < 0 || (err = fill(fd, arg)) || (err = TOK_FILE, fsync(fd)) < 0 ||
        renameat(dir, temporary, dir, name) < 0) {
        int error = errno;

        (void)unlinkat(dir, temporary, 0);
        errno = error;
        return err == TOK_FILE ? call_failed(path, "replace", errmsg) : err;
    }
    if (fsync(dir) < 0)
        return call_failed(path, "sync the directory", errmsg);
    return TOK_OK;
}

void file_sweep(const char *dir)
{
    DIR *entries = opendir(dir);
    const struct dirent *entry;
    int fd;

    if (!entries)
        return;
    fd = dirfd(entries);
    while (fd >= 0 && (entry = readdir(entries)))
        if (strncmp(entry->d_name, TEMPORARY, sizeof(TEMPORARY) - 1) == 0)
            (void)unlinkat(fd, entry->d_name, 0);
    (void)closedir(entries);
}
