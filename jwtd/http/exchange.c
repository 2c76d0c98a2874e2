/*
 * POST /api/token/exchange/ (RFC 8693): a token of another issuer for one of this issuer.
 * jwtd-issuer verifies it; here only the form of the request is checked.
 */
#include "jwtd/http/handlers.h"
#include "jwtd/http/outcome.h"

#define URN "urn:ietf:params:oauth:"
#define TYPE URN "token-type:"

enum exchange_field {
    GRANT_TYPE,
    SUBJECT_TOKEN,
    SUBJECT_TOKEN_TYPE,
    SCOPE,
    AUDIENCE,
    REQUESTED_TOKEN_TYPE,
    ACTOR_TOKEN,
    RESOURCE,
    FIELDS
};

/* The values that a field may have. What is not supported is refused: without its restriction
 * the token would be worth more than the client asked for. */
static const struct {
    enum exchange_field field;
    const char *values[3];
    const char *error, *expected;
} rules[] = {
    {GRANT_TYPE,
     {URN "grant-type:token-exchange"},
     "unsupported_grant_type",
     "Expected " URN "grant-type:token-exchange."},
    {SUBJECT_TOKEN_TYPE,
     {TYPE "jwt", TYPE "access_token", TYPE "id_token"},
     "invalid_request",
     "Expected " TYPE "jwt, access_token or id_token."},
    {REQUESTED_TOKEN_TYPE,
     {TYPE "access_token", TYPE "jwt"},
     "invalid_request",
     "Expected " TYPE "access_token or jwt."},
    {ACTOR_TOKEN, {NULL}, "invalid_request", "Not supported."},
    {RESOURCE, {NULL}, "invalid_target", "Not supported, use audience."},
};

static bool is_one_of(struct slice value, const char *const values[3])
{
    for (size_t i = 0; i < 3; i++)
        if (values[i] && slice_is(value, values[i]))
            return true;
    return false;
}

/* False: c->reply says which field is wrong. */
static bool check_values(struct connection *c, const struct body_field *fields)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const struct body_field *f = &fields[rules[i].field];

        if (!f->given || is_one_of(f->value, rules[i].values))
            continue;
        reply_json(
            &c->reply, 400,
            outcome_with_error(outcome_error(c, rules[i].error), f->name, rules[i].expected));
        return false;
    }
    return true;
}

enum conn_result handlers_exchange(struct connection *c)
{
    struct body_field fields[FIELDS] = {
        [GRANT_TYPE] = {.name = "grant_type"},
        [SUBJECT_TOKEN] = {.name = "subject_token", .trim = true},
        [SUBJECT_TOKEN_TYPE] = {.name = "subject_token_type"},
        [SCOPE] = {.name = "scope", .kind = BODY_WORDS, .optional = true, .trim = true},
        [AUDIENCE] = {.name = "audience", .kind = BODY_NAMES, .optional = true, .trim = true},
        [REQUESTED_TOKEN_TYPE] = {.name = "requested_token_type", .optional = true},
        [ACTOR_TOKEN] = {.name = "actor_token", .optional = true},
        [RESOURCE] = {.name = "resource", .kind = BODY_NAMES, .optional = true},
    };
    CLEANUP(body_clear) struct body body = {0};

    if (handlers_throttled(c) || !handlers_read_body(c, fields, FIELDS, &body) ||
        !check_values(c, fields))
        return CONN_REPLY;
    if (fields[SUBJECT_TOKEN].value.n > WIRE_TOKEN_MAX)
        return outcome_exchange(c, WIRE_INVALID);
    return handlers_ask(c, (const union wire_value[]){{.text = fields[SUBJECT_TOKEN].value},
                                                      {.text = fields[SCOPE].value},
                                                      {.text = fields[AUDIENCE].value}});
}

/* RFC 8693 2.2.1, and simplejwt's names for a session. */
static void emit_exchanged(struct emit *out, const void *arg)
{
    const struct wire_message *answer = arg;
    struct slice access = answer->v[0].text, refresh = answer->v[1].text;

    emit_begin(out);
    emit_member_string(out, "access_token", access);
    emit_member_string(out, "issued_token_type", SLICE(TYPE "access_token"));
    emit_member_string(out, "token_type", SLICE("Bearer"));
    emit_member(out, "expires_in");
    emit_integer(out, (int64_t)answer->v[2].number);
    if (refresh.n > 0) {
        emit_member_string(out, "access", access);
        emit_member_string(out, "refresh", refresh);
    }
    emit_end(out);
}

enum conn_result handlers_exchanged(struct connection *c, const struct wire_message *answer)
{
    reply_emit(&c->reply, emit_exchanged, answer);
    return CONN_REPLY;
}
