/*
 * Accepts connections of jwtd and of root, checks their peer, and reads one request from each;
 * then its token is verified, and jwtd-login is asked about its password or account, until it
 * waits for its turn. A connection lasts 40 s at most. A malformed message is logged and ends
 * its connection without an answer. What root sends is read before everything else.
 */
#pragma once

#include "jwtd/issuer/loop.h"

/* Listens on the sockets that systemd passes; asker: jwtd's uid. 0 or -errno; -ENOENT: a socket
 * is missing, or of another type. */
int listen_start(struct loop *l, uid_t asker);

/* on_reply of the login client; arg is the loop. */
void listen_login_reply(void *arg, const struct login_inquiry *q,
                        const struct login_reply *reply);
