/*
 * Which of several logins askpass uses: the one whose tokens are for the host that asks. Of
 * several that fit it is the one in use, or else none. Where JWT_SERVER names a login, it is
 * that one.
 */
#pragma once

#include "jwtctl/run/record.h"
#include "jwtctl/session.h"

/* For the host of this ssh. The session has a valid access token. Errors come with a message,
 * here and below. *ret must be cleared. */
enum tok_err choose_for_ssh(const struct record *ssh, struct client_session *ret,
                            struct errmsg *errmsg) MUST_CHECK;

/* For sudo on this host. */
enum tok_err choose_for_sudo(struct client_session *ret, struct errmsg *errmsg) MUST_CHECK;

/* The first that is valid; the one in use is tried first. */
enum tok_err choose_any(struct client_session *ret, struct errmsg *errmsg) MUST_CHECK;
