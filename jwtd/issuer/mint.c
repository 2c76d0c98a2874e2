#include "jwtd/issuer/mint.h"

#include "jwtd/shared/messages.h"

#include <stdio.h>
#include <string.h>

#define SSH_TOKEN_LENGTH 1023 /* ssh(1) truncates a longer password */

void mint_id(const struct issuer *x, int64_t now, uint8_t ret[ISSUE_ID_BYTES])
{
    uint8_t random[10];
    uint64_t wall = issuer_wall_us(x) / 1000, ms = wall;

    if (wall / 1000 < (uint64_t)now) /* the wall clock is behind the store */
        ms = (uint64_t)now * 1000 + wall % 1000;
    arc4random_buf(random, sizeof(random));
    issue_id(ms, random, ret);
}

static int64_t seconds(uint64_t span)
{
    return (int64_t)(span / SECOND);
}

/* What each use of a session sets: its idle end, and the lifetime of its bearer token. */
static void set_access(const struct issuer *x, struct store_session *s, uint64_t lifetime,
                       int64_t now)
{
    const struct settings *set = &x->service.settings;

    s->idle_exp = issuer_least(now + seconds(set->session.idle_lifetime), s->absolute_exp);
    s->pair.issued_at = issuer_wall(x);
    s->pair.access_exp = s->pair.issued_at + issuer_least(seconds(lifetime), s->idle_exp - now);
    if (s->pair.access_exp > s->last_access_exp)
        s->last_access_exp = s->pair.access_exp;
}

/* After set_access. */
static void set_refresh(const struct issuer *x, struct store_session *s, uint64_t lifetime,
                        int64_t gen, int64_t now)
{
    s->rotated_at = now;
    s->pair.gen = gen;
    s->pair.refresh_exp =
        s->pair.issued_at + issuer_least(seconds(lifetime), s->absolute_exp - now);
    key_kid_copy(x->keys.signer, s->pair.kid);
    mint_id(x, now, s->pair.refresh_jti);
    mint_id(x, now, s->pair.access_jti);
}

void mint_next(const struct issuer *x, struct store_session *s, int64_t gen, int64_t now)
{
    const struct settings *set = &x->service.settings;

    set_access(x, s, set->token.access_lifetime, now);
    set_refresh(x, s, set->token.refresh_lifetime, gen, now);
}

void mint_only(const struct issuer *x, struct store_session *s, uint64_t lifetime, int64_t now)
{
    set_access(x, s, lifetime, now);
    set_refresh(x, s, 0, 0, now);
}

void mint_first_sliding(const struct issuer *x, struct store_session *s, int64_t now)
{
    mint_slide(x, s, now);
    set_refresh(x, s, x->service.settings.token.sliding_refresh_lifetime, 0, now);
}

void mint_slide(const struct issuer *x, struct store_session *s, int64_t now)
{
    set_access(x, s, x->service.settings.token.sliding_lifetime, now);
}

static struct issue_claims claims_of(const struct issuer *x, const struct store_session *s,
                                     const char *type, int64_t exp, const uint8_t *jti)
{
    const struct settings *set = &x->service.settings;

    return (struct issue_claims){
        .names = {.user = set->token.user_id_claim,
                  .token_type = set->token.token_type_claim,
                  .jti = set->token.jti_claim},
        .token_type = type,
        .exp = exp,
        .iat = s->pair.issued_at,
        .jti = jti,
        .sid = s->sid,
        .user = s->user,
        .issuer = x->names.issuer,
        .audience = x->names.audience,
        .amr = set->token.amr_claim ? s->amr : NULL,
        .gen = -1,
    };
}

/* kid: of the key that the pair was first minted with, to get the same bytes again; NULL: the
 * key that signs now. */
static const struct key *find_signer(const struct issuer *x, const char *kid)
{
    const struct key *key = kid ? keys_find(&x->keys, kid) : NULL;

    return key ? key : x->keys.signer;
}

/* ret NULL: its length alone is checked. */
static enum wire_status mint(const struct issuer *x, const char *kid,
                             const struct issue_claims *claims, uint64_t max,
                             struct secret *ret)
{
    const struct key *key = find_signer(x, kid);
    enum tok_err err = TOK_OK;

    if (ret)
        err = issue_token(key, claims, (size_t)max, ret);
    else if (issue_length(key, claims) > max)
        err = TOK_TOO_LONG;
    if (err == TOK_OK)
        return WIRE_OK;
    if (err == TOK_TOO_LONG)
        return WIRE_TOO_LONG;
    LOG(LOG_ERR, MESSAGE_KEYS, "Cannot sign a token", {"cause", tok_err_text(err)});
    return WIRE_UNAVAILABLE;
}

enum wire_status mint_access(const struct issuer *x, const struct store_session *s,
                             struct secret *ret)
{
    struct issue_claims claims =
        claims_of(x, s, "access", s->pair.access_exp, s->pair.access_jti);

    return mint(x, s->pair.kid, &claims, x->service.settings.token.max_token_length, ret);
}

enum wire_status mint_refresh(const struct issuer *x, const struct store_session *s,
                              struct secret *ret)
{
    struct issue_claims claims =
        claims_of(x, s, "refresh", s->pair.refresh_exp, s->pair.refresh_jti);

    claims.gen = s->pair.gen;
    return mint(x, s->pair.kid, &claims, WIRE_TOKEN_MAX, ret);
}

enum wire_status mint_sliding(const struct issuer *x, const struct store_session *s,
                              struct secret *ret)
{
    struct issue_claims claims =
        claims_of(x, s, "sliding", s->pair.access_exp, s->pair.access_jti);

    claims.refresh_exp = s->pair.refresh_exp;
    return mint(x, NULL, &claims, x->service.settings.token.max_token_length, ret);
}

enum wire_status mint_narrowed(const struct issuer *x, const struct store_session *s,
                               const struct mint_narrowed *to, struct secret *ret)
{
    uint64_t max = x->service.settings.token.max_token_length;
    struct issue_claims claims = claims_of(x, s, "access", to->exp, to->jti);

    claims.iat = to->iat;
    claims.audience = to->audience;
    claims.scope = to->scope;
    claims.one_time = to->one_time;
    /* Only sshd reads it, and an ssh client passes on that many characters. */
    if (to->scope && strcmp(to->scope, "pam:sshd") == 0 && max < SSH_TOKEN_LENGTH)
        max = SSH_TOKEN_LENGTH;
    return mint(x, NULL, &claims, max, ret);
}

size_t mint_length(const struct issuer *x, size_t user_len, bool restricted)
{
    char bound[VALUE_NAME_MAX + 1 + HOST_KEY_LEN + 1], *audience[] = {bound, NULL};
    struct store_session s = {.amr = "pwd otp"};
    struct issue_claims claims;

    memset(s.user, 'a', user_len < USER_NAME_MAX ? user_len : USER_NAME_MAX);
    s.pair.issued_at = issuer_wall(x);
    claims = claims_of(x, &s, "access", s.pair.issued_at, s.pair.access_jti);
    if (restricted) {
        (void)snprintf(bound, sizeof(bound), "%s#%0*d", x->names.audience[0], HOST_KEY_LEN, 0);
        claims.audience = audience;
        claims.scope = "pam:sudo";
        claims.one_time = true;
    }
    return issue_length(x->keys.signer, &claims);
}
