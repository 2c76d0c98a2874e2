#include "common/token/issue.h"

#include "common/base/base64url.h"
#include "common/json/emit.h"

#include <string.h>

/* A byte of a kid takes at most six in JSON: \u0000. */
#define HEADER_ROOM (64 + 6 * KEY_KID_MAX)
#define PAYLOAD_ROOM 1024 /* bytes: what few payloads are longer than */

static void emit_audience(char *const *audience, struct emit *out)
{
    emit_text(out, ",\"aud\":");
    if (audience[0] && !audience[1]) {
        emit_string(out, slice_of(audience[0]));
        return;
    }
    emit_text(out, "[");
    for (size_t i = 0; audience[i]; i++) {
        if (i)
            emit_text(out, ",");
        emit_string(out, slice_of(audience[i]));
    }
    emit_text(out, "]");
}

/* Names that are ours go out as they are. */
static void emit_claims(const struct issue_claims *c, struct emit *out)
{
    emit_begin(out);
    emit_member_string(out, c->names.token_type, slice_of(c->token_type));
    emit_text(out, ",\"exp\":");
    emit_integer(out, c->exp);
    emit_text(out, ",\"iat\":");
    emit_integer(out, c->iat);
    emit_member_base64url(out, c->names.jti,
                          (struct slice){(const char *)c->jti, ISSUE_ID_BYTES});
    if (c->refresh_exp > 0) {
        emit_text(out, ",\"refresh_exp\":");
        emit_integer(out, c->refresh_exp);
    }
    emit_member_string(out, c->names.user, slice_of(c->user));
    emit_text(out, ",\"iss\":");
    emit_string(out, slice_of(c->issuer));
    emit_audience(c->audience, out);
    emit_text(out, ",\"sid\":\"");
    emit_base64url(out, (struct slice){(const char *)c->sid, ISSUE_ID_BYTES});
    emit_text(out, "\"");
    if (c->gen >= 0) {
        emit_text(out, ",\"gen\":");
        emit_integer(out, c->gen);
    }
    if (c->scope) {
        emit_text(out, ",\"scope\":");
        emit_string(out, slice_of(c->scope));
    }
    if (c->one_time)
        emit_text(out, ",\"one_time\":true");
    emit_end(out);
}

/* Into room of PAYLOAD_ROOM, or into *longer when it is larger. */
static enum tok_err make_payload(const struct issue_claims *c, char *room,
                                 struct secret *longer, struct slice *ret)
{
    struct emit out = {.p = room, .size = PAYLOAD_ROOM};
    enum tok_err err;

    emit_claims(c, &out);
    *ret = (struct slice){room, out.n};
    if (out.n <= PAYLOAD_ROOM)
        return TOK_OK;
    err = secret_alloc(out.n, longer);
    if (err)
        return err;
    out = (struct emit){.p = longer->p, .size = longer->n};
    emit_claims(c, &out);
    *ret = secret_slice(longer);
    return TOK_OK;
}

/* What we would refuse ourselves is never signed: settings that give two claims one name, text
 * that is no UTF-8, a time no reader takes. */
static enum tok_err check_payload(struct slice payload, const struct claims_names *names)
{
    UNINITIALIZED struct claims check; /* places in the payload, and times: no secret */

    return claims_read(payload, names, &check);
}

/* {"alg","typ":"JWT","kid"} */
static struct slice make_header(const struct key *key, char room[HEADER_ROOM])
{
    struct emit out = {.p = room, .size = HEADER_ROOM};

    emit_begin(&out);
    emit_member_string(&out, "alg", slice_of(key_alg(key)->name));
    emit_member_string(&out, "typ", SLICE("JWT"));
    if (key_kid(key).n > 0)
        emit_member_string(&out, "kid", key_kid(key));
    emit_end(&out);
    return (struct slice){room, out.n};
}

/* HEADER.PAYLOAD.SIGNATURE into a token that has exactly the room. */
static enum tok_err sign(const struct key *key, struct slice header, struct slice payload,
                         struct secret *token)
{
    struct emit out = {.p = token->p, .size = token->n};
    UNINITIALIZED char signature[KEY_SIGNATURE_MAX];
    enum tok_err err;

    emit_base64url(&out, header);
    emit_text(&out, ".");
    emit_base64url(&out, payload);
    err = key_sign(key, (struct slice){token->p, out.n}, signature);
    if (err)
        return err;
    emit_text(&out, ".");
    emit_base64url(&out, (struct slice){signature, key_sig_len(key)});
    secret_wipe(signature, key_sig_len(key));
    return TOK_OK;
}

static enum tok_err issue(const struct key *key, struct slice payload, size_t max,
                          struct secret *ret, size_t *ret_len)
{
    CLEANUP(secret_clear) struct secret token = {0};
    char room[HEADER_ROOM];
    struct slice header = make_header(key, room);
    size_t len = BASE64URL_LEN(header.n) + 1 + BASE64URL_LEN(payload.n) + 1 +
                 BASE64URL_LEN(key_sig_len(key));
    enum tok_err err;

    if (ret_len)
        *ret_len = len;
    if (max && len > max)
        return TOK_TOO_LONG;
    err = secret_alloc(len, &token);
    if (err)
        return err;
    err = sign(key, header, payload, &token);
    if (err)
        return err;
    *ret = token;
    token = (struct secret){0};
    return TOK_OK;
}

enum tok_err issue_token(const struct key *key, const struct issue_claims *claims, size_t max,
                         struct secret *ret, size_t *ret_len)
{
    CLEANUP(secret_clear) struct secret longer = {0};
    UNINITIALIZED char room[PAYLOAD_ROOM];
    struct slice payload;
    enum tok_err err = make_payload(claims, room, &longer, &payload);

    if (!err)
        err = check_payload(payload, &claims->names);
    if (!err)
        err = issue(key, payload, max, ret, ret_len);
    secret_wipe(room, payload.n < sizeof(room) ? payload.n : sizeof(room));
    return err;
}

bool issue_id_read(struct slice letters, uint8_t ret[ISSUE_ID_BYTES])
{
    size_t n;

    return letters.n == ISSUE_ID_LEN &&
           base64url_decode(letters, ret, ISSUE_ID_BYTES, &n) == TOK_OK;
}

void issue_id(uint64_t unix_ms, const uint8_t random[10], uint8_t ret[ISSUE_ID_BYTES])
{
    for (size_t i = 0; i < 6; i++)
        ret[i] = (uint8_t)(unix_ms >> (40 - 8 * i));
    memcpy(ret + 6, random, 10);
    ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x70);
    ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80);
}
