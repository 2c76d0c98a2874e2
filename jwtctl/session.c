#include "jwtctl/session.h"

#include "common/token/parsed_token.h"
#include "jwtctl/output.h"

#include <stdio.h>
#include <time.h>

/* The reply of POST /api/token/refresh/ for an account that is locked, expired or removed. */
#define INACTIVE "No active account found for the given token."

static void move_session(struct client_session *from, struct client_session *to)
{
    *to = *from;
    *from = (struct client_session){0};
}

enum tok_err session_token_claims(const struct secret *token, struct json_object **ret)
{
    CLEANUP(parsed_token_clear) struct parsed_token parsed = {0};
    enum tok_err err = token_parse(secret_slice(token), &parsed);

    if (!err)
        err = parsed.split_err ? parsed.split_err : parsed.payload_err;
    return err ? err : json_read(secret_slice(&parsed.payload), ret);
}

enum tok_err session_token_times(const struct secret *token, struct token_times *ret)
{
    CLEANUP(cleanup_json) struct json_object *claims = NULL;
    struct token_times times;
    enum tok_err err = session_token_claims(token, &claims);

    if (err)
        return err;
    if (!json_member_integer(claims, "iat", &times.iat) ||
        !json_member_integer(claims, "exp", &times.exp))
        return TOK_MISSING;
    *ret = times;
    return TOK_OK;
}

enum tok_err session_end_times(const struct client_session *s, struct token_times *ret)
{
    return session_token_times(s->refresh.p ? &s->refresh : &s->access, ret);
}

/* Seconds that the access token is valid for; below 0 when it is not, or cannot be read. */
static int64_t seconds_left(const struct client_session *s)
{
    struct token_times times;

    if (session_token_times(&s->access, &times) != TOK_OK)
        return -1;
    return times.exp - (int64_t)time(NULL);
}

/* err, with this message and how to log in. */
static enum tok_err needs_login(enum tok_err err, const struct client_session *s,
                                const char *what, struct errmsg *errmsg)
{
    return errmsg_set(errmsg, err, "%s; log in with: jwtctl login%s%s", what,
                      s->in_use ? "" : " --server=", s->in_use ? "" : logins_name(s));
}

static bool is_inactive(const struct client_reply *reply)
{
    const char *detail = json_member_text(reply->body, "detail");
    const char *code = json_member_text(reply->body, "code");

    return (code && strcmp(code, "user_inactive") == 0) ||
           (detail && strcmp(detail, INACTIVE) == 0);
}

/* The message for a reply 401. */
static enum tok_err session_refused(const struct client_session *s,
                                    const struct client_reply *reply, struct errmsg *errmsg)
{
    const char *detail = json_member_text(reply->body, "detail");
    struct errmsg what;

    if (is_inactive(reply))
        return errmsg_set(errmsg, TOK_REVOKED,
                          "%s: the account is locked, expired or not allowed to log in (%s)",
                          s->server.p, detail ? detail : "no details");
    (void)errmsg_set(&what, TOK_FILE, "%s: the session is no longer valid (%s)", s->server.p,
                     detail ? detail : "no details");
    return needs_login(TOK_REVOKED, s, what.text, errmsg);
}

enum tok_err session_post(const struct client_session *s, const char *path, struct slice body,
                          struct client_reply *ret, struct errmsg *errmsg)
{
    return client_send(&(struct client_request){.server = s->server.p,
                                                .method = "POST",
                                                .path = path,
                                                .body = body,
                                                .seconds = CLIENT_PAIR_SECONDS,
                                                .cacert = s->cacert.p},
                       ret, errmsg);
}

static enum tok_err post_refresh(const struct client_session *s, const char *path,
                                 struct client_reply *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_json) struct json_object *body = json_new_object();

    json_add_string(body, "refresh", secret_slice(&s->refresh));
    return session_post(s, path, json_write(body), ret, errmsg);
}

