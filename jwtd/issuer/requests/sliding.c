#include "jwtd/issuer/requests/sliding.h"

#include "jwtd/issuer/mint.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/issuer/requests/token_session.h"
#include "jwtd/shared/messages.h"

enum wire_status sliding_reply(struct issuer *x, struct issuer_request *r,
                               const struct store_session *s)
{
    CLEANUP(secret_clear) struct secret token = {0};
    enum wire_status status = mint_sliding(x, s, &token);

    if (status != WIRE_OK)
        return status;
    return request_reply(r, &(union wire_value){.text = secret_slice(&token)});
}

enum wire_status handle_sliding_refresh(struct issuer *x, struct issuer_request *r)
{
    struct store_session s;
    int64_t now = issuer_time(x);
    enum wire_status status = token_session_use(x, r, &s);

    if (status == WIRE_OK && now >= r->token.refresh_exp)
        status = WIRE_REFRESH_EXPIRED;
    if (status != WIRE_OK)
        return status;
    mint_slide(x, &s, now);
    status = sliding_reply(x, r, &s);
    if (status != WIRE_OK)
        return status;
    if (store_renew(x->store, s.sid, s.pair.gen, s.pair.access_exp, s.idle_exp) != STORE_DONE)
        return WIRE_UNAVAILABLE;
    request_set_event(r, LOG_INFO, MESSAGE_REFRESHED, "A sliding token was exchanged");
    return WIRE_OK;
}
