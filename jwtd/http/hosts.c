#include "jwtd/http/hosts.h"

#include "jwtd/http/field.h"

#include <string.h>

bool hosts_of_url(const char *url, char ret[HOSTS_NAME_MAX])
{
    const char *start = strstr(url, "://");
    struct slice name;
    size_t n;

    if (!start)
        return false;
    start += 3;
    n = strcspn(start, "/?#");
    if (!field_host((struct slice){start, n}, &name) || name.n >= HOSTS_NAME_MAX)
        return false;
    memcpy(ret, name.p, name.n);
    ret[name.n] = '\0';
    return true;
}

bool hosts_allow(const struct hosts *hosts, struct slice name)
{
    static const char *const always[] = {"localhost", "127.0.0.1", "[::1]"};

    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        if (field_is(name, always[i]))
            return true;
    /* The unknown names are empty. */
    if (name.n == 0)
        return false;
    if (field_is(name, hosts->hostname) || field_is(name, hosts->issuer))
        return true;
    for (size_t i = 0; hosts->allowed && hosts->allowed[i]; i++)
        if (field_is(name, hosts->allowed[i]))
            return true;
    return false;
}
