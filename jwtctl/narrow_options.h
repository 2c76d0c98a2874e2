/*
 * The options that say what a token is for, of `jwtctl token` and `jwtctl issue`.
 */
#pragma once

#include "common/token/host_key.h"
#include "jwtctl/narrow.h"
#include "jwtctl/option_row.h"

struct narrow_options {
    struct narrow_request request; /* after narrow_options_read */
    char *scope;
    char key[HOST_KEY_LEN + 1];
};

/* Five rows of a table of options; o is a pointer. */
#define NARROW_ROWS(o)                                                                         \
    {"service", "SERVICE", "valid for this PAM service; can be repeated",                      \
     .parse = narrow_parse_service, .arg = &(o)->scope},                                       \
        {"host", "HOST", "valid on the hosts with this audience",                              \
         .value = &(o)->request.audience},                                                     \
        {"lifetime", "SPAN", "valid for this time, such as 5min",                              \
         .parse = narrow_parse_lifetime, .arg = &(o)->request.lifetime},                       \
        {"once", NULL, "valid for one login", .flag = &(o)->request.one_time},                 \
    {                                                                                          \
        "host-key", "KEY", "valid on the host that has this SSH key",                          \
            .parse = narrow_parse_host_key, .arg = (o)->key                                    \
    }

void narrow_parse_service(const char *command, const char *value, void *arg);
void narrow_parse_lifetime(const char *command, const char *value, void *arg);
void narrow_parse_host_key(const char *command, const char *value, void *arg);

/* Adds words to a scope, which is malloc'ed. */
void narrow_add_scope(char **scope, const char *prefix, const char *words);

/* Fills in the request. True: an option was given. */
bool narrow_options_read(struct narrow_options *o);

/* Prints a token; as JSON with its exp. An exit status. */
int narrow_print(const struct secret *token, bool json);
