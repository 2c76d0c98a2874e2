#include "jwtd/http/routes.h"

#include "common/base/base64url.h"
#include "jwtd/http/handlers.h"
#include "jwtd/shared/json_build.h"

#include <stdio.h>

#define SID_LETTERS BASE64URL_LEN(WIRE_SID_BYTES)

static const struct route routes[] = {
    {"/api/token/", METHOD_POST, WIRE_OBTAIN, handlers_login, handlers_tokens,
     .name = "Token Obtain Pair",
     .description =
         "Returns a refresh token and an access token for a Unix user name and password.",
     .fields = {{.name = "username", .label = "Username"},
                {.name = "password", .label = "Password"}}},
    {"/api/token/refresh/", METHOD_POST, WIRE_REFRESH, handlers_token, handlers_tokens,
     .name = "Token Refresh",
     .description = "Returns an access token for a refresh token and, with rotation, the next "
                    "refresh token.",
     .fields = {{.name = "refresh", .label = "Refresh"}}},
    {"/api/token/verify/", METHOD_POST, WIRE_VERIFY, handlers_token, handlers_empty,
     .name = "Token Verify", .description = "Verifies a token of any type.",
     .fields = {{.name = "token", .label = "Token"}}},
    {"/api/token/blacklist/", METHOD_POST, WIRE_BLACKLIST, handlers_token, handlers_empty,
     .name = "Token Blacklist",
     .description = "Revokes the session of a refresh token, with its access tokens.",
     .fields = {{.name = "refresh", .label = "Refresh"}}},
    {"/api/token/sliding/", METHOD_POST, WIRE_SLIDING_OBTAIN, handlers_login, handlers_tokens,
     .name = "Token Obtain Sliding",
     .description = "Returns a sliding token for a Unix user name and password.",
     .fields = {{.name = "username", .label = "Username"},
                {.name = "password", .label = "Password"}},
     .sliding = true},
    {"/api/token/sliding/refresh/", METHOD_POST, WIRE_SLIDING_REFRESH, handlers_token,
     handlers_tokens, .name = "Token Refresh Sliding",
     .description = "Returns the next sliding token, until refresh_exp.",
     .fields = {{.name = "token", .label = "Token"}}, .sliding = true},
    {"/api/token/exchange/", METHOD_POST, WIRE_EXCHANGE, handlers_exchange, handlers_exchanged,
     .name = "Token Exchange",
     .description = "Returns an access token for a token of another issuer (RFC 8693).",
     .fields = {{.name = "grant_type", .label = "Grant type"},
                {.name = "subject_token", .label = "Subject token"},
                {.name = "subject_token_type", .label = "Subject token type"},
                {.name = "scope", .label = "Scope", .optional = true},
                {.name = "audience", .label = "Audience", .type = "field", .optional = true}},
     .exchange = true},
    {"/api/token/narrow/", METHOD_POST, WIRE_NARROW, handlers_narrow, handlers_tokens,
     .bearer = true, .name = "Token Narrow",
     .description = "Returns a restricted copy of the access token in Authorization.",
     .fields = {{.name = "scope", .label = "Scope", .optional = true},
                {.name = "aud", .label = "Aud", .type = "field", .optional = true},
                {.name = "lifetime", .label = "Lifetime", .type = "integer", .optional = true},
                {.name = "one_time", .label = "One time", .type = "boolean", .optional = true},
                {.name = "host_key", .label = "Host key", .optional = true}}},
    {"/api/user/", METHOD_GET, WIRE_WHOAMI, handlers_plain, handlers_user, .bearer = true,
     .name = "User",
     .description = "The user and claims of the access token in Authorization."},
    {"/api/auth/", METHOD_GET, WIRE_WHOAMI, handlers_plain, handlers_auth, .bearer = true,
     .name = "Auth",
     .description = "204 for a valid access token, with its user in X-Forwarded-User (nginx "
                    "auth_request).",
     .any_accept = true},
    {"/api/sessions/", METHOD_GET, WIRE_SESSIONS, handlers_sessions, handlers_page,
     .bearer = true, .name = "Sessions",
     .description = "The sessions of the user of the access token, newest first."},
    {"/api/sessions/{sid}/", METHOD_DELETE, WIRE_SESSION_END, handlers_session_end,
     handlers_no_content, .bearer = true, .name = "Session",
     .description = "Revokes a session of that user, with its access tokens."},
    {"/api/logout/", METHOD_POST, WIRE_LOGOUT, handlers_logout, handlers_empty, .bearer = true,
     .name = "Logout",
     .description = "Revokes the session of the access token in Authorization."},
    {"/api/logout/all/", METHOD_POST, WIRE_LOGOUT_ALL, handlers_logout, handlers_ended,
     .bearer = true, .name = "Logout All",
     .description = "Revokes every session of the user of the access token."},
    {"/.well-known/jwks.json", METHOD_GET, .handler = handlers_keys, .name = "Keys",
     .description = "The public keys (RFC 7517) of the tokens.", .any_accept = true},
    {"/.well-known/jwt-bundle", METHOD_GET, WIRE_BUNDLE, handlers_plain, handlers_bundle,
     .name = "Bundle",
     .description = "Keys and the digest of the revoked sessions, signed, for jwtctl sync.",
     .any_accept = true},
    {"/.well-known/jwt-revoked", METHOD_GET, WIRE_BUNDLE, handlers_list, handlers_revoked,
     .name = "Revoked",
     .description = "The revoked sessions whose tokens may not have expired.",
     .any_accept = true},
    {"/healthz", METHOD_GET, WIRE_PING, handlers_plain, handlers_healthy, .name = "Health",
     .description = "Whether tokens can be issued.", .any_accept = true},
    {"/metrics", METHOD_GET, .handler = handlers_metrics, .name = "Metrics",
     .description = "Counters for Prometheus; not available through a web server.",
     .any_accept = true},
};
#define ROUTES (sizeof(routes) / sizeof(routes[0]))
_Static_assert(ROUTES <= METRICS_ROUTES, "each route has a counter");

