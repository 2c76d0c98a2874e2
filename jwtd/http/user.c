/*
 * The user of the access token in Authorization: as JSON, and as header fields for a web server
 * that authenticates its own requests by it (nginx auth_request).
 */
#include "common/base/username.h"
#include "common/json/json.h"
#include "jwtd/http/handlers.h"
#include "jwtd/shared/json_build.h"

static bool is_audience(struct slice text)
{
    struct scan_value v;

    return scan_document(text, &v, NULL) == TOK_OK &&
           (v.type == SCAN_STRING || v.type == SCAN_ARRAY);
}

enum conn_result handlers_user(struct connection *c, const struct wire_message *answer)
{
    const union wire_value *v = answer->v;
    struct json_object *body;

    if (!is_audience(v[4].text))
        return connection_unavailable(c);
    body = json_with(json_object_new_object(), "username", json_string(v[0].text));
    body = json_with(body, "sid", json_string(v[1].text));
    body = json_with(body, "exp", json_object_new_int64((int64_t)v[2].number));
    body = json_with(body, "iss", json_string(v[3].text));
    body = json_with(body, "aud", json_of(v[4].text));
    if (v[5].text.n > 0)
        body = json_with(body, "scope", json_string(v[5].text));
    return handlers_object(c, body);
}

enum conn_result handlers_auth(struct connection *c, const struct wire_message *answer)
{
    struct slice user = answer->v[0].text;

    /* Our tokens have no other names, and no other could end a header field. */
    if (!username_valid(user))
        return connection_unavailable(c);
    reply_init(&c->reply, 204);
    c->reply.cache = "no-store";
    memcpy(c->reply.user, user.p, user.n);
    return CONN_REPLY;
}
