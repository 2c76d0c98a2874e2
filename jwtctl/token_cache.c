#include "jwtctl/token_cache.h"

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "jwtctl/output.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define FILE_NAME "session.json"
#define CACHE_MAX ((size_t)64 * 1024)

void token_cache_close(struct token_cache *c)
{
    cleanup_close(&c->dir);
    free(c->path);
    *c = (struct token_cache){.dir = -1};
}

static const char *find_home(void)
{
    const char *home = getenv("HOME");
    const struct passwd *pw;

    if (home && home[0] == '/')
        return home;
    pw = getpwuid(geteuid());
    return pw && pw->pw_dir[0] == '/' ? pw->pw_dir : NULL;
}

/* Malloc'ed; its first *ret_home bytes are the home, which is never created. Relative paths are
 * ignored (XDG base directory specification). */
static char *find_dir(size_t *ret_home, struct errmsg *errmsg)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = find_home();
    char *dir = NULL;
    int n;

    if (state && state[0] == '/') {
        *ret_home = 0;
        n = asprintf(&dir, "%s/jwt", state);
    } else if (home) {
        *ret_home = strlen(home);
        n = asprintf(&dir, "%s/.local/state/jwt", home);
    } else {
        (void)errmsg_set(errmsg, TOK_FILE,
                         "no directory for the tokens: expected an absolute path in HOME");
        return NULL;
    }
    if (n < 0)
        out_of_memory();
    return dir;
}

static enum tok_err make_dirs(char *path, size_t home, struct errmsg *errmsg)
{
    for (size_t i = home; path[i];) {
        size_t end = i + 1 + strcspn(path + i + 1, "/");
        char rest = path[end];
        bool failed;

        path[end] = '\0';
        failed = mkdir(path, 0700) != 0 && errno != EEXIST;
        path[end] = rest;
        if (failed)
            return errmsg_set(errmsg, TOK_FILE, "%.*s: cannot create the directory: %s",
                              (int)end, path, strerror(errno));
        i = end;
    }
    return TOK_OK;
}

static enum tok_err open_dir(struct token_cache *c, const char *path, bool may_be_missing,
                             struct errmsg *errmsg)
{
    struct stat st;

    c->dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (c->dir < 0 && errno == ENOENT && may_be_missing)
        return TOK_OK;
    if (c->dir < 0 || fstat(c->dir, &st) != 0)
        return errmsg_set(errmsg, TOK_FILE, "%s: cannot open the directory: %s", path,
                          strerror(errno));
    if (st.st_uid != geteuid())
        return errmsg_set(errmsg, TOK_FILE, "%s: expected owner %u, found %u", path,
                          (unsigned)geteuid(), (unsigned)st.st_uid);
    if ((st.st_mode & 077) != 0 && fchmod(c->dir, 0700) != 0)
        return errmsg_set(errmsg, TOK_FILE, "%s: cannot change the mode to 0700: %s", path,
                          strerror(errno));
    return TOK_OK;
}

enum tok_err token_cache_open(enum token_cache_mode mode, struct token_cache *ret,
                              struct errmsg *errmsg)
{
    CLEANUP(token_cache_close) struct token_cache c = {.dir = -1};
    CLEANUP(cleanup_free) char *dir = NULL;
    enum tok_err err = TOK_OK;
    size_t home = 0;

    dir = find_dir(&home, errmsg);
    if (!dir)
        return TOK_FILE;
    if (mode == TOKEN_CACHE_CREATE)
        err = make_dirs(dir, home, errmsg);
    if (!err)
        err = open_dir(&c, dir, mode == TOKEN_CACHE_READ, errmsg);
    if (err)
        return err;
    if (asprintf(&c.path, "%s/" FILE_NAME, dir) < 0)
        out_of_memory();
    *ret = c;
    c = (struct token_cache){.dir = -1};
    return TOK_OK;
}

enum tok_err token_cache_lock(struct token_cache *c, struct errmsg *errmsg)
{
    if (c->dir < 0 || flock(c->dir, LOCK_EX) == 0)
        return TOK_OK;
    return errmsg_set(errmsg, TOK_FILE, "%s: cannot lock: %s", c->path, strerror(errno));
}

enum tok_err token_cache_read(const struct token_cache *c, struct secret *ret,
                              struct errmsg *errmsg)
{
    struct secret bytes = {0};
    enum tok_err err;

    if (c->dir < 0)
        return TOK_OK;
    err = file_read(c->path, FILE_PRIVATE, CACHE_MAX, &bytes, errmsg);
    if (err)
        return file_is_missing(err, errmsg) ? TOK_OK : err;
    *ret = bytes;
    return TOK_OK;
}

enum tok_err token_cache_write(const struct token_cache *c, struct slice json,
                               struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret line = {0};

    if (secret_alloc(json.n + 1, &line) != TOK_OK)
        out_of_memory();
    memcpy(line.p, json.p, json.n);
    line.p[json.n] = '\n';
    return file_write(c->path, secret_slice(&line), 0600, errmsg);
}

enum tok_err token_cache_remove(const struct token_cache *c, struct errmsg *errmsg)
{
    if (c->dir < 0 || unlinkat(c->dir, FILE_NAME, 0) == 0 || errno == ENOENT)
        return TOK_OK;
    return errmsg_set(errmsg, TOK_FILE, "%s: %s", c->path, strerror(errno));
}
