#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/mint.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/shared/messages.h"

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
