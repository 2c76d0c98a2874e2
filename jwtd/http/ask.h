/*
 * One request to jwtd-issuer: one connection, one packet out, one packet in.
 */
#pragma once

#include "common/base/timespan.h"
#include "jwtd/shared/wire.h"

/* Once read: jwtd-issuer queues a login for 8 s, jwtd-login gives up after 30 s. */
#define ASK_TIMEOUT (45 * SECOND)

/* Sends a request to the socket at path. The connection, or -1 with *ret_errmsg. */
int ask_send(const char *path, enum wire_op op, const union wire_value *values,
             const char **ret_errmsg);

/* Reads the answer to it. n is what wire_receive returned, buf what it received. NULL, or what
 * is wrong; the texts of *ret are in buf. */
const char *ask_read(const struct wire_request *request, const uint8_t *buf, ssize_t n,
                     struct wire_message *ret);
