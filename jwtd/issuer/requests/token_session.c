#include "jwtd/issuer/requests/token_session.h"

#include "jwtd/shared/messages.h"

#include <string.h>

/* Adds a session that the store does not know, as revoked. No access token of it can outlive
 * one that would be minted now. */
static enum store_result insert_revoked(struct issuer *x, const struct issuer_request *r)
{
    int64_t lifetime = (int64_t)(x->service.settings.token.access_lifetime / SECOND);
    struct store_revoked s = {.last_access_exp = issuer_wall(x) + lifetime};

    s.last_exp = r->token.exp > s.last_access_exp ? r->token.exp : s.last_access_exp;
    memcpy(s.sid, r->token.sid, sizeof(s.sid));
    return store_add_revoked(x->store, &s);
}

enum wire_status token_session_revoke(struct issuer *x, struct issuer_request *r)
{
    enum store_result result = store_revoke(x->store, r->token.sid);

    if (result == STORE_ABSENT) {
        result = store_find_revoked(x->store, r->token.sid);
        if (result == STORE_DONE)
            return WIRE_BLACKLISTED;
    }
    if (result == STORE_ABSENT)
        result = insert_revoked(x, r);
    if (result != STORE_DONE)
        return WIRE_UNAVAILABLE;
    r->session_revoked = true;
    return WIRE_OK;
}

enum wire_status token_session_rolled_back(struct issuer *x, struct issuer_request *r)
{
    if (token_session_revoke(x, r) == WIRE_UNAVAILABLE)
        return WIRE_UNAVAILABLE;
    request_set_event(r, LOG_ALERT, MESSAGE_ROLLBACK,
                      "Refresh token is newer than the store, session revoked: was a backup "
                      "restored?");
    return WIRE_BLACKLISTED;
}

/* A refresh token whose session was never in the store proves that the store is older. */
static enum wire_status session_absent(struct issuer *x, struct issuer_request *r)
{
    enum store_result result = store_find_revoked(x->store, r->token.sid);

    if (result == STORE_ABSENT && r->type->op == WIRE_REFRESH)
        return token_session_rolled_back(x, r);
    return result == STORE_FAILED ? WIRE_UNAVAILABLE : WIRE_BLACKLISTED;
}

/* When a session began, from its id, which the token has, too. */
static int64_t time_of(const uint8_t sid[ISSUE_ID_BYTES])
{
    uint64_t ms = 0;

    for (size_t i = 0; i < 6; i++)
        ms = ms << 8 | sid[i];
    return (int64_t)(ms / 1000);
}

int64_t token_session_end(const struct issuer *x, const struct own_token *token)
{
    return time_of(token->sid) +
           (int64_t)(x->service.settings.session.absolute_lifetime / SECOND);
}

/* Who writes to a database can end sessions, and gets no more from a token that he holds: what
 * is minted from the row agrees with the token, or is what we would have set. */
static void limit_session(const struct issuer *x, const struct own_token *token,
                          struct store_session *s)
{
    const struct settings *set = &x->service.settings;
    struct store_pair *pair = &s->pair;

    memcpy(s->amr, token->amr, sizeof(s->amr));
    s->absolute_exp = issuer_least(s->absolute_exp, token_session_end(x, token));
    s->rotated_at = s->rotated_at > 0 ? s->rotated_at : 0; /* it is subtracted from the time */
    pair->issued_at = issuer_least(pair->issued_at, issuer_wall(x));
    pair->access_exp = issuer_least(
        pair->access_exp, pair->issued_at + (int64_t)(set->token.access_lifetime / SECOND));
    pair->refresh_exp =
        token->type == OWN_TOKEN_SLIDING
            ? token->refresh_exp
            : issuer_least(pair->refresh_exp,
                           pair->issued_at + (int64_t)(set->token.refresh_lifetime / SECOND));
}

enum wire_status token_session_find(struct issuer *x, struct issuer_request *r,
                                    struct store_session *ret)
{
    int64_t now = issuer_time(x);
    struct store_session s;
    enum store_result result = store_find(x->store, r->token.sid, &s);

