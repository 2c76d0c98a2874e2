#include "jwtctl/session.h"

#include "common/base/base64url.h"
#include "common/base/cleanup.h"
#include "common/jose/jws.h"
#include "common/token/claims.h"
#include "jwtctl/client.h"

#include <time.h>

#define LOG_IN "log in with: jwtctl login"

static const struct claims_names any_names = {"sub", "token_type", "jti"};

void session_clear(struct session *s)
{
    secret_clear(&s->server);
    secret_clear(&s->access);
    secret_clear(&s->refresh);
    *s = (struct session){0};
}

enum tok_err session_token_claims(struct slice token, struct secret *payload,
                                  struct claims *ret)
{
    struct jws jws;
    size_t n;
    enum tok_err err;

    err = jws_split(token, &jws);
    if (!err)
        err = secret_alloc(BASE64URL_BYTES(jws.payload.n), payload);
    if (!err)
        err = base64url_decode(jws.payload, payload->p, payload->n, &n);
    return err ? err : claims_read((struct slice){payload->p, n}, &any_names, ret);
}

enum tok_err session_token_times(struct slice token, int64_t *ret_iat, int64_t *ret_exp)
{
    CLEANUP(secret_clear) struct secret payload = {0};
    struct claims claims;
    enum tok_err err = session_token_claims(token, &payload, &claims);

    if (err)
        return err;
    if (!claims.has_exp || !claims.has_iat)
        return TOK_MISSING;
    *ret_iat = claims.iat;
    *ret_exp = claims.exp;
    return TOK_OK;
}

static enum tok_err parse(struct slice bytes, struct session *s)
{
    enum tok_err err;

    err = text_member(bytes, "server", &s->server);
    if (!err)
        err = text_member(bytes, "access", &s->access);
    if (!err)
        err = text_member(bytes, "refresh", &s->refresh);
    return err;
}

enum tok_err session_read(const struct cache *c, struct session *ret, struct errmsg *errmsg)
{
    CLEANUP(session_clear) struct session s = {0};
    CLEANUP(secret_clear) struct secret bytes = {0};
    enum tok_err err;

    err = cache_read(c, &bytes, errmsg);
    if (err)
        return err;
    if (bytes.p && parse(secret_slice(&bytes), &s) != TOK_OK)
        return errmsg_set(errmsg, TOK_FILE, "%s is damaged; " LOG_IN, c->path);
    *ret = s;
    s = (struct session){0};
    return TOK_OK;
}

enum tok_err session_write(const struct cache *c, const struct session *s,
                           struct errmsg *errmsg)
{
    CLEANUP(text_clear) struct text text = {0};

    text_puts(&text, "{\"server\":");
    text_json(&text, secret_slice(&s->server));
    text_puts(&text, ",\"access\":");
    text_json(&text, secret_slice(&s->access));
    text_puts(&text, ",\"refresh\":");
    text_json(&text, secret_slice(&s->refresh));
    text_puts(&text, "}\n");
    if (text_err(&text))
        return errmsg_set(errmsg, TOK_NO_MEMORY, "out of memory");
    return cache_write(c, text_slice(&text), errmsg);
}

/* Seconds that the access token still holds; below 0 when that can't be said. */
static int64_t seconds_left(const struct session *s)
{
    int64_t iat, exp;

    if (session_token_times(secret_slice(&s->access), &iat, &exp) != TOK_OK)
        return -1;
    return exp - (int64_t)time(NULL);
}

/* Rotation gives a new refresh token too; without rotation the old one stays. */
static enum tok_err take_reply(struct session *s, const struct client_reply *reply,
                               struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret access = {0};
    CLEANUP(secret_clear) struct secret refresh = {0};

    if (text_member(text_slice(&reply->body), "access", &access) != TOK_OK)
        return errmsg_set(errmsg, TOK_FILE, "%s: the reply holds no access token", s->server.p);
    if (text_member(text_slice(&reply->body), "refresh", &refresh) == TOK_OK) {
        secret_clear(&s->refresh);
        s->refresh = refresh;
        refresh = (struct secret){0};
    }
    secret_clear(&s->access);
    s->access = access;
    access = (struct secret){0};
    return TOK_OK;
}

