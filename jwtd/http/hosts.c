#include "jwtd/http/hosts.h"

#include "jwtd/http/field.h"

struct origin {
    uint64_t scheme_port; /* the default port of http or https */
    struct slice host;
    uint64_t port;
    bool has_port;
};

static bool parse_host(struct slice text, struct origin *ret)
{
    if (!field_host(text, &ret->host))
        return false;
    ret->has_port = text.n > ret->host.n;
    return !ret->has_port || slice_digits(slice_skip(text, ret->host.n + 1), &ret->port);
}

static bool parse(struct slice text, struct origin *ret)
{
    static const struct {
        const char *start;
        uint64_t port;
    } schemes[] = {{"https://", 443}, {"http://", 80}};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t n = strlen(schemes[i].start);

        if (text.n < n || !field_is((struct slice){text.p, n}, schemes[i].start))
            continue;
        *ret = (struct origin){.scheme_port = schemes[i].port, .port = schemes[i].port};
        return parse_host(slice_skip(text, n), ret);
    }
    return false;
}

/* "https://login.example:8443/path" */
static bool parse_url(const char *url, struct origin *ret)
{
    const char *mark = strstr(url, "://"), *host = mark ? mark + 3 : url;

    return parse((struct slice){url, (size_t)(host - url) + strcspn(host, "/?#")}, ret);
}

bool hosts_is_own_origin(const struct hosts *hosts, struct slice origin, struct slice host)
{
    struct origin page, server = {0};

    if (!parse(origin, &page))
        return false;
    if (parse_host(host, &server) && field_equal(page.host, server.host) &&
        page.port == (server.has_port ? server.port : page.scheme_port))
        return true;
    return parse_url(hosts->issuer, &server) && field_equal(page.host, server.host) &&
           page.scheme_port == server.scheme_port && page.port == server.port;
}

bool hosts_allow(const struct hosts *hosts, struct slice name)
{
    static const char *const always[] = {"localhost", "127.0.0.1", "[::1]"};
    struct origin issuer;

    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        if (field_is(name, always[i]))
            return true;
    if (name.n == 0) /* as an unknown hostname */
        return false;
    if (field_is(name, hosts->hostname) ||
        (parse_url(hosts->issuer, &issuer) && field_equal(name, issuer.host)))
        return true;
    for (size_t i = 0; hosts->allowed && hosts->allowed[i]; i++)
        if (field_is(name, hosts->allowed[i]))
            return true;
    return false;
}