static enum tok_err send_as(const struct client_session *s, struct client_request *request,
                            struct client_reply *ret, struct errmsg *errmsg)
{
    request->server = s->server.p;
    request->bearer = s->access.p;
    request->cacert = s->cacert.p;
    return client_send(request, ret, errmsg);
}

enum tok_err session_end(const struct client_session *s, bool *ret_already,
                         struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    struct client_request logout = {.method = "POST", .path = "/api/logout/"};
    enum tok_err err = s->refresh.p ? post_refresh(s, "/api/token/blacklist/", &reply, errmsg)
                                    : send_as(s, &logout, &reply, errmsg);

    if (err)
        return err;
    if (reply.status != 200 && reply.status != 401)
        return client_refused(s->server.p, &reply, errmsg);
    *ret_already = reply.status == 401;
    return TOK_OK;
}

bool session_take_token(const struct client_reply *reply, const char *name, struct secret *ret)
{
    const char *text = json_member_text(reply->body, name);
    struct jws parts;

    return text && jws_split(slice_of(text), &parts) == TOK_OK &&
           json_member_secret(reply->body, name, ret);
}

/* The old refresh token is still in the file, and is answered with the same pair for a while.
 */
static enum tok_err save_refreshed(struct token_cache *c, const struct client_session *s,
                                   struct errmsg *errmsg)
{
    struct errmsg cause, what;

    if (session_write(c, s, &cause) == TOK_OK)
        return TOK_OK;
    (void)errmsg_set(&what, TOK_FILE,
                     "the new tokens cannot be saved: %s; correct this and run the command "
                     "again within RotationGrace (10 s by default), or",
                     cause.text);
    return needs_login(TOK_FILE, s, what.text, errmsg);
}

/* The tokens of an account that is locked can be valid again. */
static enum tok_err take_refreshed(struct token_cache *c, const struct client_reply *reply,
                                   struct client_session *s, struct errmsg *errmsg)
{
    struct errmsg cause;

    if (reply->status == 401) {
        if (!is_inactive(reply) && session_forget(c, s, &cause) != TOK_OK)
            print_error("warning: %s", cause.text);
        return session_refused(s, reply, errmsg);
    }
    if (!session_take_token(reply, "access", &s->access))
        return errmsg_set(errmsg, TOK_FILE, "%s: expected an access token in the reply",
                          s->server.p);
    (void)session_take_token(reply, "refresh", &s->refresh); /* only with rotation */
    return save_refreshed(c, s, errmsg);
}

/* needed: the access token cannot be used. Otherwise an unreachable server and a full disk are
 * no errors. */
static enum tok_err refresh(struct token_cache *c, struct client_session *s, bool needed,
                            struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    enum tok_err err;

    if (!s->refresh.p)
        return needed ? needs_login(TOK_REVOKED, s,
                                    "the access token is no longer valid, and "
                                    "this login cannot be refreshed",
                                    errmsg)
                      : TOK_OK;
    err = session_reserve(c, s, errmsg);
    if (err && !needed)
        print_error("warning: the access token was not refreshed: %s", errmsg->text);
    if (err)
        return needed ? err : TOK_OK;
    err = post_refresh(s, "/api/token/refresh/", &reply, errmsg);
    if (!err && (reply.status == 200 || reply.status == 401))
        return take_refreshed(c, &reply, s, errmsg);
    if (!needed)
        return TOK_OK;
    return err ? err : client_refused(s->server.p, &reply, errmsg);
}

/* Reads the file again, under its lock: meanwhile another process may have refreshed the token,
 * or logged out. refused: an access token that the server refused; NULL: none was. */
static enum tok_err refresh_locked(struct token_cache *c, const struct secret *refused,
                                   struct client_session *s, struct errmsg *errmsg)
{
    CLEANUP(session_clear) struct client_session now = {.in_use = s->in_use};
    enum tok_err err;
    bool again;

