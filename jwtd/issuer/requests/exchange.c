#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/loop.h"
#include "jwtd/issuer/mint.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/issuer/requests/narrowing.h"
#include "jwtd/issuer/requests/new_session.h"
#include "jwtd/issuer/shared_attempts.h"
#include "jwtd/shared/messages.h"

#include <string.h>

enum subject_field { SUBJECT, SCOPE, AUDIENCE };

/* The account of the mapped user, as at a refresh. From here on the log may name it. */
static enum wire_status check_account(const struct issuer *x, struct issuer_request *r)
{
    const struct login_reply *account = &r->login_reply;
    struct subject_token *subject = &r->subject;
    const struct usermap_line *line = subject->mapped ? &subject->line : NULL;
    enum wire_status status = new_session_check(x, r);

    r->token.authentic = status == WIRE_OK || status == WIRE_INACTIVE;
    if (status != WIRE_OK)
        return status;
    if (usermap_check_uid(line, (uid_t)account->uid, &subject->errmsg) != TOK_OK)
        return WIRE_NO_USER;
    return account->uid == 0 && !subject->allow_root ? WIRE_NO_USER : WIRE_OK;
}

/* LoginsPerUser counts exchanges, too. */
static enum wire_status check_rate(struct issuer *x, struct issuer_request *r)
{
    static const enum wire_status here[] = {[ATTEMPTS_GO] = WIRE_OK,
                                            [ATTEMPTS_WAIT] = WIRE_BUSY,
                                            [ATTEMPTS_LIMIT] = WIRE_THROTTLED};
    struct attempts_limit limit;
    enum wire_status status;

    if (x->service.settings.store.database)
        status = shared_attempts_count(x, r->token.user, &limit);
    else
        status = here[attempts_count(&r->loop->attempts, &x->service.settings,
                                     slice_of(r->token.user), service_monotonic(), &limit)];
    if (status == WIRE_THROTTLED)
        r->retry_after = attempts_retry_after(&limit);
    return status;
}

static enum wire_status check_unspent(struct issuer *x, struct issuer_request *r)
{
    enum store_result result = store_find_spent(x->store, r->subject.id);

    if (result != STORE_DONE)
        return result == STORE_ABSENT ? WIRE_OK : WIRE_UNAVAILABLE;
    (void)errmsg_set(&r->subject.errmsg, TOK_SPENT, "the token was exchanged before");
    return WIRE_BLACKLISTED;
}

/* Marks the subject token as used, and keeps the session. */
static enum wire_status keep(struct issuer *x, struct issuer_request *r,
                             const struct store_session *s)
{
    struct subject_token *subject = &r->subject;
    enum store_result result =
        store_spend(x->store, subject->id, subject->issuer_id, subject->exp);

    if (result == STORE_ABSENT) {
        (void)errmsg_set(&subject->errmsg, TOK_SPENT,
                         "%d tokens of this issuer were exchanged that have not expired",
                         STORE_SPENT_MAX);
        return WIRE_BUSY;
    }
    if (result == STORE_DONE)
        result = new_session_add(x, r, s);
    return result == STORE_DONE ? WIRE_OK : WIRE_UNAVAILABLE;
}

/* With Session=yes a session as after a login, else one that ends with its only access token,
 * which ends no later than the subject token. A refresh token would give tokens without the
 * restrictions that were asked for. */
static bool is_refreshable(const struct issuer_request *r)
{
    return r->subject.session && request_text(r, SCOPE).n == 0 &&
           request_text(r, AUDIENCE).n == 0;
}

static enum wire_status reply_exchanged(struct issuer *x, struct issuer_request *r,
                                        const struct store_session *s, uint8_t *ret_jti)
{
    CLEANUP(secret_clear) struct secret access = {0};
    CLEANUP(secret_clear) struct secret refresh = {0};
    const struct narrowing n = {.session = s,
                                .exp = s->pair.access_exp,
                                .scope = request_text(r, SCOPE),
                                .audience = request_text(r, AUDIENCE)};
    enum wire_status status = narrowing_mint(x, &n, ret_jti, &access);

    if (status == WIRE_OK && is_refreshable(r))
        status = mint_refresh(x, s, &refresh);
    if (status != WIRE_OK)
        return status;
    return request_reply(
        r, (union wire_value[]){{.text = secret_slice(&access)},
                                {.text = secret_slice(&refresh)},
                                {.number = (uint64_t)(n.exp - s->pair.issued_at)}});
}

static enum wire_status exchange_token(struct issuer *x, struct issuer_request *r)
{
    const struct subject_token *subject = &r->subject;
    int64_t left = subject->exp - store_time(x->store, issuer_wall(x));
    struct new_session how = {"exchange", "", slice_of(r->token.user), left};
    uint8_t jti[ISSUE_ID_BYTES];
    struct store_session s;
    enum wire_status status;

    if (left <= 0) /* meanwhile, or within Leeway= */
        return WIRE_EXPIRED;
    if (is_refreshable(r))
        how.lifetime = subject->lifetime;
    new_session_init(x, r, &how, &s);
    if (is_refreshable(r))
        mint_next(x, &s, 0, s.created_at);
    else
        mint_only(x, &s, x->service.settings.token.access_lifetime, s.created_at);
    status = reply_exchanged(x, r, &s, jti);
    if (status == WIRE_OK)
        status = check_rate(x, r);
    if (status == WIRE_OK)
        status = keep(x, r, &s);
    if (status != WIRE_OK)
        return status;
    new_session_log(r, &s, jti, MESSAGE_EXCHANGED, "Token of another issuer exchanged");
    r->event.issuer = subject->issuer;
    return WIRE_OK;
}

enum wire_status handle_exchange(struct issuer *x, struct issuer_request *r)
{
    enum wire_status status = check_account(x, r);

    if (status == WIRE_OK)
        status = check_unspent(x, r);
    return status == WIRE_OK ? exchange_token(x, r) : status;
}
