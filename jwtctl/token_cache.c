#include "jwtctl/token_cache.h"

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "jwtctl/output.h"
#include "jwtctl/state_dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define CACHE_MAX ((size_t)64 * 1024)

/* The names beside the file: .NAME.new and .NAME.lock. Malloc'ed. */
static char *beside(const struct token_cache *c, const char *suffix)
{
    char *name;

    if (asprintf(&name, ".%s.%s", c->name, suffix) < 0)
        out_of_memory();
    return name;
}

static void remove_room(const struct token_cache *c)
{
    CLEANUP(cleanup_free) char *room = beside(c, "new");

    (void)unlinkat(c->dir, room, 0);
}

/* The lock is still held: no other process has made the file since. */
static void drop_room(struct token_cache *c)
{
    if (c->room >= 0)
        remove_room(c);
    cleanup_close(&c->room);
    c->room = -1;
}

void token_cache_unlock(struct token_cache *c)
{
    drop_room(c);
    cleanup_close(&c->lock);
    c->lock = -1;
}

void token_cache_deselect(struct token_cache *c)
{
    token_cache_unlock(c);
    free(c->name);
    free(c->path);
    c->name = c->path = NULL;
}

void token_cache_close(struct token_cache *c)
{
    token_cache_deselect(c);
    cleanup_close(&c->dir);
    free(c->dir_path);
    *c = TOKEN_CACHE_CLOSED;
}

struct token_cache token_cache_other(const struct token_cache *c)
{
    return (struct token_cache){.dir = c->dir, .lock = -1, .room = -1, .dir_path = c->dir_path};
}

void token_cache_select(struct token_cache *c, const char *name)
{
    token_cache_deselect(c);
    c->name = strdup(name);
    if (!c->name || asprintf(&c->path, "%s/%s", c->dir_path, name) < 0)
        out_of_memory();
}

static enum tok_err failed(const struct token_cache *c, const char *action,
                           struct errmsg *errmsg)
{
    return errmsg_set(errmsg, TOK_FILE, "%s: cannot %s: %s", c->path, action, strerror(errno));
}

enum tok_err token_cache_open(enum token_cache_mode mode, struct token_cache *ret,
                              struct errmsg *errmsg)
{
    struct token_cache c = TOKEN_CACHE_CLOSED;
    enum tok_err err = state_dir_open(mode == TOKEN_CACHE_CREATE, &c.dir, &c.dir_path, errmsg);

    if (!err)
        *ret = c;
    return err;
}

/* A lock on the file itself would not outlive its replacement. */
enum tok_err token_cache_lock(struct token_cache *c, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *name = beside(c, "lock");

    if (c->dir < 0)
        return TOK_OK;
    c->lock = openat(c->dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return c->lock >= 0 && flock(c->lock, LOCK_EX) == 0 ? TOK_OK : failed(c, "lock", errmsg);
}

enum tok_err token_cache_read(const struct token_cache *c, struct secret *ret,
                              struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = -1;
    struct stat st;

    if (c->dir < 0)
        return TOK_OK;
    fd = openat(c->dir, c->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT)
        return TOK_OK;
    if (fd < 0 || fstat(fd, &st) != 0)
        return failed(c, "open", errmsg);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
        return errmsg_set(errmsg, TOK_FILE,
                          "%s: expected a regular file of uid %u with mode 0600, found uid %u "
                          "and mode %04o",
                          c->path, (unsigned)geteuid(), (unsigned)st.st_uid,
                          (unsigned)(st.st_mode & ALLPERMS));
    return file_read_opened(c->path, fd, CACHE_MAX, ret, errmsg);
}

/* Some file systems report a full disk or quota only when the file is synced. */
enum tok_err token_cache_reserve(struct token_cache *c, size_t bytes, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *room = beside(c, "new");
    int error;

    drop_room(c);
    remove_room(c); /* of a process that was killed */
    c->room = openat(c->dir, room, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    error = c->room < 0 ? errno : posix_fallocate(c->room, 0, (off_t)bytes);
    if (error == 0 && c->room >= 0 && fsync(c->room) != 0)
        error = errno;
    if (error == 0)
        return TOK_OK;
    drop_room(c);
    errno = error;
    return failed(c, "reserve room for new tokens beside it", errmsg);
}

enum tok_err token_cache_write(struct token_cache *c, struct slice json, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret line = {0};
    CLEANUP(cleanup_free) char *room = beside(c, "new");

    if (secret_alloc(json.n + 1, &line) != TOK_OK)
        out_of_memory();
    memcpy(line.p, json.p, json.n);
    line.p[json.n] = '\n';
    if (file_write_all(c->room, secret_slice(&line)) != TOK_OK ||
        ftruncate(c->room, (off_t)line.n) != 0 || fsync(c->room) != 0 ||
        renameat(c->dir, room, c->dir, c->name) != 0)
        return failed(c, "replace", errmsg);
    cleanup_close(&c->room);
    c->room = -1;
    return fsync(c->dir) == 0 ? TOK_OK : failed(c, "sync the directory", errmsg);
}

enum tok_err token_cache_remove(const struct token_cache *c, struct errmsg *errmsg)
{
    if (c->dir < 0 || unlinkat(c->dir, c->name, 0) == 0 || errno == ENOENT)
        return TOK_OK;
    return failed(c, "remove", errmsg);
}
