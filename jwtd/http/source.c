#include "jwtd/http/source.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static void from_ipv6(const struct in6_addr *address, struct source *ret)
{
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        ret->kind = SOURCE_IPV4;
        memcpy(&ret->ipv4, address->s6_addr + 12, sizeof(ret->ipv4));
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
        s.kind = SOURCE_IPV4;
        s.ipv4 = address.ipv4.sin_addr;
    } else if (address.any.sa_family == AF_INET6) {
        from_ipv6(&address.ipv6.sin6_addr, &s);
    } else {
        return false;
    }
    *ret = s;
    return true;
}

bool source_of_text(struct slice text, struct source *ret)
{
    char buf[INET6_ADDRSTRLEN + 1];
    struct source s = {0};
    struct in6_addr ipv6;

    if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        text = (struct slice){text.p + 1, text.n - 2};
    if (text.n == 0 || text.n >= sizeof(buf) || memchr(text.p, '\0', text.n))
        return false;
    memcpy(buf, text.p, text.n);
    buf[text.n] = '\0';
    if (inet_pton(AF_INET, buf, &s.ipv4) == 1)
        s.kind = SOURCE_IPV4;
    else if (inet_pton(AF_INET6, buf, &ipv6) == 1)
        from_ipv6(&ipv6, &s);
    else
        return false;
    *ret = s;
    return true;
}

bool source_equal(const struct source *a, const struct source *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case SOURCE_UNKNOWN:
        return true;
    case SOURCE_UID:
        return a->uid == b->uid;
    case SOURCE_IPV4:
        return a->ipv4.s_addr == b->ipv4.s_addr;
    case SOURCE_IPV6:
        return memcmp(a->ipv6, b->ipv6, sizeof(a->ipv6)) == 0;
    }
    return false;
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
