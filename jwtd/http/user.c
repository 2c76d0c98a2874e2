/*
 * Who the access token in Authorization speaks for: as JSON, and as header fields for a web
 * server that asks about each of its own requests (nginx auth_request).
 */
#include "common/json/json.h"
#include "common/token/policy.h"
#include "jwtd/http/bearer.h"
#include "jwtd/http/handlers.h"

#include <string.h>

/* Each byte of an answer takes at most six in JSON. */
#define USER_ROOM ((size_t)6 * WIRE_MESSAGE_MAX)

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
        bearer_refuse(c, answer);
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

static void on_auth(struct connection *c, const struct wire_message *answer)
{
    struct slice user = answer->v[0].text;
    char name[WIRE_USER_MAX + 1];
    struct reply reply;

    if (answer->status != WIRE_OK) {
        bearer_refuse(c, answer);
        return;
    }
    if (policy_scope_names_service(answer->v[5].text)) {
        bearer_refuse(c, &(const struct wire_message){.status = WIRE_NOT_ALLOWED});
        return;
    }
    /* No other name can be in a token of ours, and none may break a header field. */
    if (!username_valid(user) || user.n >= sizeof(name)) {
        connection_unavailable(c);
        return;
    }
    memcpy(name, user.p, user.n);
    name[user.n] = '\0';
    reply_begin(&reply, 204, 0);
    reply.cache = "no-store";
    reply.user = name;
    connection_reply(c, &reply);
}

static void whoami(struct connection *c,
                   void (*done)(struct connection *c, const struct wire_message *answer))
{
    struct slice token;

    if (bearer_read(c, &token))
        connection_ask(c, WIRE_WHOAMI, (const union wire_value[]){{.text = token}}, done);
}

void handlers_user(struct connection *c)
{
    whoami(c, on_user);
}

void handlers_auth(struct connection *c)
{
    whoami(c, on_auth);
}
