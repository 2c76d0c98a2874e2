#include "jwtctl/run/record.h"

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/slice.h"
#include "jwtctl/output.h"
#include "jwtctl/state_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define TEXT_MAX 16384  /* bytes of a record */
#define FOREIGN_S 86400 /* age at which records of other boots and namespaces are removed */
#define ID_MAX 80       /* bytes of "BOOT.NAMESPACE" and a NUL */

/* Which processes a pid means: those of this boot in this PID namespace. */
static bool read_id(char ret[ID_MAX])
{
    CLEANUP(cleanup_close)
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    char boot[36], space[40];
    ssize_t n = fd < 0 ? -1 : read(fd, boot, sizeof(boot));
    ssize_t m = readlink("/proc/self/ns/pid", space, sizeof(space) - 1);
    const char *at = space + strlen("pid:[");
    uint64_t inode;

    if (n != sizeof(boot) || m <= 0)
        return false;
    space[m] = '\0';
    if (strncmp(space, "pid:[", strlen("pid:[")) != 0 || !process_number(&at, &inode))
        return false;
    (void)snprintf(ret, ID_MAX, "%.36s.%" PRIu64, boot, inode);
    return true;
}

static int open_private(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0))
        return fd;
    (void)close(fd);
    errno = EPERM;
    return -1;
}

static int open_or_make(int dir, const char *name, bool create)
{
    if (create && mkdirat(dir, name, 0700) != 0 && errno != EEXIST)
        return -1;
    return open_private(dir, name);
}

/* After su, XDG_RUNTIME_DIR can be another user's. */
enum tok_err record_dir_open(bool create, int *ret_fd, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    CLEANUP(cleanup_close) int state = -1;
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    CLEANUP(cleanup_close) int base = -1;
    enum tok_err err;
    int fd;

    if (runtime && runtime[0] == '/')
        base = open_private(AT_FDCWD, runtime);
    if (base >= 0) {
        fd = open_or_make(base, "jwt", create);
    } else {
        err = state_dir_open(create, &state, &path, errmsg);
        if (err)
            return err;
        errno = ENOENT;
        fd = state < 0 ? -1 : open_or_make(state, "run", create);
    }
    if (fd < 0)
        return errmsg_set(errmsg, TOK_FILE,
                          "%s: expected a directory of mode 0700 that belongs to this user: %s",
                          base >= 0 ? "$XDG_RUNTIME_DIR/jwt" : "the directory of the session",
                          strerror(errno));
    *ret_fd = fd;
    return TOK_OK;
}

/* Reads ".PID.START". */
static bool read_name(const char *text, struct process *ret)
{
    uint64_t pid;

    if (*text != '.')
        return false;
    text++;
    if (!process_number(&text, &pid) || *text != '.')
        return false;
    text++;
    if (!process_number(&text, &ret->start))
        return false;
    ret->pid = (pid_t)pid;
    return *text == '\0' && ret->pid > 0;
}

/* True when the process that a file was named after has exited. */
static bool is_over(int dir, const char *name, const char *id)
{
    size_t n = strlen(id);
    struct process named, found;
    pid_t parent;
    struct stat st;

    if (strncmp(name, id, n) != 0 || !read_name(name + n, &named))
        return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
               st.st_mtime < time(NULL) - FOREIGN_S;
    if (kill(named.pid, 0) != 0 && errno == ESRCH)
        return true;
    return named.start > 0 && process_read(named.pid, &found, &parent) &&
           found.start != named.start;
}

/* The sockets "agent" and "agent.PID" are ssh's. */
static void prune(int dir, const char *id)
{
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);

    for (struct dirent *e; list && (e = readdir(list));) {
        if (e->d_name[0] != '.' && strncmp(e->d_name, "agent", 5) != 0 &&
            is_over(dir, e->d_name, id))
            (void)unlinkat(dir, e->d_name, 0);
    }
    if (list)
        (void)closedir(list);
    else
        cleanup_close(&copy);
}

/* Only programs of this user write a record, but a host name in it is an argument of ssh. A
 * line of any other form than these counts as damage. */
