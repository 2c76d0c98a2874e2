#include "jwtctl/token_cache.h"

#include "common/base/cleanup.h"
#include "common/base/file.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define FILE_NAME "session.json"
#define CACHE_MAX ((size_t)64 * 1024)

void cache_close(struct cache *c)
{
    cleanup_close(&c->dir);
    free(c->path);
    *c = (struct cache){.dir = -1};
}

/* The XDG base directory specification: a path that is not absolute is to be ignored, one that
 * is missing to be made. The first *ret_made bytes, a home, are not ours to make. NULL with a
 * sentence. */
static char *find_dir(size_t *ret_made, struct errmsg *errmsg)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    const struct passwd *pw = NULL;
    char *dir = NULL;
    int n;

    if (!home || home[0] != '/') {
        pw = getpwuid(geteuid());
        home = pw ? pw->pw_dir : NULL;
    }
    if (state && state[0] == '/') {
        *ret_made = 0;
        n = asprintf(&dir, "%s/jwt", state);
    } else if (home && home[0] == '/') {
        *ret_made = strlen(home);
        n = asprintf(&dir, "%s/.local/state/jwt", home);
    } else {
        (void)errmsg_set(errmsg, TOK_FILE, "no place for the tokens: HOME is not set");
        return NULL;
    }
    if (n >= 0)
        return dir;
    (void)errmsg_set(errmsg, TOK_NO_MEMORY, "out of memory");
    return NULL;
}

static enum tok_err make_dirs(char *path, size_t made, struct errmsg *errmsg)
{
    for (size_t i = made; path[i];) {
        size_t end = i + 1 + strcspn(path + i + 1, "/");
        char rest = path[end];
        int failed;

        path[end] = '\0';
        failed = mkdir(path, 0700) != 0 && errno != EEXIST;
        path[end] = rest;
        if (failed)
            return errmsg_set(errmsg, TOK_FILE, "%.*s: %s", (int)end, path, strerror(errno));
        i = end;
    }
    return TOK_OK;
}

static enum tok_err check_dir(int fd, const char *path, struct errmsg *errmsg)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return errmsg_set(errmsg, TOK_FILE, "%s: %s", path, strerror(errno));
    if (st.st_uid != geteuid())
        return errmsg_set(errmsg, TOK_FILE, "%s belongs to user %u, not to you", path,
                          (unsigned)st.st_uid);
    if ((st.st_mode & 077) != 0 && fchmod(fd, 0700) != 0)
        return errmsg_set(errmsg, TOK_FILE, "%s is open to others: %s", path, strerror(errno));
    return TOK_OK;
}

static enum tok_err open_dir(const char *path, enum cache_mode mode, int *ret,
                             struct errmsg *errmsg)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    enum tok_err err = TOK_OK;

    if (fd < 0 && (errno != ENOENT || mode != CACHE_LOOK))
        return errmsg_set(errmsg, TOK_FILE, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        err = check_dir(fd, path, errmsg);
    if (err)
        cleanup_close(&fd);
    else
        *ret = fd;
    return err;
}

enum tok_err cache_open(enum cache_mode mode, struct cache *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *dir = NULL;
    size_t made = 0;
    char *path = NULL;
    enum tok_err err = TOK_OK;
    int fd = -1;

    dir = find_dir(&made, errmsg);
    if (!dir)
        return TOK_FILE;
    if (mode == CACHE_CREATE)
        err = make_dirs(dir, made, errmsg);
    if (!err)
        err = open_dir(dir, mode, &fd, errmsg);
    if (err)
        return err;
    if (asprintf(&path, "%s/" FILE_NAME, dir) < 0) {
        cleanup_close(&fd);
        return errmsg_set(errmsg, TOK_NO_MEMORY, "out of memory");
    }
    *ret = (struct cache){.dir = fd, .path = path};
    return TOK_OK;
}

enum tok_err cache_lock(struct cache *c, struct errmsg *errmsg)
{
    if (c->dir < 0)
        return TOK_OK;
    while (flock(c->dir, LOCK_EX) != 0) {
        if (errno != EINTR)
            return errmsg_set(errmsg, TOK_FILE, "%s: can't lock: %s", c->path, strerror(errno));
    }
    return TOK_OK;
}

void cache_unlock(struct cache *c)
{
    if (c->dir >= 0)
        (void)flock(c->dir, LOCK_UN);
}

enum tok_err cache_read(const struct cache *c, struct secret *ret, struct errmsg *errmsg)
{
    enum tok_err err;
    char *bytes;
    size_t n;
    int number = 0;

    if (c->dir < 0)
        return TOK_OK;
    err = file_read(c->path, FILE_PRIVATE, CACHE_MAX, &bytes, &n, &number, errmsg);
    if (err == TOK_FILE && number == ENOENT)
        return TOK_OK;
    if (err)
        return err;
    /* file_read's bytes end in the NUL that a secret's do: they are taken over, not copied. */
    *ret = (struct secret){.p = bytes, .n = n};
    return TOK_OK;
}

enum tok_err cache_write(const struct cache *c, struct slice bytes, struct errmsg *errmsg)
{
    return file_write(c->path, bytes, 0600, errmsg);
}

enum tok_err cache_remove(const struct cache *c, struct errmsg *errmsg)
{
    if (c->dir < 0 || unlinkat(c->dir, FILE_NAME, 0) == 0 || errno == ENOENT)
        return TOK_OK;
    return errmsg_set(errmsg, TOK_FILE, "%s: %s", c->path, strerror(errno));
}
