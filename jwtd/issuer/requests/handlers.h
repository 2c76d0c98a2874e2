/*
 * The handlers of requests, by the file that has them. Each returns the answer's status; see
 * struct request_type. wire.h says what each request carries.
 */
#pragma once

#include "jwtd/issuer/request.h"

/* obtain.c: a login. jwtd-login's answer about the password is in r->login_reply. */
enum wire_status handle_obtain(struct issuer *x, struct issuer_request *r);

/* refresh.c: a refresh token for the next pair. Each session has one current refresh token. The
 * one before it gives the same pair again within RotationGrace, so that a lost answer does no
 * harm; an older one was copied, and its session is revoked. */
enum wire_status handle_refresh(struct issuer *x, struct issuer_request *r);

/* sliding.c: the same sliding token with new times, until its refresh_exp. */
enum wire_status handle_sliding_refresh(struct issuer *x, struct issuer_request *r);

/* verify.c: is this token good; whose is it. */
enum wire_status handle_verify(struct issuer *x, struct issuer_request *r);
enum wire_status handle_whoami(struct issuer *x, struct issuer_request *r);

/* logout.c: revoke the token's session, another session of its user, all of them. */
enum wire_status handle_blacklist(struct issuer *x, struct issuer_request *r);
enum wire_status handle_session_end(struct issuer *x, struct issuer_request *r);
enum wire_status handle_logout(struct issuer *x, struct issuer_request *r);
enum wire_status handle_logout_all(struct issuer *x, struct issuer_request *r);

/* sessions.c: a page of the sessions of the token's user; for root, of any user. */
enum wire_status handle_sessions(struct issuer *x, struct issuer_request *r);
enum wire_status handle_admin_sessions(struct issuer *x, struct issuer_request *r);

/* narrow.c: an access token for less than the one presented: fewer scope words, fewer
 * audiences, a shorter lifetime, a single use. */
enum wire_status handle_narrow(struct issuer *x, struct issuer_request *r);

/* bundle.c: the issuer's bundle, for hosts; `jwtctl key new-epoch`. */
enum wire_status handle_bundle(struct issuer *x, struct issuer_request *r);
enum wire_status handle_admin_new_epoch(struct issuer *x, struct issuer_request *r);

/* admin.c: for root, without a token. */
enum wire_status handle_admin_status(struct issuer *x, struct issuer_request *r);
enum wire_status handle_admin_revoke(struct issuer *x, struct issuer_request *r);
enum wire_status handle_admin_revoke_all(struct issuer *x, struct issuer_request *r);

/* admin_keys.c: `jwtctl key rotate` and `jwtctl key retire`. */
enum wire_status handle_admin_rotate(struct issuer *x, struct issuer_request *r);
enum wire_status handle_admin_retire(struct issuer *x, struct issuer_request *r);
