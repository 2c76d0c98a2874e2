/*
 * The protected view: who the access token in Authorization speaks for.
 */
#include "handlers.h"
#include "outcome.h"
#include "scan.h"

#include "field.h"

#include <string.h>

/* Each byte of an answer takes at most six in JSON. */
#define USER_ROOM ((size_t)6 * WIRE_MESSAGE_MAX)

enum bearer { BEARER_NONE, BEARER_BAD, BEARER_FINE };

/* The next word of a field, parted by blanks. */
static bool next_word(struct slice *rest, struct slice *ret)
{
    size_t n = 0;

    *rest = field_trim(*rest);
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    if (n == 0)
        return false;
    *ret = (struct slice){rest->p, n};
    rest->p += n;
    rest->n -= n;
    return true;
}

static bool is_scheme(word_list schemes, struct slice word)
{
    if (!schemes)
        return field_is(word, "Bearer");
    for (size_t i = 0; schemes[i]; i++)
        if (field_is(word, schemes[i]))
            return true;
    return false;
}

/* Authorization: SCHEME TOKEN (RFC 6750 2.1). Another scheme, or nothing, is no credentials. */
static enum bearer read_bearer(const struct connection *c, struct slice *ret_token)
{
    struct slice rest = c->request.authorization, word, token, more;

    if (!rest.p || !next_word(&rest, &word) ||
        !is_scheme(c->server->service.settings.http.auth_header_types, word))
        return BEARER_NONE;
    if (!next_word(&rest, &token) || next_word(&rest, &more))
        return BEARER_BAD;
    *ret_token = token;
    return BEARER_FINE;
}

static void refuse(struct connection *c, const struct wire_message *answer)
{
    struct reply reply;

    outcome_reply(&reply, answer, OUTCOME_PROTECTED);
    connection_reply(c, &reply);
}

/* aud comes as JSON. */
static bool is_json(struct slice text)
{
    struct scan_value v;

    return scan_document(text, &v, NULL) == TOK_OK;
}

static void on_user(struct connection *c, const struct wire_message *answer)
{
    const union wire_value *v = answer->v;
    struct reply reply;
    struct emit *out = &reply.body;

    if (answer->status != WIRE_OK) {
        refuse(c, answer);
        return;
    }
    if (!is_json(v[4].text)) {
        connection_unavailable(c);
        return;
    }
    reply_begin(&reply, 200, USER_ROOM);
    reply.cache = "no-store";
    emit_begin(out);
    emit_member_string(out, "username", v[0].text);
    emit_member_string(out, "sid", v[1].text);
    emit_member(out, "exp");
    emit_integer(out, (int64_t)v[2].number);
    emit_member_string(out, "iss", v[3].text);
    emit_member(out, "aud");
    emit_bytes(out, v[4].text);
    if (v[5].text.n > 0)
        emit_member_string(out, "scope", v[5].text);
    emit_end(out);
    connection_reply(c, &reply);
}

void handlers_user(struct connection *c)
{
    struct slice token;

    switch (read_bearer(c, &token)) {
    case BEARER_NONE:
        connection_refuse(c, 401, "Authentication credentials were not provided.", NULL);
        return;
    case BEARER_BAD:
        connection_refuse(c, 401,
                          "Authorization header must contain two space-delimited values",
                          "bad_authorization_header");
        return;
    case BEARER_FINE:
        break;
    }
    if (token.n > WIRE_TOKEN_MAX)
        refuse(c, &(const struct wire_message){.status = WIRE_INVALID});
    else
        connection_ask(c, WIRE_WHOAMI, (const union wire_value[]){{.text = token}}, on_user);
}