const char *routes_allow(const struct route *route)
{
    switch ((int)route->method) {
    case METHOD_GET:
        return "GET, HEAD, OPTIONS";
    case METHOD_DELETE:
        return "DELETE, OPTIONS";
    default:
        return "POST, OPTIONS";
    }
}

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

/* "/api/sessions/{sid}/": {sid} is the base64url text of 16 bytes. */
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
    const struct settings *settings = &c->server->service.settings;
    bool sliding = settings->token.sliding_tokens, exchange = settings_exchange(settings);

    c->route = NULL;
    for (size_t i = 0; i < ROUTES && !c->route; i++)
        if ((sliding || !routes[i].sliding) && (exchange || !routes[i].exchange) &&
            is_route(&routes[i], c->request.path, &c->path_sid))
            c->route = &routes[i];
}

static struct json_object *describe_field(const struct route_field *field)
{
    struct json_object *object = json_object_new_object();

    object =
        json_with(object, "type", json_string(slice_of(field->type ? field->type : "string")));
    object = json_with(object, "required", json_object_new_boolean(!field->optional));
    object = json_with(object, "read_only", json_object_new_boolean(false));
    return json_with(object, "label", json_string(slice_of(field->label)));
}

static struct json_object *describe_fields(const struct route *route)
{
    const struct route_field *end = route->fields + ROUTE_FIELDS;
    struct json_object *post = json_object_new_object();

    for (const struct route_field *field = route->fields; field < end && field->name; field++)
        post = json_with(post, field->name, describe_field(field));
    return json_with(json_object_new_object(), "POST", post);
}

/* As Django REST framework's SimpleMetadata does. */
static enum conn_result answer_options(struct connection *c)
{
    const struct route *route = c->route;
    struct json_object *body = json_object_new_object();

    body = json_with(body, "name", json_string(slice_of(route->name)));
    body = json_with(body, "description", json_string(slice_of(route->description)));
    body = json_with(body, "renders", json_of(SLICE("[\"application/json\"]")));
    body =
        json_with(body, "parses",
                  json_of(SLICE("[\"application/json\",\"application/x-www-form-urlencoded\","
                                "\"multipart/form-data\"]")));
    if (route->fields[0].name)
        body = json_with(body, "actions", describe_fields(route));
    reply_json(&c->reply, 200, body);
    return CONN_REPLY;
}

static enum conn_result refuse_method(struct connection *c)
{
    char detail[64];

    (void)snprintf(detail, sizeof(detail), "Method \"%s\" not allowed.",
                   request_methods[c->request.method]);
    return connection_refuse(c, 405, detail, NULL);
}

enum conn_result routes_dispatch(struct connection *c)
{
    enum request_method method = c->request.method;

    routes_find(c);
    if (!c->route)
        return connection_refuse(c, 404, "Not found.", NULL);
    if (!c->route->any_accept && !c->request.accepts_json)
        return connection_refuse(c, 406, "Could not satisfy the request Accept header.", NULL);
    if (method == METHOD_OPTIONS)
        return answer_options(c);
    if (method == c->route->method || (method == METHOD_HEAD && c->route->method == METHOD_GET))
        return c->route->bearer && !handlers_read_bearer(c) ? CONN_REPLY : c->route->handler(c);
    return refuse_method(c);
}