/* Nothing is kept that is of no use; *s is empty then. */
static enum tok_err session_over(const struct cache *c, struct session *s,
                                 const struct client_reply *reply, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret detail = {0};
    enum tok_err err;

    session_clear(s);
    err = cache_remove(c, errmsg);
    if (err)
        return err;
    if (text_member(text_slice(&reply->body), "detail", &detail) != TOK_OK)
        return errmsg_set(errmsg, TOK_FILE, "the session is over; " LOG_IN);
    return errmsg_set(errmsg, TOK_FILE, "the session is over (%s); " LOG_IN, detail.p);
}

enum tok_err session_post(const struct session *s, const char *path, struct client_reply *ret,
                          struct errmsg *errmsg)
{
    CLEANUP(text_clear) struct text body = {0};

    text_puts(&body, "{\"refresh\":");
    text_json(&body, secret_slice(&s->refresh));
    text_puts(&body, "}");
    return client_ask(s->server.p,
                      &(struct client_request){.method = "POST", .path = path, .body = &body},
                      ret, errmsg);
}

enum tok_err session_ask(const struct session *s, const char *method, const char *path,
                         const struct text *body, struct client_reply *ret,
                         struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(secret_clear) struct secret detail = {0};
    enum tok_err err =
        client_ask(s->server.p,
                   &(struct client_request){
                       .method = method, .path = path, .body = body, .bearer = &s->access},
                   &reply, errmsg);

    if (err)
        return err;
    if (reply.status == 404)
        return errmsg_set(errmsg, TOK_FILE, "%s has no %s: it is no jwtd, or an older one",
                          s->server.p, path);
    if (reply.status == 401)
        return text_member(text_slice(&reply.body), "detail", &detail) == TOK_OK
                   ? errmsg_set(errmsg, TOK_FILE, "the session is over (%s); " LOG_IN, detail.p)
                   : errmsg_set(errmsg, TOK_FILE, "the session is over; " LOG_IN);
    if (reply.status < 200 || reply.status > 299)
        return client_refused(s->server.p, &reply, errmsg);
    *ret = reply;
    reply = (struct client_reply){0};
    return TOK_OK;
}

static enum tok_err exchange(const struct cache *c, struct session *s, struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    enum tok_err err = session_post(s, "/api/token/refresh/", &reply, errmsg);

    if (err)
        return err;
    if (reply.status == 401)
        return session_over(c, s, &reply, errmsg);
    if (reply.status != 200)
        return client_refused(s->server.p, &reply, errmsg);
    err = take_reply(s, &reply, errmsg);
    if (err)
        return err;
    return session_write(c, s, errmsg);
}

static enum tok_err none(struct errmsg *errmsg)
{
    return errmsg_set(errmsg, TOK_FILE, "nobody is logged in here; " LOG_IN);
}

/* The lock is held from the second look on: another process may have exchanged the token
 * meanwhile, or logged out. */
static enum tok_err exchange_once(struct cache *c, struct session *s, struct errmsg *errmsg)
{
    enum tok_err err;

    err = cache_lock(c, errmsg);
    if (err)
        return err;
    session_clear(s);
    err = session_read(c, s, errmsg);
    if (err)
        return err;
    if (!s->server.p)
        return none(errmsg);
    if (seconds_left(s) >= SESSION_MARGIN)
        return TOK_OK;
    err = exchange(c, s, errmsg);
    return err && s->server.p && seconds_left(s) > 0 ? TOK_OK : err;
}

/* Opens the cache and reads the session that must be there. */
static enum tok_err open_kept(struct cache *c, struct session *s, struct errmsg *errmsg)
{
    enum tok_err err = cache_open(CACHE_LOOK, c, errmsg);

    if (!err)
        err = session_read(c, s, errmsg);
    return err || s->server.p ? err : none(errmsg);
}

enum tok_err session_kept(struct session *ret, struct errmsg *errmsg)
{
    CLEANUP(cache_close) struct cache c = {.dir = -1};

    return open_kept(&c, ret, errmsg);
}

enum tok_err session_get(struct session *ret, struct errmsg *errmsg)
{
    CLEANUP(cache_close) struct cache c = {.dir = -1};
    CLEANUP(session_clear) struct session s = {0};
    enum tok_err err = open_kept(&c, &s, errmsg);

    if (!err && seconds_left(&s) < SESSION_MARGIN)
        err = exchange_once(&c, &s, errmsg);
    if (err)
        return err;
    *ret = s;
    s = (struct session){0};
    return TOK_OK;
}
