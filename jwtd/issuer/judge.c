#include "jwtd/issuer/judge.h"

#include "common/token/verify.h"
#include "jwtd/issuer/issuer.h"

#include <string.h>

/* simplejwt has one sentence for most faults of a token. */
static const enum wire_status statuses[TOK_ERR_COUNT] = {
    [TOK_OK] = WIRE_OK,
    [TOK_MALFORMED] = WIRE_INVALID,
    [TOK_TOO_LONG] = WIRE_INVALID,
    [TOK_BASE64] = WIRE_INVALID,
    [TOK_JSON] = WIRE_INVALID,
    [TOK_HEADER] = WIRE_INVALID,
    [TOK_TYP] = WIRE_INVALID,
    [TOK_CRIT] = WIRE_INVALID,
    [TOK_UNSUPPORTED] = WIRE_INVALID,
    [TOK_ALG] = WIRE_INVALID,
    [TOK_UNKNOWN_KEY] = WIRE_INVALID,
    [TOK_SIGNATURE] = WIRE_INVALID,
    [TOK_CLAIM_TYPE] = WIRE_INVALID,
    [TOK_MISSING] = WIRE_INVALID, /* but see missing() */
    [TOK_EXPIRED] = WIRE_EXPIRED,
    [TOK_NOT_YET] = WIRE_INVALID,
    [TOK_LIFETIME] = WIRE_INVALID,
    [TOK_ISSUER] = WIRE_INVALID,
    [TOK_AUDIENCE] = WIRE_INVALID,
    [TOK_TYPE] = WIRE_WRONG_TYPE,
    [TOK_CLAIM] = WIRE_INVALID,
    [TOK_BOUND] = WIRE_INVALID,
    [TOK_SCOPE] = WIRE_INVALID,
    [TOK_ONE_TIME] = WIRE_INVALID,
    [TOK_USER_NAME] = WIRE_NO_USER,
    [TOK_USER] = WIRE_INVALID,
    [TOK_ROOT] = WIRE_INVALID,
    [TOK_UNMAPPED] = WIRE_INVALID,
    [TOK_REVOKED] = WIRE_BLACKLISTED,
    [TOK_SPENT] = WIRE_INVALID,
    [TOK_KEYS] = WIRE_UNAVAILABLE,
    [TOK_SETTINGS] = WIRE_UNAVAILABLE,
    [TOK_LIST] = WIRE_UNAVAILABLE,
    [TOK_FILE] = WIRE_UNAVAILABLE,
    [TOK_CRYPTO] = WIRE_UNAVAILABLE,
    [TOK_NO_MEMORY] = WIRE_UNAVAILABLE,
};

void judged_clear(struct judged *judged)
{
    secret_clear(&judged->audience);
    secret_clear(&judged->scope);
}

static enum wire_status missing(const struct claims *c)
{
    if (!c->has_exp)
        return WIRE_NO_EXP;
    return c->user ? WIRE_INVALID : WIRE_NO_USER;
}

/* Sixteen bytes as 22 letters. */
static bool read_id(const struct scan_value *v, uint8_t ret[ISSUE_ID_BYTES])
{
    return v && !v->escaped && issue_id_read(scan_string_raw(*v), ret);
}

static enum judged_kind kind_of(const struct claims *c)
{
    if (!c->token_type)
        return JUDGED_OTHER;
    if (scan_string_is(*c->token_type, SLICE("access")))
        return JUDGED_ACCESS;
    if (scan_string_is(*c->token_type, SLICE("refresh")))
        return JUDGED_REFRESH;
    return scan_string_is(*c->token_type, SLICE("sliding")) ? JUDGED_SLIDING : JUDGED_OTHER;
}

static bool kind_fits(const struct issuer *x, enum judged_kind kind, enum judge_type type)
{
    switch (type) {
    case JUDGE_NONE:
    case JUDGE_ANY:
        return true;
    case JUDGE_ACCESS:
        return kind == JUDGED_ACCESS;
    case JUDGE_REFRESH:
        return kind == JUDGED_REFRESH;
    case JUDGE_SLIDING:
        return kind == JUDGED_SLIDING;
    case JUDGE_BEARER:
        return kind == JUDGED_ACCESS ||
               (kind == JUDGED_SLIDING && x->service.settings.token.sliding_tokens);
    }
    return false;
}

