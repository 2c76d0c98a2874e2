#include "common/base/file_walk.h"

#include "common/base/cleanup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LINKS_MAX 16

static int fail(int error)
{
    errno = error;
    return -1;
}

static int open_root(void)
{
    return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* A directory that a group can write is safe when it is sticky: what is root's in it cannot be
 * replaced by others (/nix/store has 1775). A link has no mode. */
static bool is_roots(const struct stat *st)
{
    return st->st_uid == 0 &&
           (S_ISLNK(st->st_mode) || !(st->st_mode & (S_IWGRP | S_IWOTH)) ||
            (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) && !(st->st_mode & S_IWOTH)));
}

/* Puts what the link names in the place of the n bytes at the start of the rest; *dir is where
 * that begins. */
static int replace_link(struct file_walk *w, int link, size_t n, int *dir)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(link, "", target, sizeof(target));
    size_t left = strlen(w->rest + n) + 1;

    if (len < 0)
        return -1;
    if (++w->links > LINKS_MAX)
        return fail(ELOOP);
    if ((size_t)len + left > sizeof(w->path))
        return fail(ENAMETOOLONG);
    memmove(w->path + len, w->rest + n, left);
    memcpy(w->path, target, (size_t)len);
    w->rest = w->path;
    if (*w->path == '/') {
        cleanup_close(dir);
        *dir = open_root();
    }
    return 0;
}

/* Opens the component of n bytes at the start of the rest. */
static int open_component(int dir, const struct file_walk *w, size_t n)
{
    char name[NAME_MAX + 1];

    if (n >= sizeof(name))
        return fail(ENAMETOOLONG);
    memcpy(name, w->rest, n);
    name[n] = '\0';
    return openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static void swap(int *a, int *b)
{
    int c = *a;

    *a = *b;
    *b = c;
}

int file_walk(struct file_walk *w, const char *path, enum file_links links)
{
    CLEANUP(cleanup_close) int dir = open_root();
    const size_t size = strlen(path) + 1;
    struct stat st;
    int found;

    w->rest = w->path;
    w->links = 0;
    if (size > sizeof(w->path))
        return fail(ENAMETOOLONG);
    memcpy(w->path, path, size);
    while (dir >= 0) {
        CLEANUP(cleanup_close) int next = -1;
        size_t n;

        w->rest += strspn(w->rest, "/");
        n = strcspn(w->rest, "/");
        if (w->rest[n] == '\0' && links == FILE_LINKS_NONE)
            break;
        next = open_component(dir, w, n);
        if (next < 0 || fstat(next, &st) < 0)
            return -1;
        if (links == FILE_LINKS_NONE ? !S_ISDIR(st.st_mode) : !is_roots(&st))
            return fail(links == FILE_LINKS_NONE ? ENOTDIR : EPERM);
        if (S_ISLNK(st.st_mode)) {
            if (replace_link(w, next, n, &dir) < 0)
                return -1;
            continue;
        }
        if (w->rest[n] == '\0')
            break;
        w->rest += n;
        swap(&dir, &next); /* the old one is closed */
    }
    found = dir;
    dir = -1;
    return found;
}