static void parse_line(struct record *r, char *line)
{
    const char *field[4], *before = r->fingerprint;
    char *rest = NULL, *word = strtok_r(line, " ", &rest);

    if (word && strcmp(word, RECORD_SSH) == 0) {
        r->is_ssh = true;
    } else if (word && strcmp(word, RECORD_OWN_COMMAND) == 0) {
        r->own_command = true;
    } else if (word && strcmp(word, RECORD_USED) == 0) {
        r->used = true;
    } else if (word && strcmp(word, RECORD_KEY) == 0) {
        for (size_t i = 0; i < 4; i++)
            field[i] = strtok_r(NULL, " ", &rest);
        r->is_ssh = true;
        if (!field[3] || strtok_r(NULL, " ", &rest) ||
            (before && strcmp(before, field[0]) != 0)) {
            r->mixed = true;
            return;
        }
        r->fingerprint = field[0];
        r->host = field[1];
        r->name = field[2];
        r->user = field[3];
    } else {
        r->mixed = true;
    }
}

static bool read_text(struct record *r)
{
    CLEANUP(cleanup_free) char *text = malloc(TEXT_MAX + 1);
    ssize_t n;
    char *rest;

    if (!text)
        out_of_memory();
    n = pread(r->fd, text, TEXT_MAX + 1, 0);
    if (n < 0 || n > TEXT_MAX || (n > 0 && text[n - 1] != '\n') ||
        memchr(text, '\0', (size_t)n))
        return false;
    text[n] = '\0';
    rest = r->text = text;
    text = NULL;
    for (char *line; (line = strsep(&rest, "\n")) && rest;)
        parse_line(r, line);
    return true;
}

void record_unlock(struct record *r)
{
    cleanup_close(&r->fd);
    cleanup_close(&r->dir);
    r->fd = r->dir = -1;
}

void record_close(struct record *r)
{
    record_unlock(r);
    free(r->file);
    free(r->text);
    *r = (struct record){.dir = -1, .fd = -1};
}

static enum tok_err open_file(const struct process *p, bool create, bool lock,
                              struct record *ret, struct errmsg *errmsg)
{
    CLEANUP(record_close) struct record r = {.dir = -1, .fd = -1};
    char id[ID_MAX];
    struct stat st;
    enum tok_err err = record_dir_open(create, &r.dir, errmsg);

    if (err)
        return err;
    if (!read_id(id))
        return errmsg_set(errmsg, TOK_FILE, "/proc: cannot read the boot id and the namespace");
    if (create)
        prune(r.dir, id);
    if (asprintf(&r.file, "%s.%ld.%" PRIu64, id, (long)p->pid, p->start) < 0)
        out_of_memory();
    r.fd = openat(
        r.dir, r.file,
        (create ? O_CREAT : 0) | O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    if (r.fd < 0 || fstat(r.fd, &st) != 0 || (lock && flock(r.fd, LOCK_EX) != 0))
        return errmsg_set(errmsg, TOK_FILE, "%s: cannot open: %s", r.file, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1)
        return errmsg_set(errmsg, TOK_FILE, "%s: expected a regular file of this user", r.file);
    if (!read_text(&r))
        return errmsg_set(errmsg, TOK_FILE, "%s: expected lines of text", r.file);
    *ret = r;
    r = (struct record){.dir = -1, .fd = -1};
    return TOK_OK;
}

enum tok_err record_open(const struct process *p, bool create, struct record *ret,
                         struct errmsg *errmsg)
{
    return open_file(p, create, true, ret, errmsg);
}

bool record_is_ssh(const struct process *p)
{
    CLEANUP(record_close) struct record r = {.dir = -1, .fd = -1};
    struct errmsg ignored;

    return open_file(p, false, false, &r, &ignored) == TOK_OK && r.is_ssh;
}

/* A line that is missing or cut could hide a second host key, or that a token was given. */
enum tok_err record_append(struct record *r, const char *line, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *text = NULL;
    int n = asprintf(&text, "%s\n", line), error;

    if (n < 0)
        out_of_memory();
    if (write(r->fd, text, (size_t)n) == n)
        return TOK_OK;
    error = errno;
    (void)unlinkat(r->dir, r->file, 0);
    return errmsg_set(errmsg, TOK_FILE, "%s: cannot write: %s", r->file, strerror(error));
}
