#include "jwtd/issuer/requests/new_session.h"

#include "common/base/text.h"
#include "jwtd/issuer/mint.h"

#include <stdio.h>
#include <string.h>

enum wire_status new_session_check(const struct issuer *x, const struct issuer_request *r)
{
    const struct login_reply *account = &r->login_reply;

    if (!r->has_login_reply)
        return WIRE_UNAVAILABLE;
    if (account->status != WIRE_OK)
        return account->status == WIRE_DENIED ? WIRE_INACTIVE : account->status;
    return x->service.settings.session.check_account ? WIRE_OK : WIRE_NOT_ALLOWED;
}

/* A database takes no bytes that are not UTF-8, and a client may send any. */
static void read_text(const struct issuer_request *r, const char *name, char *ret, size_t size)
{
    request_named_text(r, name, ret, size);
    text_make_printable(ret);
}

void new_session_init(struct issuer *x, const struct issuer_request *r,
                      const struct new_session *how, struct store_session *ret)
{
    int64_t now = issuer_time(x);
    struct store_session s = {
        .created_at = now,
        .absolute_exp = now + how->lifetime,
        .stamp_len = r->login_reply.stamp_len,
        .uid = r->login_reply.uid,
    };

    (void)snprintf(s.user, sizeof(s.user), "%.*s", (int)how->user.n, how->user.p);
    (void)snprintf(s.method, sizeof(s.method), "%s", how->method);
    (void)snprintf(s.amr, sizeof(s.amr), "%s", how->amr);
    read_text(r, "source", s.source, sizeof(s.source));
    read_text(r, "client", s.client, sizeof(s.client));
    memcpy(s.stamp, r->login_reply.stamp, r->login_reply.stamp_len);
    mint_id(x, now, s.sid);
    *ret = s;
}

/* Revokes the sessions of an account that had this name before, or of the password before. */
static enum store_result revoke_former(struct issuer *x, struct issuer_request *r,
                                       struct store_session now)
{
    uint64_t revoked = 0;
    enum store_result result;

    if (!x->service.settings.session.end_on_password_change)
        now.stamp_len = 0;
    result = store_revoke_replaced(x->store, &now, &revoked);
    r->session_revoked = revoked > 0;
    return result;
}

/* Revokes the oldest sessions so that one more is within MaxSessionsPerUser. */
static enum store_result make_room(struct issuer *x, struct issuer_request *r,
                                   const struct store_session *s)
{
    uint64_t max = x->service.settings.session.max_sessions_per_user, revoked = 0;
    enum store_result result = store_add_user(x->store, s->user);

    if (result == STORE_DONE)
        result = revoke_former(x, r, *s);
    if (max > 0 && result == STORE_DONE)
        result = store_revoke_oldest(x->store, s->user, max - 1, &revoked);
    r->limit_revoked = revoked > 0;
    return result;
}

enum store_result new_session_add(struct issuer *x, struct issuer_request *r,
                                  const struct store_session *s)
{
    enum store_result result = make_room(x, r, s);

    return result == STORE_DONE ? store_add(x->store, s) : result;
}

void new_session_log(struct issuer_request *r, const struct store_session *s,
                     const uint8_t jti[ISSUE_ID_BYTES], const char *id, const char *message)
{
    request_set_event(r, LOG_INFO, id, message);
    memcpy(r->event.user, s->user, sizeof(s->user));
    request_write_id(s->sid, r->event.sid);
    request_write_id(jti, r->event.jti);
}
