/*
 * Accepts connections, checks their peer, and reads one request from each. A connection lasts
 * 40 s at most. A malformed message is logged and ends its connection without an answer.
 */
#pragma once

#include "jwtd/issuer/loop.h"

/* Takes over the listening socket. 0 or -errno. */
int listen_start(struct loop *l, int fd);
void listen_end(struct loop *l);