    err = token_cache_lock(c, errmsg);
    if (!err)
        err = session_read(c, &now, errmsg);
    if (err)
        return err;
    if (!now.access.p)
        return needs_login(TOK_FILE, s, "not logged in", errmsg);
    again = refused && slice_eq(secret_slice(refused), secret_slice(&now.access));
    if (again || seconds_left(&now) < SESSION_MARGIN)
        err = refresh(c, &now, again || seconds_left(&now) <= 0, errmsg);
    if (err)
        return err;
    session_clear(s);
    move_session(&now, s);
    return TOK_OK;
}

/* *s: the session; without tokens when the user is not logged in there. */
static enum tok_err open_kept(const char *server, struct token_cache *c,
                              struct client_session *s, struct errmsg *errmsg)
{
    CLEANUP(session_clear) struct client_session selected = {0};
    CLEANUP(cleanup_free) char *what = NULL;
    enum tok_err err = logins_open(TOKEN_CACHE_READ, c, errmsg);

    if (!err)
        err = logins_select(c, server, &selected, errmsg);
    s->in_use = selected.in_use;
    if (!err)
        err = session_read(c, s, errmsg);
    if (err || s->access.p)
        return err;
    if (asprintf(&what, "not logged in at %s", selected.server.p) < 0)
        out_of_memory();
    return needs_login(TOK_FILE, s->server.p ? s : &selected, what, errmsg);
}

enum tok_err session_kept(const char *server, struct client_session *ret, struct errmsg *errmsg)
{
    CLEANUP(token_cache_close) struct token_cache c = TOKEN_CACHE_CLOSED;

    return open_kept(server, &c, ret, errmsg);
}

enum tok_err session_get(const char *server, struct client_session *ret, struct errmsg *errmsg)
{
    CLEANUP(token_cache_close) struct token_cache c = TOKEN_CACHE_CLOSED;
    CLEANUP(session_clear) struct client_session s = {0};
    enum tok_err err = open_kept(server, &c, &s, errmsg);

    if (!err && seconds_left(&s) < SESSION_MARGIN)
        err = refresh_locked(&c, NULL, &s, errmsg);
    if (!err)
        move_session(&s, ret);
    return err;
}

/* The server refused an access token that is valid here: the clocks differ, or the session was
 * revoked, which the refresh token shows. */
static enum tok_err renew(const struct client_session *s, struct client_session *ret,
                          struct errmsg *errmsg)
{
    CLEANUP(token_cache_close) struct token_cache c = TOKEN_CACHE_CLOSED;
    enum tok_err err = open_kept(s->server.p, &c, ret, errmsg);

    return err ? err : refresh_locked(&c, &s->access, ret, errmsg);
}

enum tok_err session_send(const struct client_session *s, struct client_request request,
                          struct client_reply *ret, struct errmsg *errmsg)
{
    CLEANUP(session_clear) struct client_session renewed = {0};
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    enum tok_err err = send_as(s, &request, &reply, errmsg);
    bool gone;

    if (!err && reply.status == 401 && !is_inactive(&reply)) {
        client_reply_clear(&reply);
        err = renew(s, &renewed, errmsg);
        if (!err)
            err = send_as(&renewed, &request, &reply, errmsg);
    }
    if (err)
        return err;
    gone = reply.status == 404 && strcmp(request.method, "DELETE") == 0;
    if (reply.status == 404 && !gone)
        return errmsg_set(
            errmsg, TOK_FILE,
            "%s: no such path: %s (404); the server is not jwtd, or an older release",
            s->server.p, request.path);
    if (reply.status == 401 && is_inactive(&reply))
        return session_refused(s, &reply, errmsg);
    if ((reply.status < 200 || reply.status > 299) && !gone)
        return client_refused(s->server.p, &reply, errmsg);
    *ret = reply;
    reply = (struct client_reply){0};
    return TOK_OK;
}
