#include "jwtctl/narrow.h"

#include "common/token/host_key.h"
#include "jwtctl/output.h"

#include <stdio.h>
#include <string.h>

/* A server that does not know host keys ignores the member of the request. */
static bool is_bound(const struct secret *token, const char *host_key)
{
    CLEANUP(cleanup_json) struct json_object *claims = NULL;
    const char *audience;
    struct slice name, key;

    if (session_token_claims(token, &claims) != TOK_OK)
        return false;
    audience = json_member_text(claims, "aud");
    return audience && host_key_split(slice_of(audience), &name, &key) &&
           slice_is(key, host_key);
}

enum tok_err narrow_token(const struct client_session *s, const struct narrow_request *request,
                          struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(cleanup_json) struct json_object *body = json_new_object();
    enum tok_err err;

    if (request->scope && request->scope[0])
        json_add_string(body, "scope", slice_of(request->scope));
    if (request->audience)
        json_add_string(body, "aud", slice_of(request->audience));
    if (request->lifetime > 0)
        json_add_integer(body, "lifetime", request->lifetime);
    if (request->one_time)
        json_add_bool(body, "one_time", true);
    if (request->host_key)
        json_add_string(body, "host_key", slice_of(request->host_key));
    err = session_send(s,
                       (struct client_request){.method = "POST",
                                               .path = "/api/token/narrow/",
                                               .body = json_write(body)},
                       &reply, errmsg);
    if (!err && !session_take_token(&reply, "access", ret))
        err = errmsg_set(errmsg, TOK_FILE, "%s: expected an access token in the reply",
                         s->server.p);
    if (!err && request->host_key && !is_bound(ret, request->host_key)) {
        secret_clear(ret);
        err = errmsg_set(errmsg, TOK_FILE,
                         "%s: expected a token that is bound to the host key; the server needs "
                         "jwtd 0.2 or later",
                         s->server.p);
    }
    return err;
}
