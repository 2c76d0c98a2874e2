#include "common/token/issue.h"

#include "common/base/base64url.h"
#include "common/base/text.h"
#include "common/jose/jws.h"
#include "common/json/emit.h"

#include <string.h>

static void emit_member_integer(struct emit *out, const char *name, int64_t value)
{
    emit_member(out, name);
    emit_integer(out, value);
}

/* One audience is a string, more are an array. */
static void emit_audience(struct emit *out, char *const *audience)
{
    bool one = audience[0] && !audience[1];

    emit_member(out, "aud");
    emit_text(out, one ? "" : "[");
    for (size_t i = 0; audience[i]; i++) {
        emit_text(out, i ? "," : "");
        emit_string(out, slice_of(audience[i]));
    }
    emit_text(out, one ? "" : "]");
}

/* An array, also of one word (RFC 8176). */
static void emit_amr(struct emit *out, const char *amr)
{
    struct slice rest = slice_of(amr), word;

    emit_member(out, "amr");
    for (const char *before = "["; text_next_word(&rest, ' ', &word); before = ",") {
        emit_text(out, before);
        emit_string(out, word);
    }
    emit_text(out, "]");
}

static void emit_claims(struct emit *out, const void *arg)
{
    const struct issue_claims *c = arg;
    const struct slice jti = {(const char *)c->jti, ISSUE_ID_BYTES};
    const struct slice sid = {(const char *)c->sid, ISSUE_ID_BYTES};

    emit_begin(out);
    emit_member_string(out, c->names.token_type, slice_of(c->token_type));
    emit_member_integer(out, "exp", c->exp);
    emit_member_integer(out, "iat", c->iat);
    emit_member_base64url(out, c->names.jti, jti);
    if (c->refresh_exp > 0)
        emit_member_integer(out, "refresh_exp", c->refresh_exp);
    emit_member_string(out, c->names.user, slice_of(c->user));
    emit_member_string(out, "iss", slice_of(c->issuer));
    emit_audience(out, c->audience);
    emit_member_base64url(out, "sid", sid);
    if (c->amr && *c->amr)
        emit_amr(out, c->amr);
    if (c->gen >= 0)
        emit_member_integer(out, "gen", c->gen);
    if (c->scope)
        emit_member_string(out, "scope", slice_of(c->scope));
    if (c->one_time) {
        emit_member(out, "one_time");
        emit_text(out, "true");
    }
    emit_end(out);
}

/* A token that we would refuse is never signed: settings that give two claims one name, text
 * that is not UTF-8, a time that no reader accepts. */
static enum tok_err check_payload(struct slice payload, const struct claims_names *names)
{
    UNINITIALIZED struct claims claims;

    return claims_read(payload, names, &claims, NULL);
}

enum tok_err issue_token(const struct key *key, const struct issue_claims *claims, size_t max,
                         struct secret *ret)
{
    CLEANUP(secret_clear) struct secret payload = {0};
    enum tok_err err = emit_secret(emit_claims, claims, &payload);

    if (!err)
        err = check_payload(secret_slice(&payload), &claims->names);
    return err ? err : jws_sign(key, "JWT", secret_slice(&payload), max, ret);
}

size_t issue_length(const struct key *key, const struct issue_claims *claims)
{
    struct emit out = {0};

    emit_claims(&out, claims);
    return jws_length(key, "JWT", out.n);
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
