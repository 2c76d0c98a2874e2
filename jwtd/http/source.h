/*
 * The source of a request: the uid of a peer on the Unix socket, or an address, for IPv6 its
 * /64 (one subscriber). Every loopback address is 127.0.0.1: a local user can use all of them.
 * Limits count by it. Its text is sent to jwtd-issuer, which logs it and does not rely on it.
 */
#pragma once

#include "common/base/slice.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define SOURCE_TEXT 64

enum source_kind { SOURCE_UNKNOWN, SOURCE_UID, SOURCE_IPV4, SOURCE_IPV6 };

struct source {
    enum source_kind kind;
    union {
        uid_t uid;
        struct in_addr ipv4;
        uint8_t ipv6[8]; /* the first 64 bits */
    };
};

/* The peer of a connection, from SO_PEERCRED or its address. */
bool source_of_peer(int fd, struct source *ret);

/* An address as in X-Forwarded-For: IPv4, IPv6 or [IPv6], each with or without a port. What can
 * be read as an IPv6 address without a port is one. An IPv4-mapped IPv6 address becomes the
 * IPv4 address. */
bool source_of_text(struct slice text, struct source *ret);

/* True for 127.0.0.0/8 and ::1. */
bool source_is_loopback(const struct source *s);

bool source_equal(const struct source *a, const struct source *b);

/* "uid 1000", "192.0.2.1", "2001:db8::/64" */
void source_text(const struct source *s, char ret[SOURCE_TEXT]);
