#include "pam_jwt/onetime.h"

#include "pam_jwt/notes.h"
#include "pam_jwt/process.h"

#include "common/base/base64url.h"
#include "common/base/cleanup.h"
#include "common/base/file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define ID_MAX 1024 /* bytes of a jti */
#define DIGEST_BYTES 32
#define NAME_LEN BASE64URL_LEN(DIGEST_BYTES)
#define SHARD_LEN 2 /* letters of a name that name its directory: 4,096 directories */

static enum tok_err failed(const char *path, const char *action, struct errmsg *errmsg)
{
    const char *text = strerrordesc_np(errno);

    return errmsg_set(errmsg, TOK_FILE,
                      "the use of a one-time token cannot be recorded: %s: cannot %s: %s%s",
                      path, action, text ? text : "unknown error",
                      geteuid() == 0 ? "" : " (this program does not run as root)");
}

/* The digest of issuer and id, because another issuer's id may be any text and may equal one of
 * ours. An issuer contains no NUL, so no two pairs give the same bytes. */
static enum tok_err make_name(OSSL_LIB_CTX *ctx, const char *issuer,
                              const struct claims *claims, char ret[NAME_LEN + 1],
                              struct errmsg *errmsg)
{
    char bytes[VALUE_NAME_MAX + 1 + ID_MAX];
    unsigned char digest[DIGEST_BYTES];
    size_t issuer_n = strlen(issuer), id_n, digest_n;

    if (issuer_n > VALUE_NAME_MAX)
        return errmsg_set(errmsg, TOK_ONE_TIME,
                          "claim \"iss\": expected at most %d bytes in a one-time token",
                          VALUE_NAME_MAX);
    memcpy(bytes, issuer, issuer_n + 1);
    if (scan_string(*claims->jti, bytes + issuer_n + 1, ID_MAX, &id_n) != TOK_OK || id_n == 0)
        return errmsg_set(errmsg, TOK_ONE_TIME,
                          "claim \"jti\": expected 1 to %d bytes in a one-time token", ID_MAX);
    if (EVP_Q_digest(ctx, "SHA256", NULL, bytes, issuer_n + 1 + id_n, digest, &digest_n) != 1)
        return TOK_CRYPTO;
    base64url_encode((struct slice){(const char *)digest, sizeof(digest)}, ret);
    ret[NAME_LEN] = '\0';
    return TOK_OK;
}

struct directory {
    const char *name, *path;
    int flags;
    mode_t forbidden; /* permissions that it must not have */
    const char *mode; /* one that it may have */
};

static const struct directory run_directory = {ONETIME_RUN, ONETIME_RUN, O_PATH,
                                               S_IWGRP | S_IWOTH, "0755"};
static const struct directory used_directory = {"used", ONETIME_USED, O_RDONLY,
                                                S_IRWXG | S_IRWXO, "0700"};

/* Only root must be able to change it. */
static enum tok_err check_directory(int fd, const struct directory *d, struct errmsg *errmsg)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return failed(d->path, "stat", errmsg);
    if (st.st_uid == 0 && !(st.st_mode & d->forbidden))
        return TOK_OK;
    return errmsg_set(errmsg, TOK_FILE,
                      "%s: expected owner root and mode %s, got uid %lu and mode %04o", d->path,
                      d->mode, (unsigned long)st.st_uid, (unsigned)(st.st_mode & ALLPERMS));
}

static enum tok_err open_directory(int at, const struct directory *d, int *ret_fd,
                                   struct errmsg *errmsg)
{
    int fd = openat(at, d->name, d->flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    enum tok_err err;

    if (fd < 0)
        return failed(d->path, "open", errmsg);
    err = check_directory(fd, d, errmsg);
    if (err == TOK_OK)
        *ret_fd = fd;
    else
        (void)close(fd);
    return err;
}

static enum tok_err open_used(int *ret_fd, struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int run = -1;
    enum tok_err err = open_directory(AT_FDCWD, &run_directory, &run, errmsg);

    return err ? err : open_directory(run, &used_directory, ret_fd, errmsg);
}

/* The directory of the files whose names begin as this one. */
static enum tok_err open_shard(int used, const char *name, int *ret_fd, struct errmsg *errmsg)
{
    const char letters[SHARD_LEN + 1] = {name[0], name[1], '\0'};
    const struct directory shard = {letters, ONETIME_USED, O_RDONLY, S_IRWXG | S_IRWXO, "0700"};

    if (mkdirat(used, letters, S_IRWXU) < 0 && errno != EEXIST)
        return failed(ONETIME_USED, "create a directory", errmsg);
    return open_directory(used, &shard, ret_fd, errmsg);
}

/* The time since which every use is recorded: since the file was made, if the clock was right,
 * and not before the system was started. A file from the future was made while the clock was
 * ahead, and says nothing; it gets the time of the start, so that it does not come into effect
 * later. */
static enum tok_err recorded_since(int64_t now, int64_t *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = -1;
    struct stat st;
    int64_t started;
    enum tok_err err = file_open(ONETIME_SINCE, FILE_SETTINGS, &fd, &st, errmsg);

    if (!err)
        err = process_boot_time(now, &started, errmsg);
    if (err)
        return err;
    *ret = started;
    if (st.st_mtim.tv_sec > now)
        (void)futimens(
            fd, (const struct timespec[2]){{.tv_nsec = UTIME_OMIT}, {.tv_sec = started}});
    else if (st.st_mtim.tv_sec > started)
        *ret = st.st_mtim.tv_sec;
    return TOK_OK;
}

static enum tok_err check_since(const struct claims *claims, int64_t now, struct errmsg *errmsg)
{
    int64_t since;
    enum tok_err err = recorded_since(now, &since, errmsg);

    if (err || claims->iat > since)
        return err;
    return errmsg_set(
        errmsg, TOK_SPENT,
        "the one-time token was issued before the system was started or " ONETIME_SINCE
        " was created: it may have been used");
}

static enum tok_err make(int shard, const char *name, int64_t exp, struct errmsg *errmsg)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = exp}};
    CLEANUP(cleanup_close)
    int fd = openat(shard, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0 && errno == EEXIST)
        return TOK_SPENT;
    if (fd < 0)
        return failed(ONETIME_USED, "create a file", errmsg);
    /* Without this time the file would be removed too early: then the login fails. */
    if (futimens(fd, times) < 0)
        return failed(ONETIME_USED, "set the time of a file", errmsg);
    return TOK_OK;
}

enum tok_err onetime_spend(OSSL_LIB_CTX *ctx, const char *issuer, const struct claims *claims,
                           int64_t now, struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int used = -1, shard = -1;
    char name[NAME_LEN + 1];
    enum tok_err err = make_name(ctx, issuer, claims, name, errmsg);

    if (err)
        return err;
    err = open_used(&used, errmsg);
    if (err)
        return err;
    err = check_since(claims, now, errmsg);
    if (!err)
        err = open_shard(used, name, &shard, errmsg);
    if (err)
        return err;
    notes_prune(shard, NAME_LEN, now);
    return make(shard, name, claims->exp, errmsg);
}