    if (result != STORE_DONE)
        return result == STORE_ABSENT ? session_absent(x, r) : WIRE_UNAVAILABLE;
    if (strcmp(s.user, r->token.user) != 0)
        return WIRE_INVALID;
    if (x->service.settings.store.database)
        limit_session(x, &r->token, &s);
    if (now >= s.absolute_exp || now >= s.idle_exp)
        return WIRE_EXPIRED;
    *ret = s;
    return WIRE_OK;
}

/* An account without a stamp, now or at login, has none to compare. */
static bool password_changed(const struct store_session *s, const struct login_reply *account)
{
    return s->stamp_len > 0 && account->stamp_len > 0 &&
           !secret_equal((struct slice){(const char *)s->stamp, s->stamp_len},
                         (struct slice){(const char *)account->stamp, account->stamp_len});
}

/* Returns this status, or WIRE_UNAVAILABLE. */
static enum wire_status revoke_replaced(struct issuer *x, struct issuer_request *r,
                                        enum wire_status status, const char *message)
{
    if (token_session_revoke(x, r) == WIRE_UNAVAILABLE)
        return WIRE_UNAVAILABLE;
    request_set_event(r, LOG_NOTICE, MESSAGE_LOGOUT, message);
    return status;
}

/* Binds a session that version 0.1 began to the account that its name has now. */
static enum wire_status set_uid(struct issuer *x, const struct issuer_request *r)
{
    return store_set_uid(x->store, r->token.sid, r->login_reply.uid) == STORE_DONE
               ? WIRE_OK
               : WIRE_UNAVAILABLE;
}

enum wire_status token_session_check_account(struct issuer *x, struct issuer_request *r,
                                             const struct store_session *session)
{
    const struct login_reply *account = &r->login_reply;

    if (!r->has_login_reply)
        return WIRE_UNAVAILABLE;
    if (account->status != WIRE_OK)
        return account->status == WIRE_DENIED ? WIRE_INACTIVE : account->status;
    if (session->uid != STORE_NO_UID && session->uid != account->uid)
        return revoke_replaced(x, r, WIRE_NOT_FOUND,
                               "Account has another uid, session revoked");
    if (x->service.settings.session.end_on_password_change &&
        password_changed(session, account))
        return revoke_replaced(x, r, WIRE_PASSWORD_CHANGED,
                               "Password changed, session revoked");
    return session->uid == STORE_NO_UID ? set_uid(x, r) : WIRE_OK;
}

enum wire_status token_session_use(struct issuer *x, struct issuer_request *r,
                                   struct store_session *ret)
{
    enum wire_status status = token_session_find(x, r, ret);

    return status == WIRE_OK ? token_session_check_account(x, r, ret) : status;
}

/* True for a token that has a scope, or not every audience of this issuer. */
static bool is_narrowed(const struct issuer *x, const struct own_token *token)
{
    for (char *const *a = x->names.audience; *a; a++)
        if (!own_token_has_audience(token, slice_of(*a)))
            return true;
    return token->scope.n > 0;
}

/* The key that signed may have been removed since the request arrived, here or at another
 * issuer. */
static enum wire_status verify_again(const struct issuer *x, struct issuer_request *r)
{
    if (r->type->token == OWN_TOKEN_NONE || r->token.key_changes == x->key_changes)
        return WIRE_OK;
    own_token_clear(&r->token);
    r->token = (struct own_token){0};
    return own_token_verify(x, request_text(r, 0), r->type->token, &r->token);
}

enum wire_status request_handle(struct issuer *x, struct issuer_request *r)
{
    enum token_right right = r->type->right;
    enum wire_status status = verify_again(x, r);

    if (status == WIRE_OK && right != TOKEN_UNCHECKED)
        status = token_session_use(x, r, &r->session);
    if (status != WIRE_OK)
        return status;
    if ((right >= TOKEN_IDENTIFY && r->token.one_time) ||
        (right == TOKEN_MANAGE && is_narrowed(x, &r->token)))
        return WIRE_NOT_ALLOWED;
    return r->type->handle(x, r);
}
