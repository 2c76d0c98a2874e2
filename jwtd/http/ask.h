/*
 * One question to jwtd-issuer: a connection of its own, one packet out, one packet in, within
 * ASK_TIMEOUT. Whatever goes wrong on the way is one outcome, "no answer".
 */
#pragma once

#include "jwtd/shared/wire.h"

#include <systemd/sd-event.h>

#define ASK_TIMEOUT UINT64_C(35000000) /* microseconds; jwtd-login gives up after 30 s */

struct ask;

/* answer is NULL when there is none, and why then a clause for the log. Both are gone when the
 * function returns, and so is the question. */
typedef void (*ask_done)(void *arg, const struct wire_message *answer, const char *errmsg);

/* Sends the question; done is called from the loop, once, unless ask_free is called before.
 * NULL, with *ret_why, when it could not be sent. */
struct ask *ask_start(sd_event *loop, const char *path, enum wire_op op,
                      const union wire_value *values, ask_done done, void *arg,
                      const char **ret_why);

void ask_free(struct ask *ask);
