#include "jwtd/http/origin.h"

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
        ret->scheme_port = schemes[i].port;
        ret->port = ret->scheme_port;
        return parse_host(slice_skip(text, n), ret);
    }
    return false;
}

/* "https://login.example:8443/path": without the path. */
static struct slice without_path(struct slice url)
{
    size_t n = 0, slashes = 0;

    while (n < url.n && slashes < 3 && url.p[n] != '?' && url.p[n] != '#') {
        slashes += url.p[n] == '/' ? 1 : 0;
        n += slashes < 3 ? 1 : 0;
    }
    return (struct slice){url.p, n};
}

bool origin_is_own(struct slice origin, struct slice host, struct slice issuer)
{
    struct origin page = {0}, server = {0};

    if (!parse(origin, &page))
        return false;
    if (parse_host(host, &server) && field_equal(page.host, server.host) &&
        page.port == (server.has_port ? server.port : page.scheme_port))
        return true;
    server = (struct origin){0};
    return parse(without_path(issuer), &server) && field_equal(page.host, server.host) &&
           page.scheme_port == server.scheme_port && page.port == server.port;
}
