#include "jwtd/http/routes.h"

#include "common/base/base64url.h"
#include "jwtd/http/handlers.h"

#include <stdio.h>
#include <string.h>

#define OPTIONS_MAX 2048
#define MEDIA_TYPE_MAX 128 /* bytes of one that are told back */
#define POST_ONLY "POST, OPTIONS"
#define GET_ONLY "GET, HEAD, OPTIONS"
#define DELETE_ONLY "DELETE, OPTIONS"
#define SID_LETTERS BASE64URL_LEN(WIRE_SID_BYTES)

static const struct route routes[] = {
    {.path = "/api/token/",
     .method = METHOD_POST,
     .negotiates = true,
     .allow = POST_ONLY,
     .answer = handlers_obtain,
     .name = "Token Obtain Pair",
     .description = "A Unix user name and password buy a refresh token and an access token.",
     .fields = {{.name = "username", .label = "Username"},
                {.name = "password", .label = "Password"}}},
    {.path = "/api/token/refresh/",
     .method = METHOD_POST,
     .negotiates = true,
     .allow = POST_ONLY,
     .answer = handlers_refresh,
     .name = "Token Refresh",
     .description =
         "A refresh token buys an access token and, where they rotate, the next refresh token.",
     .fields = {{.name = "refresh", .label = "Refresh"}}},
    {.path = "/api/token/verify/",
     .method = METHOD_POST,
     .negotiates = true,
     .allow = POST_ONLY,
     .answer = handlers_verify,
     .name = "Token Verify",
     .description = "Tells whether a token of any type is good.",
     .fields = {{.name = "token", .label = "Token"}}},
    {.path = "/api/token/blacklist/",
     .method = METHOD_POST,
     .negotiates = true,
     .allow = POST_ONLY,
     .answer = handlers_blacklist,
     .name = "Token Blacklist",
     .description = "Ends the session of a refresh token, its access tokens too.",
     .fields = {{.name = "refresh", .label = "Refresh"}}},
    {.path = "/api/token/sliding/",
     .method = METHOD_POST,
     .negotiates = true,
     .sliding = true,
     .allow = POST_ONLY,
     .answer = handlers_sliding,
     .name = "Token Obtain Sliding",
     .description = "A Unix user name and password buy a sliding token.",
     .fields = {{.name = "username", .label = "Username"},
                {.name = "password", .label = "Password"}}},
    {.path = "/api/token/sliding/refresh/",
     .method = METHOD_POST,
     .negotiates = true,
     .sliding = true,
     .allow = POST_ONLY,
     .answer = handlers_sliding_refresh,
     .name = "Token Refresh Sliding",
     .description = "A sliding token buys the next one, until its refresh_exp.",
     .fields = {{.name = "token", .label = "Token"}}},
    {.path = "/api/token/narrow/",
     .method = METHOD_POST,
     .negotiates = true,
     .allow = POST_ONLY,
     .answer = handlers_narrow,
     .name = "Token Narrow",
     .description = "The access token in Authorization buys one that may do less.",
     .fields =
         {{.name = "scope", .label = "Scope", .type = NULL, .optional = true},
          {.name = "aud", .label = "Aud", .type = "field", .optional = true},
          {.name = "lifetime", .label = "Lifetime", .type = "integer", .optional = true},
          {.name = "one_time", .label = "One time", .type = "boolean", .optional = true}}},
    {.path = "/api/user/",
     .method = METHOD_GET,
     .negotiates = true,
     .allow = GET_ONLY,
     .answer = handlers_user,
     .name = "User",
     .description = "Who the access token in Authorization speaks for."},
    {.path = "/api/auth/",
     .method = METHOD_GET,
     .allow = GET_ONLY,
     .answer = handlers_auth,
     .name = "Auth",
     .description =
         "204 for a good access token, with its user in X-Forwarded-User: for auth_request."},
    {.path = "/api/sessions/",
     .method = METHOD_GET,
     .negotiates = true,
     .allow = GET_ONLY,
     .answer = handlers_sessions,
     .name = "Sessions",
     .description = "The live sessions of the user of the access token, newest first."},
    {.path = "/api/sessions/{sid}/",
     .method = METHOD_DELETE,
     .negotiates = true,
     .allow = DELETE_ONLY,
     .answer = handlers_session_end,
     .name = "Session",
     .description = "Ends a session of that user, its access tokens too."},
    {.path = "/api/logout/",
     .method = METHOD_POST,
     .negotiates = true,
     .allow = POST_ONLY,
     .answer = handlers_logout,
     .name = "Logout",
     .description = "Ends the session of the access token in Authorization."},
    {.path = "/api/logout/all/",
     .method = METHOD_POST,
     .negotiates = true,
     .allow = POST_ONLY,
     .answer = handlers_logout_all,
     .name = "Logout All",
     .description = "Ends every session of the user of the access token."},
    {.path = "/.well-known/jwks.json",
     .method = METHOD_GET,
     .allow = GET_ONLY,
     .answer = handlers_keys,
     .name = "Keys",
     .description = "The public keys (RFC 7517) that our tokens are signed with."},
    {.path = "/healthz",
     .method = METHOD_GET,
     .allow = GET_ONLY,
     .answer = handlers_health,
     .name = "Health",
     .description = "Whether tokens can be had now."},
    {.path = "/metrics",
     .method = METHOD_GET,
     .allow = GET_ONLY,
     .answer = handlers_metrics,
     .name = "Metrics",
     .description = "What was counted, for Prometheus; not through a web server."},
};
#define ROUTES (sizeof(routes) / sizeof(routes[0]))
_Static_assert(ROUTES <= METRICS_ROUTES, "each route is counted");

