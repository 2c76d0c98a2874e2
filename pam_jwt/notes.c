#include "pam_jwt/notes.h"

#include "common/token/policy.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_note(const char *name, size_t name_len)
{
    return name[0] != '.' && (name_len == 0 || strlen(name) == name_len);
}

void notes_prune(int dir, size_t name_len, int64_t now)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    struct stat st;

    if (!names && fd >= 0)
        (void)close(fd);
    for (int n = 0; names && n < NOTES_PRUNE_MAX && (entry = readdir(names)); n++)
        if (is_note(entry->d_name, name_len) &&
            fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            st.st_mtim.tv_sec <= now - POLICY_LEEWAY_MAX)
            (void)unlinkat(dir, entry->d_name, 0);
    if (names)
        (void)closedir(names);
}