/* What a token of its kind has beside the rest. */
static bool read_kind(const struct claims *c, struct judged *ret)
{
    const struct scan_value *v;

    switch (ret->kind) {
    case JUDGED_OTHER:
    case JUDGED_ACCESS:
        return true;
    case JUDGED_REFRESH:
        return c->has_gen && c->gen >= 0;
    case JUDGED_SLIDING:
        v = scan_find(c->members, c->n, "refresh_exp");
        return v && scan_time(*v, SCAN_FLOOR, &ret->refresh_exp) == TOK_OK;
    }
    return false;
}

static enum wire_status judge_claims(const struct issuer *x, const struct claims *c,
                                     enum judge_type type, struct judged *ret)
{
    if (!c->jti)
        return WIRE_NO_ID;
    if (!c->token_type && type != JUDGE_ANY)
        return WIRE_NO_TYPE;
    ret->kind = kind_of(c);
    ret->one_time = c->one_time;
    if (!kind_fits(x, ret->kind, type))
        return WIRE_WRONG_TYPE;
    if (!read_id(c->jti, ret->jti) || !read_id(c->sid, ret->sid) || !read_kind(c, ret))
        return WIRE_INVALID;
    return WIRE_OK;
}

bool judged_has_audience(const struct judged *judged, struct slice audience)
{
    struct scan_value aud, one;
    size_t pos = 0;

    if (scan_document(secret_slice(&judged->audience), &aud, NULL) != TOK_OK)
        return false;
    if (aud.type == SCAN_STRING)
        return scan_string_is(aud, audience);
    while (aud.type == SCAN_ARRAY && scan_next_element(aud, &pos, &one))
        if (scan_string_is(one, audience))
            return true;
    return false;
}

/* What an answer about the token tells. */
static enum wire_status keep_texts(const struct claims *c, struct judged *ret)
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

/* Judged by the store's time first. Only a refresh token is bound by it: where the clock is
 * behind the store, any other that looks expired is judged again by the clock. A refresh token
 * of the future was minted while the clock was ahead: its session's row, not its iat, says
 * whether it is good. */
static enum tok_err check(struct verify_params *ask, int64_t wall, struct verify_result *ret)
{
    enum tok_err err = verify_token(ask, ret);
    bool refresh = ret->authentic && kind_of(&ret->claims) == JUDGED_REFRESH;

    if (err == TOK_NOT_YET && refresh && ret->claims.has_iat && !ret->claims.has_nbf &&
        ret->claims.iat > ask->check.now)
        ask->check.now = ret->claims.iat;
    else if (err == TOK_EXPIRED && wall != ask->check.now && !refresh)
        ask->check.now = wall;
    else
        return err;
    return verify_token(ask, ret);
}

enum wire_status judge_token(const struct issuer *x, struct slice token, enum judge_type type,
                             struct judged *ret)
{
    CLEANUP(parsed_token_clear) struct parsed_token parsed = {0};
    int64_t wall = issuer_wall();
    struct verify_params ask = {
        .token = &parsed,
        .policy = &x->policy,
        .keys = x->keys.set,
        /* what a one-time token may is sessions_bearer's question */
        .check = {.now = store_time(x->store, wall), .accept_one_time = true},
    };
    struct verify_result result = {0};
    char sid[VERIFY_ID_MAX + 1];
    enum wire_status status;
    enum tok_err err;

    if (token_parse(token, &parsed) != TOK_OK)
        return WIRE_UNAVAILABLE;
    err = check(&ask, wall, &result);
    ret->authentic = result.authentic;
    ret->exp = result.exp;
    ret->gen = result.claims.gen;
    memcpy(ret->user, result.user, sizeof(ret->user));
    verify_id(result.claims.sid, sid);
    if (strlen(sid) == ISSUE_ID_LEN)
        memcpy(ret->sid_text, sid, sizeof(ret->sid_text));
    if (err == TOK_MISSING)
        return missing(&result.claims);
    if (err != TOK_OK)
        return statuses[err];
    status = judge_claims(x, &result.claims, type, ret);
    return status == WIRE_OK ? keep_texts(&result.claims, ret) : status;
}
