#include "jwtctl/state_dir.h"

#include "common/base/cleanup.h"
#include "jwtctl/output.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct walk {
    int fd;      /* the directory reached, opened with O_PATH; -1: it does not exist */
    bool create; /* missing directories below `base` */
    char *path;
    size_t base; /* length of HOME or XDG_STATE_HOME at the beginning of path */
    bool is_home;
};

static void walk_clear(struct walk *w)
{
    cleanup_close(&w->fd);
    free(w->path);
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

/* Relative paths are ignored (XDG base directory specification). False, with a message: there
 * is no absolute one. */
static bool find_path(struct walk *w, struct errmsg *errmsg)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = find_home();
    const char *base = state && state[0] == '/' ? state : home;

    if (!base) {
        (void)errmsg_set(errmsg, TOK_FILE,
                         "no directory for the tokens: expected an absolute path in HOME");
        return false;
    }
    w->base = strlen(base);
    while (w->base > 1 && base[w->base - 1] == '/')
        w->base--;
    w->is_home = base == home;
    if (asprintf(&w->path, "%.*s%s", (int)w->base, base,
                 w->is_home ? "/.local/state/jwt" : "/jwt") < 0)
        out_of_memory();
    return true;
}

/* The links of root are part of the path as root has set it up. */
static int open_component(int dir, const char *name, bool above_base)
{
    struct stat st;
    int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || !above_base || fstat(fd, &st) != 0 || !S_ISLNK(st.st_mode) || st.st_uid != 0)
        return fd;
    (void)close(fd);
    return openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static enum tok_err failed(const char *path, const char *action, struct errmsg *errmsg)
{
    return errmsg_set(errmsg, TOK_FILE, "%s: cannot %s: %s", path, action, strerror(errno));
}

static enum tok_err foreign(const char *path, uid_t owner, struct errmsg *errmsg)
{
    return errmsg_set(errmsg, TOK_FILE,
                      "%s: expected a directory of the user who runs jwtctl (uid %u), found "
                      "owner uid %u; set HOME to your own home (sudo -H, su -), and unset "
                      "XDG_STATE_HOME if it is another user's",
                      path, (unsigned)geteuid(), (unsigned)owner);
}

/* Group write permission is usual where each user is alone in a group. Who has it can delay a
 * login, but not read the tokens: the last directory is ours with mode 0700. */
static enum tok_err check_component(int fd, const char *path, bool must_be_ours,
                                    struct errmsg *errmsg)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return failed(path, "stat", errmsg);
    if (S_ISLNK(st.st_mode))
        return errmsg_set(errmsg, TOK_FILE,
                          "%s: is a symbolic link; expected a directory (XDG_STATE_HOME can "
                          "name another place)",
                          path);
    if (!S_ISDIR(st.st_mode))
        return errmsg_set(errmsg, TOK_FILE, "%s: is not a directory", path);
    if (st.st_uid != geteuid() && (must_be_ours || st.st_uid != 0))
        return foreign(path, st.st_uid, errmsg);
    if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX))
        return errmsg_set(errmsg, TOK_FILE,
                          "%s: every user can write to it; expected a directory that only its "
                          "owner can change (chmod o-w)",
                          path);
    return TOK_OK;
}

/* Opens the component name, at the end of the path, or makes it. w->fd -1: it is missing. */
static enum tok_err enter(struct walk *w, const char *name, bool above_base,
                          struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int dir = w->fd;

    w->fd = open_component(dir, name, above_base);
    if (w->fd >= 0 || (errno == ENOENT && !w->create))
        return TOK_OK;
    if (errno != ENOENT || (above_base && w->is_home))
        return failed(w->path, "open", errmsg);
    if (mkdirat(dir, name, 0700) != 0 && errno != EEXIST)
        return failed(w->path, "create the directory", errmsg);
    w->fd = open_component(dir, name, above_base);
    return w->fd < 0 ? failed(w->path, "open", errmsg) : TOK_OK;
}

static enum tok_err walk_path(struct walk *w, struct errmsg *errmsg)
{
    enum tok_err err = TOK_OK;

    w->fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (w->fd < 0)
        return failed("/", "open", errmsg);
    for (size_t end = 0; !err && w->fd >= 0 && w->path[end];) {
        size_t at = end + strspn(w->path + end, "/");
        char rest;

        end = at + strcspn(w->path + at, "/");
        rest = w->path[end];
        w->path[end] = '\0';
        if (end > at)
            err = enter(w, w->path + at, end <= w->base, errmsg);
        if (!err && w->fd >= 0)
            err = check_component(w->fd, w->path,
                                  rest == '\0' || (w->is_home && end == w->base), errmsg);
        w->path[end] = rest;
    }
    return err;
}

/* A descriptor that can be locked and synced. */
static enum tok_err open_last(const struct walk *w, int *ret_fd, struct errmsg *errmsg)
{
    int fd = openat(w->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum tok_err err = TOK_OK;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0)
        err = failed(w->path, "open", errmsg);
    else if ((st.st_mode & 077) != 0 && fchmod(fd, 0700) != 0)
        err = failed(w->path, "change the mode to 0700", errmsg);
    if (err)
        cleanup_close(&fd);
    else
        *ret_fd = fd;
    return err;
}

enum tok_err state_dir_open(bool create, int *ret_fd, char **ret_path, struct errmsg *errmsg)
{
    CLEANUP(walk_clear) struct walk w = {.fd = -1, .create = create};
    enum tok_err err;
    int fd = -1;

    if (!find_path(&w, errmsg))
        return TOK_FILE;
    err = walk_path(&w, errmsg);
    if (!err && w.fd >= 0)
        err = open_last(&w, &fd, errmsg);
    if (err)
        return err;
    *ret_fd = fd;
    *ret_path = w.path;
    w.path = NULL;
    return TOK_OK;
}
