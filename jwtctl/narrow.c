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

/* Host names are compared as in DNS: without case and without a final dot. */
static bool is_host(const char *name, struct slice host)
{
    if (host.n > 1 && host.p[host.n - 1] == '.')
        host.n--;
    return host.n > 0 && strlen(name) == host.n && strncasecmp(name, host.p, host.n) == 0;
}

static const char *audience_at(struct json_object *aud, size_t i)
{
    return json_text(json_length(aud) > 0 ? json_object_array_get_idx(aud, i) : aud);
}

static enum tok_err no_audience(struct json_object *aud, size_t count, struct slice host,
                                struct errmsg *errmsg)
{
    char list[sizeof(errmsg->text)] = "";
    size_t n = 0;

    for (size_t i = 0; i < count && n < sizeof(list); i++) {
        const char *name = audience_at(aud, i);

        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i > 0 ? ", " : "",
                              name ? name : "?");
    }
    if (host.p)
        return errmsg_set(errmsg, TOK_AUDIENCE, "the session has no audience %.*s; it has: %s",
                          (int)host.n, host.p, list);
    return errmsg_set(errmsg, TOK_AUDIENCE,
                      "the session has several audiences; choose one with --host=: %s", list);
}

enum tok_err narrow_audience(const struct client_session *s, struct slice host,
                             struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_json) struct json_object *claims = NULL;
    struct json_object *aud;
    const char *found = NULL;
    size_t count;

    if (session_token_claims(&s->access, &claims) != TOK_OK ||
        !(aud = json_member(claims, "aud")) || !audience_at(aud, 0))
        return errmsg_set(
            errmsg, TOK_AUDIENCE,
            "the access token of the session has no audience; log in again with: jwtctl login");
    count = json_length(aud) > 0 ? json_length(aud) : 1;
    for (size_t i = 0; i < count && !found; i++) {
        const char *name = audience_at(aud, i);

        if (name && (count == 1 || is_host(name, host)))
            found = name;
    }
    if (!found)
        return no_audience(aud, count, host, errmsg);
    return secret_copy(slice_of(found), ret);
}
