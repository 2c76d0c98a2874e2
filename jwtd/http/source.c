#include "jwtd/http/source.h"

#include "jwtd/http/field.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static void from_ipv4(struct in_addr address, struct source *ret)
{
    ret->kind = SOURCE_IPV4;
    ret->ipv4 = address;
    if (ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET)
        ret->ipv4.s_addr = htonl(INADDR_LOOPBACK);
}

static void from_ipv6(const struct in6_addr *address, struct source *ret)
{
    struct in_addr ipv4 = {htonl(INADDR_LOOPBACK)};

    if (IN6_IS_ADDR_V4MAPPED(address))
        memcpy(&ipv4, address->s6_addr + 12, sizeof(ipv4));
    if (IN6_IS_ADDR_V4MAPPED(address) || IN6_IS_ADDR_LOOPBACK(address)) {
        from_ipv4(ipv4, ret);
        return;
    }
    ret->kind = SOURCE_IPV6;
    memcpy(ret->ipv6, address->s6_addr, sizeof(ret->ipv6));
}

static bool from_credentials(int fd, struct source *ret)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return false;
    ret->kind = SOURCE_UID;
    ret->uid = peer.uid;
    return true;
}

bool source_of_peer(int fd, struct source *ret)
{
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
        struct sockaddr_storage room;
    } address = {0};
    socklen_t len = sizeof(address);
    struct source s = {0};

    if (getpeername(fd, &address.any, &len) < 0)
        return false;
    if (address.any.sa_family == AF_UNIX) {
        if (!from_credentials(fd, &s))
            return false;
    } else if (address.any.sa_family == AF_INET) {
        from_ipv4(address.ipv4.sin_addr, &s);
    } else if (address.any.sa_family == AF_INET6) {
        from_ipv6(&address.ipv6.sin6_addr, &s);
    } else {
        return false;
    }
    *ret = s;
    return true;
}

static bool parse_address(struct slice text, int family, struct source *ret)
{
    char buf[INET6_ADDRSTRLEN + 1];
    struct in6_addr ipv6;
    struct in_addr ipv4;

    if (text.n == 0 || text.n >= sizeof(buf) || memchr(text.p, '\0', text.n))
        return false;
    memcpy(buf, text.p, text.n);
    buf[text.n] = '\0';
    if (family != AF_INET6 && inet_pton(AF_INET, buf, &ipv4) == 1)
        from_ipv4(ipv4, ret);
    else if (inet_pton(AF_INET6, buf, &ipv6) == 1)
        from_ipv6(&ipv6, ret);
    else
        return false;
    return true;
}

bool source_of_text(struct slice text, struct source *ret)
{
    const char *colon = memrchr(text.p, ':', text.n);
    const char *bracket = memrchr(text.p, ']', text.n);
    struct slice rest = {NULL, 0};
    struct source s = {0};
    bool ok;

    if (text.n > 0 && text.p[0] == '[' && bracket) {
        rest = slice_skip(text, (size_t)(bracket - text.p) + 1);
        text = (struct slice){text.p + 1, (size_t)(bracket - text.p) - 1};
        ok = parse_address(text, AF_INET6, &s) && (rest.n == 0 || field_is_port(rest));
    } else {
        ok = parse_address(text, AF_UNSPEC, &s);
        if (!ok && colon) {
            rest = slice_skip(text, (size_t)(colon - text.p));
            text.n -= rest.n;
            ok = field_is_port(rest) && parse_address(text, AF_UNSPEC, &s);
        }
    }
    if (ok)
        *ret = s;
    return ok;
}

bool source_is_loopback(const struct source *s)
{
    return s->kind == SOURCE_IPV4 && s->ipv4.s_addr == htonl(INADDR_LOOPBACK);
}

/* The bytes of the union that its kind does not use are zero. */
bool source_equal(const struct source *a, const struct source *b)
{
    return a->kind == b->kind && memcmp(a->ipv6, b->ipv6, sizeof(a->ipv6)) == 0;
}

void source_text(const struct source *s, char ret[SOURCE_TEXT])
{
    struct in6_addr ipv6 = {0};
    char buf[INET6_ADDRSTRLEN] = "";

    switch (s->kind) {
    case SOURCE_UNKNOWN:
        (void)snprintf(ret, SOURCE_TEXT, "unknown");
        return;
    case SOURCE_UID:
        (void)snprintf(ret, SOURCE_TEXT, "uid %u", s->uid);
        return;
    case SOURCE_IPV4:
        (void)inet_ntop(AF_INET, &s->ipv4, ret, SOURCE_TEXT);
        return;
    case SOURCE_IPV6:
        memcpy(ipv6.s6_addr, s->ipv6, sizeof(s->ipv6));
        (void)inet_ntop(AF_INET6, &ipv6, buf, sizeof(buf));
        (void)snprintf(ret, SOURCE_TEXT, "%s/64", buf);
        return;
    }
}
