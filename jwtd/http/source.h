/*
 * Who asks: the uid of a peer on the Unix socket, or an address, of which IPv6 counts by its
 * /64 (one subscriber). Limits count by it, and the issuer is told its text, which is advisory.
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

/* The peer of a connection, by SO_PEERCRED or its address. */
bool source_of_peer(int fd, struct source *ret);

/* An address in text, as X-Forwarded-For has it: IPv4, or IPv6 with or without brackets. An
 * IPv4 address within IPv6 is that IPv4 address. */
bool source_of_text(struct slice text, struct source *ret);

bool source_equal(const struct source *a, const struct source *b);

/* "uid 1000", "192.0.2.1", "2001:db8::/64" */
void source_text(const struct source *s, char ret[SOURCE_TEXT]);
