#include "routes.h"

#include "handlers.h"

#include <stdio.h>
#include <string.h>

#define OPTIONS_MAX 2048
#define MEDIA_TYPE_MAX 128 /* bytes of one that are told back */
#define POST_ONLY "POST, OPTIONS"
#define GET_ONLY "GET, HEAD, OPTIONS"

static const struct route routes[] = {
    {"/api/token/",
     METHOD_POST,
     true,
     POST_ONLY,
     handlers_obtain,
     "Token Obtain Pair",
     "A Unix user name and password buy a refresh token and an access token.",
     {{"username", "Username"}, {"password", "Password"}}},
    {"/api/token/refresh/",
     METHOD_POST,
     true,
     POST_ONLY,
     handlers_refresh,
     "Token Refresh",
     "A refresh token buys an access token and, where they rotate, the next refresh token.",
     {{"refresh", "Refresh"}}},
    {"/api/token/verify/",
     METHOD_POST,
     true,
     POST_ONLY,
     handlers_verify,
     "Token Verify",
     "Tells whether a token of any type is good.",
     {{"token", "Token"}}},
    {"/api/token/blacklist/",
     METHOD_POST,
     true,
     POST_ONLY,
     handlers_blacklist,
     "Token Blacklist",
     "Ends the session of a refresh token, its access tokens too.",
     {{"refresh", "Refresh"}}},
    {"/api/user/",
     METHOD_GET,
     true,
     GET_ONLY,
     handlers_user,
     "User",
     "Who the access token in Authorization speaks for.",
     {{NULL, NULL}}},
    {"/.well-known/jwks.json",
     METHOD_GET,
     false,
     GET_ONLY,
     handlers_keys,
     "Keys",
     "The public keys (RFC 7517) that our tokens are signed with.",
     {{NULL, NULL}}},
    {"/healthz",
     METHOD_GET,
     false,
     GET_ONLY,
     handlers_health,
     "Health",
     "Whether tokens can be had now.",
     {{NULL, NULL}}},
};

static bool path_is(struct slice path, const char *want)
{
    size_t n = strlen(want);

    if (slice_is(path, want))
        return true;
    return n > 1 && want[n - 1] == '/' && slice_eq(path, (struct slice){want, n - 1});
}

const struct route *routes_find(struct slice path)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        if (path_is(path, routes[i].path))
            return &routes[i];
    return NULL;
}

static void emit_field(struct emit *out, const struct route_field *field)
{
    emit_member(out, field->name);
    emit_begin(out);
    emit_member_string(out, "type", SLICE("string"));
    emit_member(out, "required");
    emit_text(out, "true");
    emit_member(out, "read_only");
    emit_text(out, "false");
    emit_member_string(out, "label", (struct slice){field->label, strlen(field->label)});
    emit_end(out);
}

static void emit_actions(struct emit *out, const struct route *route)
{
    emit_member(out, "actions");
    emit_begin(out);
    emit_member(out, "POST");
    emit_begin(out);
    for (size_t i = 0; i < ROUTE_FIELDS_MAX && route->fields[i].name; i++)
        emit_field(out, &route->fields[i]);
    emit_end(out);
    emit_end(out);
}

/* As DRF's SimpleMetadata tells it. */
static void answer_options(struct connection *c)
{
    const struct route *route = c->route;
    struct reply reply;
    struct emit *out = &reply.body;

    reply_begin(&reply, 200, OPTIONS_MAX);
    emit_begin(out);
    emit_member_string(out, "name", (struct slice){route->name, strlen(route->name)});
    emit_member_string(out, "description",
                       (struct slice){route->description, strlen(route->description)});
    emit_member(out, "renders");
    emit_text(out, "[\"application/json\"]");
    emit_member(out, "parses");
    emit_text(out, "[\"application/json\",\"application/x-www-form-urlencoded\","
                   "\"multipart/form-data\"]");
    if (route->fields[0].name)
        emit_actions(out, route);
    emit_end(out);
    connection_reply(c, &reply);
}

static void refuse_method(struct connection *c)
{
    char detail[64];

    (void)snprintf(detail, sizeof(detail), "Method \"%s\" not allowed.",
                   request_method_name(c->request.method));
    connection_refuse(c, 405, detail, NULL);
}

void routes_media_type(struct reply *reply, struct slice content_type)
{
    char detail[MEDIA_TYPE_MAX + 64];
    size_t n = content_type.n < MEDIA_TYPE_MAX ? content_type.n : MEDIA_TYPE_MAX;

    (void)snprintf(detail, sizeof(detail), "Unsupported media type \"%.*s\" in request.",
                   (int)n, n > 0 ? content_type.p : "");
    /* A field's bytes need not be UTF-8, which JSON has to be. */
    for (char *c = detail; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    reply_detail(reply, 415, detail, NULL);
}

void routes_dispatch(struct connection *c)
{
    enum request_method method = c->request.method;

    c->route = routes_find(c->request.path);
    if (!c->route)
        connection_refuse(c, 404, "Not found.", NULL);
    else if (c->route->negotiates && !c->request.accepts_json)
        connection_refuse(c, 406, "Could not satisfy the request Accept header.", NULL);
    else if (method == METHOD_OPTIONS)
        answer_options(c);
    else if (method == c->route->method ||
             (method == METHOD_HEAD && c->route->method == METHOD_GET))
        c->route->answer(c);
    else
        refuse_method(c);
}
