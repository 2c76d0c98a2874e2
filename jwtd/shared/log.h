/*
 * The log of the daemons: one event is one line, to the journal when standard error is the
 * journal's, else to standard error. Never log a token, a password, or a name that is not that
 * of an account.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-journal.h>

struct log_field {
    const char *name;  /* in lower case: "user"; in the journal it is JWT_USER */
    const char *value; /* NULL: the field is left out */
};

/* The message, then " name=value" of each field up to one without a name. A value that is empty
 * or has a blank, '"' or '=' in it is put in double quotes; bytes other than printable ASCII
 * become '?'. message_id: a MESSAGE_ of messages.h. */
void log_event(int priority, const char *message_id, const char *message,
               const struct log_field *fields);

#define LOG(priority, message_id, message, ...)                                                \
    log_event(priority, message_id, message,                                                   \
              (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){NULL, NULL}})

/* True when standard error is a stream of the journal. */
bool log_is_journal(void);
