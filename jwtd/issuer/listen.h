/*
 * Accepts connections of jwtd and of root, checks their peer, and reads one request from each.
 * A connection lasts 40 s at most. A malformed message is logged and ends its connection
 * without an answer. What root sends is read before everything else.
 */
#pragma once

#include "jwtd/issuer/loop.h"

/* The listening sockets that are taken over. */
struct listen_sockets {
    int front, admin;
    uid_t asker; /* jwtd's uid */
};

/* 0 or -errno. */
int listen_start(struct loop *l, const struct listen_sockets *sockets);
