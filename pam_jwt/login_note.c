#include "pam_jwt/login_note.h"

#include "common/base/cleanup.h"
#include "pam_jwt/notes.h"
#include "pam_jwt/process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define NAME_MAX_LEN 64

static bool make_name(pid_t pid, char ret[NAME_MAX_LEN])
{
    int64_t start;

    if (!process_start(pid, &start))
        return false;
    (void)snprintf(ret, NAME_MAX_LEN, "%ld-%" PRId64, (long)pid, start);
    return true;
}

/* Only root must be able to change it. */
static int open_notes(bool create)
{
    struct stat st;
    int fd;

    if (create)
        (void)mkdir(LOGIN_NOTES, 0700);
    fd = open(LOGIN_NOTES, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == 0 && !(st.st_mode & 077))
        return fd;
    cleanup_close(&fd);
    return -1;
}

void login_note_set(pid_t session, int64_t exp)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = exp}};
    CLEANUP(cleanup_close) int notes = open_notes(exp != 0);
    CLEANUP(cleanup_close) int fd = -1;
    char name[NAME_MAX_LEN];

    if (notes < 0 || !make_name(session, name))
        return;
    (void)unlinkat(notes, name, 0);
    if (exp == 0)
        return;
    notes_prune(notes, 0, (int64_t)time(NULL));
    fd = openat(notes, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && futimens(fd, times) < 0)
        (void)unlinkat(notes, name, 0);
}

bool login_note_read(pid_t session, int64_t *ret_exp)
{
    CLEANUP(cleanup_close) int notes = open_notes(false);
    char name[NAME_MAX_LEN];
    struct stat st;

    if (notes < 0 || !make_name(session, name) ||
        fstatat(notes, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    *ret_exp = st.st_mtim.tv_sec;
    return true;
}
