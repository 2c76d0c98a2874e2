#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/issuer/requests/token_session.h"
#include "jwtd/shared/messages.h"

#include <string.h>

/* The event names the revoked session, which need not be that of the token. */
static void set_revoked(struct issuer_request *r, const uint8_t sid[ISSUE_ID_BYTES])
{
    r->session_revoked = true;
    request_set_event(r, LOG_INFO, MESSAGE_LOGOUT, "Session revoked by its user");
    request_write_id(sid, r->event.sid);
}

enum wire_status handle_blacklist(struct issuer *x, struct issuer_request *r)
{
    enum wire_status status = token_session_revoke(x, r);

    if (status == WIRE_OK)
        set_revoked(r, r->token.sid);
    return status;
}

/* A live session of this user. STORE_ABSENT also for another user's. */
static enum store_result find_own(struct issuer *x, const char *user,
                                  const uint8_t sid[ISSUE_ID_BYTES])
{
    int64_t now = issuer_time(x);
    struct store_session s;
    enum store_result result = store_find(x->store, sid, &s);

    if (result == STORE_DONE &&
        (strcmp(s.user, user) != 0 || now >= s.absolute_exp || now >= s.idle_exp))
        return STORE_ABSENT;
    return result;
}

enum wire_status handle_session_end(struct issuer *x, struct issuer_request *r)
{
    uint8_t sid[ISSUE_ID_BYTES];
    enum store_result result = STORE_ABSENT;

    if (issue_id_read(request_text(r, 1), sid))
        result = find_own(x, r->session.user, sid);
    if (result == STORE_DONE)
        result = store_revoke(x->store, sid);
    if (result != STORE_DONE)
        return result == STORE_ABSENT ? WIRE_NO_SESSION : WIRE_UNAVAILABLE;
    set_revoked(r, sid);
    return WIRE_OK;
}

enum wire_status handle_logout(struct issuer *x, struct issuer_request *r)
{
    if (store_revoke(x->store, r->session.sid) != STORE_DONE)
        return WIRE_UNAVAILABLE;
    set_revoked(r, r->session.sid);
    return WIRE_OK;
}

enum wire_status handle_logout_all(struct issuer *x, struct issuer_request *r)
{
    uint8_t sid[ISSUE_ID_BYTES];
    uint64_t n = 0;

    if (store_revoke_user(x->store, r->session.user, issuer_wall(x), &n, sid) != STORE_DONE)
        return WIRE_UNAVAILABLE;
    r->session_revoked = n > 0;
    request_set_event(r, LOG_INFO, MESSAGE_LOGOUT, "All sessions revoked by their user");
    return request_reply(r, &(union wire_value){.number = n});
}
