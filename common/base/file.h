/*
 * Files that decide who gets in. One open, then every check on that same descriptor: a regular
 * file, no link in the last part (O_NOFOLLOW), the owner and mode asked, a cap on its size;
 * then one whole read. Writing is atomic: a temporary file beside it, fchmod, fsync, rename,
 * fsync of the directory.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

#include <sys/stat.h>

enum file_trust {
    FILE_PUBLIC,   /* owner root or the directory's owner; not group- or world-writable */
    FILE_SETTINGS, /* owner root; not group- or world-writable */
    FILE_PRIVATE,  /* owner root or the caller (euid); no access at all for group and world */
    FILE_OWN, /* as FILE_PUBLIC, or the caller's own (real uid): a file named on a command line
               */
};

/* Opens for reading. TOK_FILE with a sentence naming path and cause; errno is in *ret_errno
 * when that is not NULL (ENOENT lets a caller tell "missing" from "wrong"). *ret_st may be
 * NULL. */
enum tok_err file_open(const char *path, enum file_trust trust, int *ret_fd,
                       struct stat *ret_st, int *ret_errno, struct errmsg *errmsg) MUST_CHECK;

/* Opens, checks and reads all of it, at most max bytes (more: TOK_FILE). *ret is malloc'ed, n +
 * 1 bytes, the last a NUL that is not counted; wipe it when the file is private. */
enum tok_err file_read(const char *path, enum file_trust trust, size_t max, char **ret,
                       size_t *ret_n, int *ret_errno, struct errmsg *errmsg) MUST_CHECK;

/* The same of what file_open gave. */
enum tok_err file_read_opened(const char *path, int fd, const struct stat *st, size_t max,
                              char **ret, size_t *ret_n, int *ret_errno,
                              struct errmsg *errmsg) MUST_CHECK;

/* Replaces path by a file of these bytes and this mode, owned by the caller. The old file stays
 * whole until the new one is on disk. TOK_FILE; nothing is left behind. */
enum tok_err file_write(const char *path, struct slice bytes, mode_t mode,
                        struct errmsg *errmsg) MUST_CHECK;

/* Removes what a file_write that was killed left in the directory. Only for a caller that knows
 * that nobody writes there now. What can't be removed stays. */
void file_sweep(const char *dir);
