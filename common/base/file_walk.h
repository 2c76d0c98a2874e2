/* An absolute path opened component by component, for files that a link may or may not name. */
#pragma once

#include <limits.h>
#include <stdbool.h>

enum file_links {
    FILE_LINKS_NONE,  /* no component is a link: ENOTDIR */
    FILE_LINKS_ROOTS, /* links are followed; every component is root's, and only root can
                       * replace it: EPERM */
};

struct file_walk {
    char path[PATH_MAX]; /* what is left of it, links replaced by what they name */
    char *rest;          /* within path: the last component, or the one that failed */
    unsigned links;      /* followed */
};

/* Opens (O_PATH) the directory of the last component, which is no link after FILE_LINKS_ROOTS.
 * -1 with errno. */
int file_walk(struct file_walk *w, const char *path, enum file_links links);
