/*
 * Requests of root to jwtd-issuer over the socket for them, which knows the peer by
 * SO_PEERCRED.
 */
#pragma once

#include "jwtd/shared/wire.h"

#define ADMIN_SOCKET "/run/jwtd/admin.sock"

/* The option of the commands that use it (arguments.h). */
#define ADMIN_ROW(to)                                                                          \
    {                                                                                          \
        "socket", "PATH", "instead of " ADMIN_SOCKET, .value = (to)                            \
    }

struct admin_answer {
    uint8_t bytes[WIRE_MESSAGE_MAX];
    struct wire_message message; /* points into bytes */
};

/* TOK_OK: an answer of any status but "unavailable". TOK_MISSING: there is no such socket.
 * TOK_FILE: the issuer is unreachable or unavailable. Errors come with a message. */
enum tok_err admin_send(const char *socket, enum wire_op op, const union wire_value *values,
                        struct admin_answer *ret, struct errmsg *errmsg) MUST_CHECK;

/* The same for a command: checks that the caller is root, and prints an error. EXIT_SUCCESS or
 * EXIT_FAILURE. */
int admin_call(const char *command, const char *socket, enum wire_op op,
               const union wire_value *values, struct admin_answer *ret) MUST_CHECK;
