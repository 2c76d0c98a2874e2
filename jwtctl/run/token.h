/*
 * The tokens that askpass prints: each is for one login, at one service of the host that has
 * one SSH key. An error is the reason why no token is given.
 */
#pragma once

#include "jwtctl/run/record.h"
#include "jwtctl/session.h"

/* For the ssh with this record. */
enum tok_err token_for_ssh(const struct client_session *s, const struct record *ssh,
                           struct secret *ret, struct errmsg *errmsg) MUST_CHECK;

/* For sudo on the host of this ssh, for a minute. */
enum tok_err token_for_far_sudo(const struct client_session *s, const struct record *ssh,
                                struct secret *ret, struct errmsg *errmsg) MUST_CHECK;

/* Whether it would be asked for, without a request for a token. */
enum tok_err token_check_far_sudo(const struct client_session *s, const struct record *ssh,
                                  struct errmsg *errmsg) MUST_CHECK;

/* True when this host accepts the session's tokens. */
bool token_fits_sudo(const struct client_session *s);

/* For sudo on this host. */
enum tok_err token_for_sudo(const struct client_session *s, struct secret *ret,
                            struct errmsg *errmsg) MUST_CHECK;