size_t routes_number(const struct route *route)
{
    return route ? (size_t)(route - routes) : METRICS_ROUTES;
}

size_t routes_paths(const char *ret[METRICS_ROUTES])
{
    for (size_t i = 0; i < ROUTES; i++)
        ret[i] = routes[i].path;
    return ROUTES;
}

static bool path_is(struct slice path, const char *want)
{
    size_t n = strlen(want);

    if (slice_is(path, want))
        return true;
    return n > 0 && want[n - 1] == '/' && slice_eq(path, (struct slice){want, n - 1});
}

/* "/api/sessions/{sid}/": 16 bytes in their one spelling stand for {sid}. */
static bool path_names(struct slice path, const char *want, struct slice *ret_sid)
{
    const char *open = strchr(want, '{');
    size_t before = (size_t)(open - want);
    uint8_t bytes[WIRE_SID_BYTES];
    struct slice sid, rest;
    size_t n;

    if (path.n < before + SID_LETTERS || memcmp(path.p, want, before) != 0)
        return false;
    sid = (struct slice){path.p + before, SID_LETTERS};
    rest = (struct slice){sid.p + sid.n, path.n - before - sid.n};
    if (base64url_decode(sid, bytes, sizeof(bytes), &n) != TOK_OK ||
        !path_is(rest, strchr(open, '}') + 1))
        return false;
    *ret_sid = sid;
    return true;
}

static bool is_route(const struct route *route, struct slice path, struct slice *ret_sid)
{
    return strchr(route->path, '{') ? path_names(path, route->path, ret_sid)
                                    : path_is(path, route->path);
}

void routes_find(struct connection *c)
{
    bool sliding = c->server->service.settings.token.sliding_tokens;

    c->route = NULL;
    for (size_t i = 0; i < ROUTES && !c->route; i++)
        if ((sliding || !routes[i].sliding) &&
            is_route(&routes[i], c->request.path, &c->path_sid))
            c->route = &routes[i];
}

static void emit_field(struct emit *out, const struct route_field *field)
{
    const char *type = field->type ? field->type : "string";

    emit_member(out, field->name);
    emit_begin(out);
    emit_member_string(out, "type", slice_of(type));
    emit_member(out, "required");
    emit_text(out, field->optional ? "false" : "true");
    emit_member(out, "read_only");
    emit_text(out, "false");
    emit_member_string(out, "label", slice_of(field->label));
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
    emit_member_string(out, "name", slice_of(route->name));
    emit_member_string(out, "description", slice_of(route->description));
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

    routes_find(c);
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
