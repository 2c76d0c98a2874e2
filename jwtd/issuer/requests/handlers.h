/*
 * The handlers of requests (request.h), by the file that has them. wire.h says what each
 * request carries.
 */
#pragma once

#include "jwtd/issuer/request.h"

/* obtain.c: a login. jwtd-login's answer about the password is in r->login_reply. */
request_handler handle_obtain;

/* refresh.c: a refresh token for the next pair. Each session has one current refresh token. The
 * one before it gives the same pair again within RotationGrace, so that a lost answer does no
 * harm; an older one was copied, and its session is revoked. */
request_presume presume_refresh;
request_handler handle_refresh, complete_refresh;
/* The same sliding token with new times, until its refresh_exp. */
request_handler handle_sliding_refresh;

/* verify.c: is this token good; whose is it. */
request_handler handle_verify, handle_whoami;

/* logout.c: revoke the token's session, another session of its user, all of them. */
request_handler handle_blacklist, handle_session_end, handle_logout, handle_logout_all;

/* sessions.c: a page of the sessions of the token's user; for root, of any user. */
request_handler handle_sessions, handle_admin_sessions;

/* narrowing.c: an access token for less than the one presented: fewer scope words, fewer
 * audiences, a shorter lifetime, a single use. */
request_handler handle_narrow;

/* exchange.c: a token of another issuer for a session (RFC 8693). jwtd-login's answer about the
 * account is in r->login_reply. */
request_handler handle_exchange;

/* bundle.c: the issuer's bundle, for hosts; `jwtctl key new-epoch`. */
request_handler handle_bundle, handle_admin_new_epoch;

/* admin.c: for root, without a token. */
request_handler handle_admin_status, handle_admin_revoke, handle_admin_revoke_all,
    handle_admin_apply_names;

/* issue.c: `jwtctl issue`, a token of any user. jwtd-login's answer about the account is in
 * r->login_reply. */
request_handler handle_admin_issue;

/* admin_keys.c: `jwtctl key rotate` and `jwtctl key retire`. */
request_handler handle_admin_rotate, handle_admin_retire;
