#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/mint.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/issuer/requests/scope.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum narrow_field { ACCESS, SCOPE, AUDIENCE, LIFETIME, ONE_TIME, HOST_KEY };

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
static enum wire_status narrow_scope(const struct own_token *token, struct slice asked,
                                     char **ret)
{
    CLEANUP(cleanup_word_list) word_list words = NULL;
    struct slice own = secret_slice(&token->scope);
    enum tok_err err = word_list_parse(asked.n > 0 ? asked : own, ' ', scope_is_word, &words);

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

/* Each audience once, in the order of Audience=. *ret: an array of pointers into x->names. */
static enum wire_status narrow_audience(const struct issuer *x, const struct own_token *token,
                                        struct slice asked, char ***ret)
{
    CLEANUP(cleanup_word_list) word_list words = NULL;
    char *const *own = x->names.audience;
    size_t n = 0, room = 0;

    if (asked.n > 0 && word_list_parse(asked, ' ', value_is_name, &words) != TOK_OK)
        return WIRE_WIDER_AUDIENCE;
    for (size_t i = 0; words && words[i]; i++)
        if (!own_token_has_audience(token, slice_of(words[i])))
            return WIRE_WIDER_AUDIENCE;
    while (own[room])
        room++;
    *ret = calloc(room + 1, sizeof(char *));
    for (size_t i = 0; *ret && i < room; i++)
        if (own_token_has_audience(token, slice_of(own[i])) &&
            (!words || word_list_has(words, slice_of(own[i]))))
            (*ret)[n++] = own[i];
    return n > 0 ? WIRE_OK : WIRE_UNAVAILABLE;
}

static enum wire_status reply_narrowed(struct issuer *x, struct issuer_request *r,
                                       const char *scope, char *const *audience)
{
    CLEANUP(secret_clear) struct secret token = {0};
    uint64_t lifetime = r->message.v[LIFETIME].number, one_time = r->message.v[ONE_TIME].number;
    int64_t wall = issuer_wall(), left = r->token.exp - wall;
    uint8_t jti[ISSUE_ID_BYTES];
    struct mint_narrowed to = {.scope = scope,
                               .audience = audience,
                               .iat = wall,
                               .exp = r->token.exp,
                               .jti = jti,
                               .one_time = one_time == 1};
    enum wire_status status;

    if (one_time > 1 || (one_time == 1 && audience[1]))
        return WIRE_BAD_NARROW;
    mint_id(wall, jti);
    if (lifetime > 0 && left > 0 && lifetime < (uint64_t)left)
        to.exp = wall + (int64_t)lifetime;
    status = mint_narrowed(x, &r->session, &to, &token);
    if (status == WIRE_OK)
        status = request_reply_text(r, secret_slice(&token));
    if (status != WIRE_OK)
        return status;
    request_set_event(r, LOG_INFO, MESSAGE_NARROWED, "Narrowed token issued");
    request_write_id(jti, r->event.jti);
    return WIRE_OK;
}

enum wire_status handle_narrow(struct issuer *x, struct issuer_request *r)
{
    CLEANUP(cleanup_free) char *scope = NULL, *bound = NULL;
    char **audience = NULL;
    enum wire_status status = narrow_scope(&r->token, request_text(r, SCOPE), &scope);

    if (status == WIRE_OK)
        status = narrow_audience(x, &r->token, request_text(r, AUDIENCE), &audience);
    if (status == WIRE_OK)
        status = bind_host_key(request_text(r, HOST_KEY), audience, &bound);
    if (status == WIRE_OK)
        status = reply_narrowed(x, r, scope, audience);
    free(audience); /* CLEANUP() would be a leak to clang-analyzer */
    return status;
}
