/* The table of requests: what each needs before its turn, and its handler. */
#include "jwtd/issuer/requests/handlers.h"

#define REFUSED "Refresh token refused"
#define SLIDING_REFUSED "Sliding token refused"
#define EXCHANGE_REFUSED "Token exchange refused"

/* clang-format off */
static const struct request_type types[] = {
    {.op = WIRE_PING, .tries_write = true},
    {.op = WIRE_OBTAIN, .checks_password = true, .handle = handle_obtain},
    {.op = WIRE_SLIDING_OBTAIN, .sliding = true, .checks_password = true, .handle = handle_obtain},
    {.op = WIRE_REFRESH, .writes_session = true, .token = OWN_TOKEN_REFRESH, .checks_account = true,
     .refused = REFUSED, .presume = presume_refresh, .handle = handle_refresh, .complete = complete_refresh},
    {.op = WIRE_SLIDING_REFRESH, .writes_session = true, .sliding = true, .token = OWN_TOKEN_SLIDING, .right = TOKEN_USE,
     .refused = SLIDING_REFUSED, .handle = handle_sliding_refresh},
    {.op = WIRE_VERIFY, .token = OWN_TOKEN_ANY, .checks_account = true, .handle = handle_verify},
    {.op = WIRE_BLACKLIST, .writes_session = true, .token = OWN_TOKEN_REFRESH, .handle = handle_blacklist},
    {.op = WIRE_WHOAMI, .token = OWN_TOKEN_BEARER, .right = TOKEN_IDENTIFY, .handle = handle_whoami},
    {.op = WIRE_SESSIONS, .token = OWN_TOKEN_BEARER, .right = TOKEN_MANAGE, .handle = handle_sessions},
    {.op = WIRE_SESSION_END, .token = OWN_TOKEN_BEARER, .right = TOKEN_MANAGE, .handle = handle_session_end},
    {.op = WIRE_LOGOUT, .writes_session = true, .token = OWN_TOKEN_BEARER, .right = TOKEN_MANAGE, .handle = handle_logout},
    {.op = WIRE_LOGOUT_ALL, .token = OWN_TOKEN_BEARER, .right = TOKEN_MANAGE, .handle = handle_logout_all},
    {.op = WIRE_NARROW, .token = OWN_TOKEN_ACCESS, .right = TOKEN_IDENTIFY, .handle = handle_narrow},
    {.op = WIRE_EXCHANGE, .exchanges = true, .refused = EXCHANGE_REFUSED, .handle = handle_exchange},
    {.op = WIRE_BUNDLE, .handle = handle_bundle},
    {.op = WIRE_ADMIN_STATUS, .tries_write = true, .handle = handle_admin_status},
    {.op = WIRE_ADMIN_SESSIONS, .handle = handle_admin_sessions},
    {.op = WIRE_ADMIN_REVOKE, .handle = handle_admin_revoke},
    {.op = WIRE_ADMIN_REVOKE_ALL, .handle = handle_admin_revoke_all},
    {.op = WIRE_ADMIN_ROTATE, .runs_once = true, .handle = handle_admin_rotate},
    {.op = WIRE_ADMIN_RETIRE, .runs_once = true, .handle = handle_admin_retire},
    {.op = WIRE_ADMIN_NEW_EPOCH, .runs_once = true, .handle = handle_admin_new_epoch},
    {.op = WIRE_ADMIN_APPLY_NAMES, .runs_once = true, .handle = handle_admin_apply_names},
    {.op = WIRE_ADMIN_ISSUE, .names_user = true, .handle = handle_admin_issue},
};
/* clang-format on */

const struct request_type *request_type_find(enum wire_op op)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].op == op)
            return &types[i];
    return NULL;
}
