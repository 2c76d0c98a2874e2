#include "jwtd/issuer/own_token.h"

#include "common/token/verify.h"

#include <string.h>

void own_token_clear(struct own_token *token)
{
    secret_clear(&token->audience);
    secret_clear(&token->scope);
}

static enum wire_status missing_claim(const struct claims *c)
{
    if (!c->has_exp)
        return WIRE_NO_EXP;
    return c->user ? WIRE_INVALID : WIRE_NO_USER;
}

/* simplejwt has one answer for most faults of a token. */
static enum wire_status status_of(enum tok_err err, const struct claims *c)
{
    if (tok_err_is_ours(err))
        return WIRE_UNAVAILABLE;
    if (err == TOK_MISSING)
        return missing_claim(c);
    if (err == TOK_EXPIRED)
        return WIRE_EXPIRED;
    if (err == TOK_USER_NAME)
        return WIRE_NO_USER;
    return err == TOK_OK ? WIRE_OK : WIRE_INVALID;
}

static bool read_id(const struct scan_value *v, uint8_t ret[ISSUE_ID_BYTES])
{
    return v && !v->escaped && issue_id_read(scan_string_raw(*v), ret);
}

static enum own_token_type type_of(const struct claims *c)
{
    if (!c->token_type)
        return OWN_TOKEN_ANY;
    if (scan_string_is(*c->token_type, SLICE("access")))
        return OWN_TOKEN_ACCESS;
    if (scan_string_is(*c->token_type, SLICE("refresh")))
        return OWN_TOKEN_REFRESH;
    return scan_string_is(*c->token_type, SLICE("sliding")) ? OWN_TOKEN_SLIDING : OWN_TOKEN_ANY;
}

static bool type_accepted(const struct issuer *x, enum own_token_type type,
                          enum own_token_type accepted)
{
    if (accepted == OWN_TOKEN_ANY || type == accepted)
        return true;
    return accepted == OWN_TOKEN_BEARER &&
           (type == OWN_TOKEN_ACCESS ||
            (type == OWN_TOKEN_SLIDING && x->service.settings.token.sliding_tokens));
}

/* The claims that only tokens of this type have. */
static bool read_type_claims(const struct claims *c, struct own_token *ret)
{
    const struct scan_value *v;

    if (ret->type == OWN_TOKEN_REFRESH)
        return c->has_gen && c->gen >= 0;
    if (ret->type != OWN_TOKEN_SLIDING)
        return true;
    v = scan_find(c->members, c->n, SLICE("refresh_exp"));
    return v && scan_time(*v, SCAN_FLOOR, &ret->refresh_exp) == TOK_OK;
}

static enum wire_status check_claims(const struct issuer *x, const struct claims *c,
                                     enum own_token_type accepted, struct own_token *ret)
{
    if (!c->jti)
        return WIRE_NO_ID;
    if (!c->token_type && accepted != OWN_TOKEN_ANY)
        return WIRE_NO_TYPE;
    ret->type = type_of(c);
    ret->one_time = c->one_time;
    if (!type_accepted(x, ret->type, accepted))
        return WIRE_WRONG_TYPE;
    if (!read_id(c->jti, ret->jti) || !read_id(c->sid, ret->sid) || !read_type_claims(c, ret))
        return WIRE_INVALID;
    return WIRE_OK;
}

/* The words of amr, as the store has them; of another claim none. */
static void read_amr(const struct claims *c, char ret[STORE_AMR_MAX + 1])
{
    const struct scan_value *amr = scan_find(c->members, c->n, SLICE("amr"));
    struct scan_value word;
    size_t pos = 0, n = 0, len;

    while (claims_next_text(amr, &pos, &word)) {
        if (n + 1 >= STORE_AMR_MAX ||
            scan_string(word, ret + n + (n > 0), STORE_AMR_MAX - n - 1, &len) != TOK_OK) {
            n = 0;
            break;
        }
        if (n > 0)
            ret[n++] = ' ';
        n += len;
    }
    ret[n] = '\0';
}

bool own_token_has_audience(const struct own_token *token, struct slice audience)
{
    struct scan_value aud, one;
    size_t pos = 0;

    if (scan_document(secret_slice(&token->audience), &aud, NULL) != TOK_OK)
        return false;
    if (aud.type == SCAN_STRING)
        return scan_string_is(aud, audience);
    while (aud.type == SCAN_ARRAY && scan_next_element(aud, &pos, &one))
        if (scan_string_is(one, audience))
            return true;
    return false;
}

static enum wire_status copy_texts(const struct claims *c, struct own_token *ret)
{
    struct slice scope = c->scope ? c->scope->text : SLICE("\"\"");

    if (!c->aud || secret_copy(c->aud->text, &ret->audience) != TOK_OK ||
        secret_alloc(scope.n, &ret->scope) != TOK_OK)
        return WIRE_UNAVAILABLE;
    if (c->scope)
        return scan_string(*c->scope, ret->scope.p, ret->scope.n, &ret->scope.n) == TOK_OK
                   ? WIRE_OK
                   : WIRE_INVALID;
    ret->scope.n = 0;
    return WIRE_OK;
}

/* Checks against the store's time first. That time binds refresh tokens alone: while the wall
 * clock is behind it, any other token that looks expired is checked again by the wall clock. A
 * refresh token with an iat in the future was minted while the clock was ahead: the row of its
 * session decides, not its iat. */
static enum tok_err verify_at(struct verify_params *p, int64_t wall, struct verify_result *ret)
{
    enum tok_err err = verify_token(p, ret, NULL);
    bool refresh = ret->authentic && type_of(&ret->claims) == OWN_TOKEN_REFRESH;

    if (err == TOK_NOT_YET && refresh && ret->claims.has_iat && !ret->claims.has_nbf &&
        ret->claims.iat > p->check.now)
        p->check.now = ret->claims.iat;
    else if (err == TOK_EXPIRED && wall != p->check.now && !refresh)
        p->check.now = wall;
    else
        return err;
    return verify_token(p, ret, NULL);
}

enum wire_status own_token_verify(const struct issuer *x, struct slice token,
                                  enum own_token_type type, struct own_token *ret)
{
    CLEANUP(parsed_token_clear) struct parsed_token parsed = {0};
    int64_t wall = issuer_wall(x);
    struct verify_params params = {
        .token = &parsed,
        .policy = &x->policy,
        .keys = x->keys.set,
        /* The handler decides what a one-time token may do. */
        .check = {.now = store_time(x->store, wall), .accept_one_time = true},
    };
    struct verify_result result = {0};
    char sid[VERIFY_ID_MAX + 1];
    enum wire_status status;
    enum tok_err err;

    if (token_parse(token, &parsed) != TOK_OK)
        return WIRE_UNAVAILABLE;
    err = verify_at(&params, wall, &result);
    ret->authentic = result.authentic;
    ret->unknown_key = err == TOK_UNKNOWN_KEY;
    ret->key_changes = x->key_changes;
    ret->exp = result.exp;
    ret->gen = result.claims.gen;
    memcpy(ret->user, result.user, sizeof(ret->user));
    verify_id(result.claims.sid, sid);
    if (strlen(sid) == ISSUE_ID_LEN)
        memcpy(ret->sid_text, sid, sizeof(ret->sid_text));
    status = status_of(err, &result.claims);
    if (status == WIRE_OK)
        status = check_claims(x, &result.claims, type, ret);
    if (status != WIRE_OK)
        return status;
    read_amr(&result.claims, ret->amr);
    return copy_texts(&result.claims, ret);
}
