/*
 * Files that decide who may log in. A file is opened once and every check is made on that
 * descriptor: a regular file, not reached through a symbolic link in the last component, with
 * the owner and the mode asked for, and no larger than allowed; then it is read whole. A file
 * is replaced atomically: temporary file in the same directory, fchmod, fsync, rename, fsync of
 * the directory.
 *
 * After TOK_FILE, errno says why (ENOENT: there is no such file), and errmsg begins with the
 * path.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/secret.h"

#include <sys/stat.h>

enum file_trust {
    FILE_PUBLIC,   /* owner: root or the owner of the directory; only the owner may write */
    FILE_KEYS,     /* as FILE_PUBLIC; or a link whose every component belongs to root and
                    * can be written by no other user */
    FILE_SETTINGS, /* owner: root; only the owner may write */
    FILE_PRIVATE,  /* owner: root or the effective user; no permission for others */
    FILE_OWN,      /* as FILE_PUBLIC, or owned by the real user: named on a command line */
    FILE_OWN_KEYS, /* as FILE_OWN; or a link as with FILE_KEYS */
    FILE_NO_LINKS, /* as FILE_SETTINGS; the path is absolute, and no part of it is a link */
};

/* Opens a file to read it. ret_st may be NULL. */
enum tok_err file_open(const char *path, enum file_trust trust, int *ret_fd,
                       struct stat *ret_st, struct errmsg *errmsg) MUST_CHECK;

/* Opens a file and reads all of it, at most max bytes. TOK_FILE, TOK_NO_MEMORY. */
enum tok_err file_read(const char *path, enum file_trust trust, size_t max, struct secret *ret,
                       struct errmsg *errmsg) MUST_CHECK;

/* True when err is TOK_FILE for a file that does not exist; clears *errmsg then. For callers to
 * whom that is no error, directly after file_open() or file_read(). */
bool file_is_missing(enum tok_err err, struct errmsg *errmsg);

/* True when the file is the one that it was: the same content, owner and mode, since ctime
 * changes with each of them. */
bool file_is_same(const struct stat *a, const struct stat *b);

/* Reads what file_open() opened. */
enum tok_err file_read_opened(const char *path, int fd, size_t max, struct secret *ret,
                              struct errmsg *errmsg) MUST_CHECK;

/* Writes all bytes. TOK_FILE. */
enum tok_err file_write_all(int fd, struct slice bytes) MUST_CHECK;

/* Replaces path by a file of these bytes and this mode, owned by the caller. On an error the
 * old file stays as it was, and no temporary file is left behind. TOK_FILE. */
enum tok_err file_write(const char *path, struct slice bytes, mode_t mode,
                        struct errmsg *errmsg) MUST_CHECK;

/* The same, the bytes written by fill, whose error is returned. After TOK_FILE of fill, errno
 * says why. */
typedef enum tok_err file_filler(int fd, void *arg);
enum tok_err file_replace(const char *path, mode_t mode, file_filler *fill, void *arg,
                          struct errmsg *errmsg) MUST_CHECK;

/* Removes the temporary files that killed processes left in a directory. No process may be in
 * file_write() or file_replace() there. */
void file_sweep(const char *dir);
