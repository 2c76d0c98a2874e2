#include "jwtd/issuer/requests/narrowing.h"

#include "jwtd/issuer/mint.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/issuer/requests/scope.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An audience A becomes A#K. A token that is already bound is for its host alone: it is for
 * another audience than ours, and own_token_verify refuses it. */
static enum wire_status bind_host_key(struct slice key, char **audience, char **ret_bound)
{
    if (key.n == 0)
        return WIRE_OK;
    if (!host_key_is_valid(key))
        return WIRE_BAD_HOST_KEY;
    if (audience[1])
        return WIRE_BAD_NARROW;
    if (asprintf(ret_bound, "%s#%.*s", audience[0], (int)key.n, key.p) < 0) {
        *ret_bound = NULL;
        return WIRE_UNAVAILABLE;
    }
    audience[0] = *ret_bound;
    return WIRE_OK;
}

/* *ret NULL: no scope. */
static enum wire_status narrow_scope(const struct narrowing *n, char **ret)
{
    CLEANUP(cleanup_word_list) word_list words = NULL;
    struct slice asked = n->scope, own = {0};
    enum tok_err err;

    if (n->from)
        own = secret_slice(&n->from->scope);
    err = word_list_parse(asked.n > 0 ? asked : own, ' ', scope_is_word, &words);
    if (err == TOK_OK && !scope_within(words, own))
        err = TOK_SCOPE;
    if (err == TOK_OK && words)
        err = word_list_format(words, ' ', ret);
    if (err == TOK_NO_MEMORY)
        return WIRE_UNAVAILABLE;
    if (err != TOK_OK)
        return WIRE_WIDER_SCOPE;
    /* The quotes of the JSON string count. */
    return *ret && strlen(*ret) + 2 > CLAIMS_SCOPE_MAX ? WIRE_TOO_LONG : WIRE_OK;
}

static bool has_audience(const struct issuer *x, const struct narrowing *n, const char *name)
{
    return n->from ? own_token_has_audience(n->from, slice_of(name))
                   : word_list_has(x->names.audience, slice_of(name));
}

/* Each audience once, in the order of Audience=. *ret: an array of pointers into x->names. */
static enum wire_status narrow_audience(const struct issuer *x, const struct narrowing *how,
                                        char ***ret)
{
    CLEANUP(cleanup_word_list) word_list words = NULL;
    char *const *own = x->names.audience;
    size_t n = 0, room = 0;

    if (how->audience.n > 0 &&
        word_list_parse(how->audience, ' ', value_is_name, &words) != TOK_OK)
        return WIRE_WIDER_AUDIENCE;
    for (size_t i = 0; words && words[i]; i++)
        if (!has_audience(x, how, words[i]))
            return WIRE_WIDER_AUDIENCE;
    while (own[room])
        room++;
    *ret = calloc(room + 1, sizeof(char *));
    for (size_t i = 0; *ret && i < room; i++)
        if (has_audience(x, how, own[i]) && (!words || word_list_has(words, slice_of(own[i]))))
            (*ret)[n++] = own[i];
    return n > 0 ? WIRE_OK : WIRE_UNAVAILABLE;
}

static enum wire_status mint_by(const struct issuer *x, const struct narrowing *n,
                                struct mint_narrowed *to, struct secret *ret)
{
    int64_t wall = issuer_wall(x), left = n->exp - wall;

    if (n->one_time > 1 || (n->one_time == 1 && to->audience[1]))
        return WIRE_BAD_NARROW;
    to->iat = wall;
    to->exp = n->exp;
    if (n->lifetime > 0 && left > 0 && n->lifetime < (uint64_t)left)
        to->exp = wall + (int64_t)n->lifetime;
    to->one_time = n->one_time == 1;
    return mint_narrowed(x, n->session, to, ret);
}

enum wire_status narrowing_mint(const struct issuer *x, const struct narrowing *n,
                                uint8_t ret_jti[ISSUE_ID_BYTES], struct secret *ret)
{
    CLEANUP(cleanup_free) char *scope = NULL, *bound = NULL;
    char **audience = NULL;
    enum wire_status status = narrow_scope(n, &scope);

    if (status == WIRE_OK)
        status = narrow_audience(x, n, &audience);
    if (status == WIRE_OK)
        status = bind_host_key(n->host_key, audience, &bound);
    mint_id(x, issuer_wall(x), ret_jti);
    if (status == WIRE_OK)
        status = mint_by(
            x, n, &(struct mint_narrowed){.scope = scope, .audience = audience, .jti = ret_jti},
            ret);
    free(audience); /* CLEANUP() would be a leak to clang-analyzer */
    return status;
}

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
