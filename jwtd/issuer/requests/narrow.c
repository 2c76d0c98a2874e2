#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/issuer/requests/narrowing.h"
#include "jwtd/shared/messages.h"

enum narrow_field { ACCESS, SCOPE, AUDIENCE, LIFETIME, ONE_TIME, HOST_KEY };

enum wire_status handle_narrow(struct issuer *x, struct issuer_request *r)
{
    CLEANUP(secret_clear) struct secret token = {0};
    const struct narrowing n = {.session = &r->session,
                                .from = &r->token,
                                .exp = r->token.exp,
                                .scope = request_text(r, SCOPE),
                                .audience = request_text(r, AUDIENCE),
                                .lifetime = r->message.v[LIFETIME].number,
                                .one_time = r->message.v[ONE_TIME].number,
                                .host_key = request_text(r, HOST_KEY)};
    uint8_t jti[ISSUE_ID_BYTES];
    enum wire_status status = narrowing_mint(x, &n, jti, &token);

    if (status == WIRE_OK)
        status = request_reply_text(r, secret_slice(&token));
    if (status != WIRE_OK)
        return status;
    request_set_event(r, LOG_INFO, MESSAGE_NARROWED, "Narrowed token issued");
    request_write_id(jti, r->event.jti);
    return WIRE_OK;
}
