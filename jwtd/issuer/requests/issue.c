#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/mint.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/issuer/requests/narrowing.h"
#include "jwtd/issuer/requests/new_session.h"
#include "jwtd/shared/messages.h"

enum issue_field { USER, SCOPE, AUDIENCE, LIFETIME, ONE_TIME, HOST_KEY };

/* Seconds; 0: longer than IssueLifetime=. By default that of a login's access token. */
static uint64_t lifetime_of(const struct settings *set, uint64_t asked)
{
    uint64_t max = set->token.issue_lifetime / SECOND,
             usual = set->token.access_lifetime / SECOND;

    if (asked == 0)
        return usual < max ? usual : max;
    return asked <= max ? asked : 0;
}

static enum wire_status issue(struct issuer *x, struct issuer_request *r, uint64_t lifetime)
{
    CLEANUP(secret_clear) struct secret token = {0};
    const struct new_session how = {"issue", "", request_text(r, USER), (int64_t)lifetime};
    struct store_session s;
    struct narrowing n = {.session = &s,
                          .scope = request_text(r, SCOPE),
                          .audience = request_text(r, AUDIENCE),
                          .one_time = r->message.v[ONE_TIME].number,
                          .host_key = request_text(r, HOST_KEY)};
    uint8_t jti[ISSUE_ID_BYTES];
    enum wire_status status;

    new_session_init(x, r, &how, &s);
    mint_only(x, &s, lifetime * SECOND, s.created_at);
    n.exp = s.pair.access_exp;
    status = narrowing_mint(x, &n, jti, &token);
    if (status == WIRE_OK)
        status = request_reply(r, (union wire_value[]){{.text = secret_slice(&token)},
                                                       {.number = (uint64_t)n.exp}});
    if (status != WIRE_OK)
        return status;
    if (new_session_add(x, r, &s) != STORE_DONE)
        return WIRE_UNAVAILABLE;
    new_session_log(r, &s, jti, MESSAGE_ISSUED, "Token issued by root");
    return WIRE_OK;
}

enum wire_status handle_admin_issue(struct issuer *x, struct issuer_request *r)
{
    uint64_t lifetime = lifetime_of(&x->service.settings, r->message.v[LIFETIME].number);
    enum wire_status status = new_session_check(x, r);

    if (status == WIRE_OK && lifetime == 0)
        status = WIRE_WIDER_LIFETIME;
    return status == WIRE_OK ? issue(x, r, lifetime) : status;
}
