/*
 * Root's questions to jwtd-issuer, past jwtd: over its socket, where the kernel says who asks.
 */
#pragma once

#include "jwtctl/text.h"
#include "jwtd/shared/wire.h"

#define ADMIN_SOCKET "/run/jwtd/issuer.sock"
#define ADMIN_SECONDS 40

struct admin_answer {
    uint8_t bytes[WIRE_MESSAGE_MAX];
    struct wire_message message; /* points into bytes */
};

/* What the commands of root take: --socket=PATH, --json, and what else their table names. */
struct admin_options {
    const char *socket, *user, *alg;
    bool json, all;
};

struct option;

/* Reads options (of 's', 'j', 'u', 'a', 'g') into *o, which is made whole here. At most `most`
 * words may follow. EXIT_SUCCESS, or EXIT_USAGE (told). */
int admin_parse(int argc, char **argv, const struct option *options, int most,
                struct admin_options *o) MUST_CHECK;

/* False, told, where the caller is not root. */
bool admin_is_root(const char *command) MUST_CHECK;

/* Both: False, told, where the caller is not root or gets no answer. */
bool admin_request(const char *command, const struct admin_options *o, enum wire_op op,
                   const union wire_value *values, struct admin_answer *ret) MUST_CHECK;

/* TOK_OK: an answer of whatever status but "unavailable". TOK_FILE: nobody answers, or it can't
 * now; the sentence says what to do. *ret_missing, when not NULL: there is no such socket. */
enum tok_err admin_ask(const char *socket, enum wire_op op, const union wire_value *values,
                       struct admin_answer *ret, bool *ret_missing,
                       struct errmsg *errmsg) MUST_CHECK;
