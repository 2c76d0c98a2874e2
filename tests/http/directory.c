/*
 * Preloaded into jwtd-login: a directory service that ignores the case of user names, and that
 * cannot look up the group "unreachable".
 */
#include "tests/http/preload.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

VISIBLE struct passwd *getpwnam(const char *name)
{
    static struct passwd *(*real)(const char *);
    char folded[128] = "";

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getpwnam");
    for (size_t i = 0; name[i] && i < sizeof(folded) - 1; i++)
        folded[i] = (char)tolower((unsigned char)name[i]);
    return real(folded);
}

VISIBLE struct group *getgrnam(const char *name)
{
    static struct group *(*real)(const char *);

    if (strcmp(name, "unreachable") == 0) {
        errno = EIO;
        return NULL;
    }
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getgrnam");
    return real(name);
}
