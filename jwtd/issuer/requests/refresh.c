#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/mint.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/issuer/requests/token_session.h"
#include "jwtd/shared/messages.h"

#include <string.h>

/* How a refresh token relates to its session. */
enum refresh_standing {
    CURRENT,     /* gives the next pair */
    GRACE,       /* the previous one, within RotationGrace: gives the current pair again */
    REUSED,      /* older */
    ROLLED_BACK, /* newer than the store */
};

static bool same_id(const uint8_t a[ISSUE_ID_BYTES], const uint8_t b[ISSUE_ID_BYTES])
{
    return memcmp(a, b, ISSUE_ID_BYTES) == 0;
}

static enum refresh_standing standing_of(const struct issuer *x, const struct store_session *s,
                                         const struct own_token *token, int64_t now)
{
    const struct settings *set = &x->service.settings;
    int64_t grace = (int64_t)(set->session.rotation_grace / SECOND);
    int64_t age = now - s->rotated_at; /* negative: the clock was set back since */

    if (token->gen > s->pair.gen)
        return ROLLED_BACK;
    if (token->gen == s->pair.gen)
        return same_id(token->jti, s->pair.refresh_jti) ? CURRENT : ROLLED_BACK;
    if (token->gen == s->pair.gen - 1 && s->has_previous &&
        same_id(token->jti, s->previous_jti) && age < grace && -age < grace)
        return GRACE;
    /* Without a blacklist any refresh token is good until it expires. But who can write to a
     * database can set a generation that has no next one. */
    return set->session.blacklist_after_rotation || s->pair.gen == INT64_MAX ? REUSED : CURRENT;
}

/* The pair of r->session. An access token that would be too long must not cost a refresh token.
 */
static enum wire_status give_pair(struct issuer *x, struct issuer_request *r, bool with_refresh)
{
    r->with_refresh = with_refresh;
    return mint_access(x, &r->session, NULL);
}

enum wire_status complete_refresh(struct issuer *x, struct issuer_request *r)
{
    CLEANUP(secret_clear) struct secret access = {0};
    CLEANUP(secret_clear) struct secret refresh = {0};
    enum wire_status status = mint_access(x, &r->session, &access);

    if (status == WIRE_OK && r->with_refresh)
        status = mint_refresh(x, &r->session, &refresh);
    if (status != WIRE_OK)
        return status;
    return request_reply(r, (union wire_value[]){{.text = secret_slice(&access)},
                                                 {.text = secret_slice(&refresh)}});
}

/* r->session gets the next pair. */
static enum wire_status exchange(struct issuer *x, struct issuer_request *r, int64_t now)
{
    bool rotate = x->service.settings.session.rotate_refresh_tokens;
    struct store_session *s = &r->session;
    int64_t gen = s->pair.gen;
    enum store_result result;
    enum wire_status status;

    mint_next(x, s, rotate ? gen + 1 : gen, now);
    status = give_pair(x, r, rotate);
    if (status != WIRE_OK)
        return status;
    if (rotate)
        result = store_rotate(x->store, s->sid, gen, &s->pair, s->idle_exp);
    else
        result = store_renew(x->store, s->sid, gen, s->pair.access_exp, s->idle_exp);
    return result == STORE_DONE ? WIRE_OK : WIRE_UNAVAILABLE;
}

static enum wire_status revoke_reused(struct issuer *x, struct issuer_request *r)
{
    if (token_session_revoke(x, r) == WIRE_UNAVAILABLE)
        return WIRE_UNAVAILABLE;
    request_set_event(r, LOG_WARNING, MESSAGE_REUSE,
                      "Exchanged refresh token used again, session revoked");
    return WIRE_BLACKLISTED;
}

/* The token is the current one, and the account is as it was at login. */
bool presume_refresh(const struct issuer *x, const struct issuer_request *r,
                     struct store_session *ret)
{
    const struct own_token *token = &r->token;
    const struct login_reply *account = &r->login_reply;

    *ret = (struct store_session){.absolute_exp = token_session_end(x, token),
                                  .idle_exp = INT64_MAX,
                                  .pair.gen = token->gen,
                                  .uid = account->uid,
                                  .stamp_len = account->stamp_len};
    memcpy(ret->sid, token->sid, sizeof(ret->sid));
    memcpy(ret->user, token->user, sizeof(ret->user));
    memcpy(ret->stamp, account->stamp, sizeof(ret->stamp));
    memcpy(ret->pair.refresh_jti, token->jti, sizeof(ret->pair.refresh_jti));
    return x->service.settings.session.rotate_refresh_tokens;
}

enum wire_status handle_refresh(struct issuer *x, struct issuer_request *r)
{
    struct store_session *s = &r->session;
    int64_t now = issuer_time(x);
    enum refresh_standing standing;
    enum wire_status status = token_session_find(x, r, s);

    if (status != WIRE_OK)
        return status;
    standing = standing_of(x, s, &r->token, now);
    if (standing == ROLLED_BACK)
        return token_session_rolled_back(x, r);
    if (standing == REUSED)
        return revoke_reused(x, r);
    status = token_session_check_account(x, r, s);
    if (status == WIRE_OK)
        status = standing == GRACE ? give_pair(x, r, true) : exchange(x, r, now);
    if (status != WIRE_OK)
        return status;
    request_set_event(r, LOG_INFO, MESSAGE_REFRESHED, "Refresh token exchanged");
    request_write_id(s->pair.access_jti, r->event.jti);
    return WIRE_OK;
}

enum wire_status handle_sliding_refresh(struct issuer *x, struct issuer_request *r)
{
    CLEANUP(secret_clear) struct secret token = {0};
    struct store_session s = r->session;
    int64_t now = issuer_time(x);
    enum wire_status status;

    if (now >= r->token.refresh_exp)
        return WIRE_REFRESH_EXPIRED;
    mint_slide(x, &s, now);
    status = mint_sliding(x, &s, &token);
    if (status == WIRE_OK)
        status = request_reply_text(r, secret_slice(&token));
    if (status != WIRE_OK)
        return status;
    if (store_renew(x->store, s.sid, s.pair.gen, s.pair.access_exp, s.idle_exp) != STORE_DONE)
        return WIRE_UNAVAILABLE;
    request_set_event(r, LOG_INFO, MESSAGE_REFRESHED, "Sliding token exchanged");
    request_write_id(s.pair.access_jti, r->event.jti);
    return WIRE_OK;
}
