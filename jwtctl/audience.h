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
 * that a name is, else the session's only one, else the only one that begins with a name that
 * has no dot: web1.example for web1. */
enum tok_err audience_of_host(const struct client_session *s, const char *const *names,
                              struct secret *ret, struct errmsg *errmsg) MUST_CHECK;

/* The first of the session's that is also in the list. */
enum tok_err audience_among(const struct client_session *s, word_list list, struct secret *ret,
                            struct errmsg *errmsg) MUST_CHECK;
