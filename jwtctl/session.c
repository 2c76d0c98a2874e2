#include "jwtctl/session.h"

#include "common/token/parsed_token.h"
#include "jwtctl/output.h"

#include <time.h>

#define LOG_IN "log in with: jwtctl login"
#define ROOM_MIN 4096 /* bytes; a block of most file systems */

void session_clear(struct client_session *s)
{
    secret_clear(&s->server);
    secret_clear(&s->access);
    secret_clear(&s->refresh);
}

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

enum tok_err session_read(const struct token_cache *c, struct client_session *ret,
                          struct errmsg *errmsg)
{
    CLEANUP(session_clear) struct client_session s = {0};
    CLEANUP(cleanup_json) struct json_object *kept = NULL;
    CLEANUP(secret_clear) struct secret bytes = {0};
    enum tok_err err;

    err = token_cache_read(c, &bytes, errmsg);
    if (err || !bytes.p)
        return err;
    if (json_read(secret_slice(&bytes), &kept) != TOK_OK ||
        !json_member_secret(kept, "server", &s.server) ||
        !json_member_secret(kept, "access", &s.access) ||
        !json_member_secret(kept, "refresh", &s.refresh))
        return errmsg_set(errmsg, TOK_FILE,
                          "%s: expected an object with server, access and refresh; " LOG_IN,
                          c->path);
    move_session(&s, ret);
    return TOK_OK;
}

enum tok_err session_reserve(struct token_cache *c, const struct client_session *s,
                             struct errmsg *errmsg)
{
    size_t twice = 2 * (s->server.n + s->access.n + s->refresh.n);

    return token_cache_reserve(c, twice > ROOM_MIN ? twice : ROOM_MIN, errmsg);
}

enum tok_err session_write(struct token_cache *c, const struct client_session *s,
                           struct errmsg *errmsg)
{
    CLEANUP(cleanup_json) struct json_object *kept = json_new_object();

    json_add_string(kept, "server", secret_slice(&s->server));
    json_add_string(kept, "access", secret_slice(&s->access));
    json_add_string(kept, "refresh", secret_slice(&s->refresh));
    return token_cache_write(c, json_write(kept), errmsg);
}

/* Seconds that the access token is valid for; below 0 when it is not, or cannot be read. */
static int64_t seconds_left(const struct client_session *s)
{
    struct token_times times;

    if (session_token_times(&s->access, &times) != TOK_OK)
        return -1;
    return times.exp - (int64_t)time(NULL);
}

static enum tok_err session_invalid(const struct client_reply *reply, struct errmsg *errmsg)
{
    const char *detail = json_member_text(reply->body, "detail");

    return errmsg_set(errmsg, TOK_FILE, "the session is no longer valid (%s); " LOG_IN,
                      detail ? detail : "no details");
}

enum tok_err session_post_refresh(const struct client_session *s, const char *path,
                                  struct client_reply *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_json) struct json_object *body = json_new_object();

    json_add_string(body, "refresh", secret_slice(&s->refresh));
    return client_send(&(struct client_request){.server = s->server.p,
                                                .method = "POST",
                                                .path = path,
                                                .body = json_write(body),
                                                .seconds = CLIENT_PAIR_SECONDS},
                       ret, errmsg);
}

enum tok_err session_send(const struct client_session *s, struct client_request request,
                          struct client_reply *ret, struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    enum tok_err err;

    request.server = s->server.p;
    request.bearer = s->access.p;
    err = client_send(&request, &reply, errmsg);
    if (err)
        return err;
    if (reply.status == 404)
        return errmsg_set(
            errmsg, TOK_FILE,
            "%s: no such path: %s (404); the server is not jwtd, or an older release",
            s->server.p, request.path);
    if (reply.status == 401)
        return session_invalid(&reply, errmsg);
    if (reply.status < 200 || reply.status > 299)
        return client_refused(s->server.p, &reply, errmsg);
    *ret = reply;
    reply = (struct client_reply){0};
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
    struct errmsg cause;
    enum tok_err err = session_write(c, s, &cause);

    return err ? errmsg_set(errmsg, err,
                            "the new tokens cannot be saved: %s; correct this and run the "
                            "command again within RotationGrace (10 s by default), or " LOG_IN,
                            cause.text)
               : err;
}

/* When the session is no longer valid, *s is empty and the tokens are removed. */
static enum tok_err take_refreshed(struct token_cache *c, const struct client_reply *reply,
                                   struct client_session *s, struct errmsg *errmsg)
{
    if (reply->status == 401) {
        enum tok_err err = token_cache_remove(c, errmsg);

        session_clear(s);
        return err ? err : session_invalid(reply, errmsg);
    }
    if (!session_take_token(reply, "access", &s->access))
        return errmsg_set(errmsg, TOK_FILE, "%s: expected an access token in the reply",
                          s->server.p);
    (void)session_take_token(reply, "refresh", &s->refresh); /* only with rotation */
    return save_refreshed(c, s, errmsg);
}

/* An unreachable server and a full disk are no errors while the access token is valid. */
static enum tok_err refresh(struct token_cache *c, struct client_session *s,
                            struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    bool valid = seconds_left(s) > 0;
    enum tok_err err = session_reserve(c, s, errmsg);

    if (err && valid)
        print_error("warning: the access token was not refreshed: %s", errmsg->text);
    if (err)
        return valid ? TOK_OK : err;
    err = session_post_refresh(s, "/api/token/refresh/", &reply, errmsg);
    if (!err && (reply.status == 200 || reply.status == 401))
        return take_refreshed(c, &reply, s, errmsg);
    if (valid)
        return TOK_OK;
    return err ? err : client_refused(s->server.p, &reply, errmsg);
}

static enum tok_err no_session(struct errmsg *errmsg)
{
    return errmsg_set(errmsg, TOK_FILE, "not logged in; " LOG_IN);
}

/* Reads again under the lock: meanwhile another process may have refreshed the token, or logged
 * out. */
static enum tok_err refresh_locked(struct token_cache *c, struct client_session *s,
                                   struct errmsg *errmsg)
{
    enum tok_err err;

    err = token_cache_lock(c, errmsg);
    if (err)
        return err;
    session_clear(s);
    err = session_read(c, s, errmsg);
    if (err)
        return err;
    if (!s->server.p)
        return no_session(errmsg);
    return seconds_left(s) >= SESSION_MARGIN ? TOK_OK : refresh(c, s, errmsg);
}

static enum tok_err open_kept(struct token_cache *c, struct client_session *s,
                              struct errmsg *errmsg)
{
    enum tok_err err = token_cache_open(TOKEN_CACHE_READ, c, errmsg);

    if (!err)
        err = session_read(c, s, errmsg);
    return err || s->server.p ? err : no_session(errmsg);
}

enum tok_err session_kept(struct client_session *ret, struct errmsg *errmsg)
{
    CLEANUP(token_cache_close) struct token_cache c = TOKEN_CACHE_CLOSED;

    return open_kept(&c, ret, errmsg);
}

enum tok_err session_get(struct client_session *ret, struct errmsg *errmsg)
{
    CLEANUP(token_cache_close) struct token_cache c = TOKEN_CACHE_CLOSED;
    CLEANUP(session_clear) struct client_session s = {0};
    enum tok_err err = open_kept(&c, &s, errmsg);

    if (!err && seconds_left(&s) < SESSION_MARGIN)
        err = refresh_locked(&c, &s, errmsg);
    if (!err)
        move_session(&s, ret);
    return err;
}
