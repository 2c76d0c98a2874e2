/*
 * The audience of a token: one of those that the session has.
 */
#pragma once

#include "common/base/text.h"
#include "jwtctl/session.h"

/* The session's only one. TOK_AUDIENCE with a message that lists them, here and below. *ret
 * must be empty. */
enum tok_err audience_only(const struct client_session *s, struct secret *ret,
                           struct errmsg *errmsg) MUST_CHECK;

/* For a host that ssh knows by these names, of which the last is NULL. The audience is the one
 * that a name is, else the only one that begins with a name that has no dot (web1.example for
 * web1), else the session's only one. */
enum tok_err audience_of_host(const struct client_session *s, const char *const *names,
                              struct secret *ret, struct errmsg *errmsg) MUST_CHECK;

/* How well that audience fits the host. */
enum audience_fit {
    AUDIENCE_NONE,
    AUDIENCE_ONLY,  /* it is the only one */
    AUDIENCE_SHORT, /* it begins with the name */
    AUDIENCE_NAME,  /* it is the name */
};
enum audience_fit audience_fit(const struct client_session *s, const char *const *names);

/* The first of the session's that is also in the list. */
enum tok_err audience_among(const struct client_session *s, word_list list, struct secret *ret,
                            struct errmsg *errmsg) MUST_CHECK;
