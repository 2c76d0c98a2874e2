#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/issuer/requests/token_session.h"

#include <string.h>

/* An exchanged refresh token is blacklisted, also within RotationGrace. */
static bool is_blacklisted(const struct issuer *x, const struct store_session *s,
                           const struct own_token *token)
{
    if (token->type != OWN_TOKEN_REFRESH)
        return false;
    if (token->gen > s->pair.gen)
        return true;
    if (token->gen < s->pair.gen)
        return x->service.settings.session.blacklist_after_rotation;
    return memcmp(token->jti, s->pair.refresh_jti, ISSUE_ID_BYTES) != 0;
}

/* The hosts that a user logs in to see a token for PAM services, so a web application must not
 * accept it. */
static bool is_for_pam(const struct own_token *token)
{
    return policy_scope_names_service(secret_slice(&token->scope));
}

enum wire_status handle_verify(struct issuer *x, struct issuer_request *r)
{
    struct store_session s;
    enum wire_status status = token_session_use(x, r, &s);

    /* simplejwt's reply to verify names no account. */
    if (status == WIRE_NOT_FOUND || status == WIRE_INACTIVE)
        return WIRE_INVALID;
    if (status == WIRE_PASSWORD_CHANGED)
        return WIRE_BLACKLISTED; /* now */
    if (status == WIRE_OK && is_blacklisted(x, &s, &r->token))
        return WIRE_BLACKLISTED;
    return status == WIRE_OK && is_for_pam(&r->token) ? WIRE_INVALID : status;
}

enum wire_status handle_whoami(struct issuer *x, struct issuer_request *r)
{
    const struct own_token *token = &r->token;

    if (is_for_pam(token))
        return WIRE_NOT_ALLOWED;
    return request_reply(r, (union wire_value[]){{.text = slice_of(token->user)},
                                                 {.text = slice_of(token->sid_text)},
                                                 {.number = (uint64_t)token->exp},
                                                 {.text = slice_of(x->names.issuer)},
                                                 {.text = secret_slice(&token->audience)},
                                                 {.text = secret_slice(&token->scope)}});
}
