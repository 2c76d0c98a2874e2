#include "jwtctl/run/libexec.h"

#include "common/base/cleanup.h"
#include "jwtctl/output.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* NULL: this program is not installed. */
static char *find_dir(void)
{
    char exe[PATH_MAX], beside[2 * PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    char *slash;

    if (n <= 0)
        return NULL;
    exe[n] = '\0';
    slash = strrchr(exe, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    (void)snprintf(beside, sizeof(beside), "%s/" JWT_LIBEXEC_FROM_BIN, exe);
    return realpath(beside, NULL);
}

char *libexec_path(const char *name)
{
    CLEANUP(cleanup_free) char *dir = find_dir();
    char *path = NULL;

    if (asprintf(&path, "%s%s%s", dir ? dir : JWT_LIBEXEC, name[0] ? "/" : "", name) < 0)
        out_of_memory();
    return path;
}
