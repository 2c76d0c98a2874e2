#include "jwtctl/session_file.h"

#define ROOM_MIN 4096 /* bytes; a block of most file systems */

void session_clear(struct client_session *s)
{
    secret_clear(&s->server);
    secret_clear(&s->name);
    secret_clear(&s->cacert);
    secret_clear(&s->access);
    secret_clear(&s->refresh);
}

/* False when there is such a member, but no string. */
static bool read_member(struct json_object *kept, const char *name, struct secret *ret)
{
    return !json_member(kept, name) || json_member_secret(kept, name, ret);
}

static bool read_members(struct json_object *kept, struct client_session *ret)
{
    return json_member_secret(kept, "server", &ret->server) &&
           read_member(kept, "name", &ret->name) && read_member(kept, "cacert", &ret->cacert) &&
           read_member(kept, "access", &ret->access) &&
           read_member(kept, "refresh", &ret->refresh);
}

enum tok_err session_read(const struct token_cache *c, struct client_session *ret,
                          struct errmsg *errmsg)
{
    CLEANUP(session_clear) struct client_session s = {.in_use = ret->in_use};
    CLEANUP(cleanup_json) struct json_object *kept = NULL;
    CLEANUP(secret_clear) struct secret bytes = {0};
    enum tok_err err;

    err = token_cache_read(c, &bytes, errmsg);
    if (err || !bytes.p)
        return err;
    if (json_read(secret_slice(&bytes), &kept) != TOK_OK || !read_members(kept, &s))
        return errmsg_set(errmsg, TOK_FILE,
                          "%s: expected an object with server, access and refresh; log in "
                          "with: jwtctl login",
                          c->path);
    *ret = s;
    s = (struct client_session){0};
    return TOK_OK;
}

enum tok_err session_reserve(struct token_cache *c, const struct client_session *s,
                             struct errmsg *errmsg)
{
    size_t twice = 2 * (s->server.n + s->cacert.n + s->access.n + s->refresh.n);

    return token_cache_reserve(c, twice > ROOM_MIN ? twice : ROOM_MIN, errmsg);
}

static void add_member(struct json_object *kept, const char *name, const struct secret *value)
{
    if (value->p)
        json_add_string(kept, name, secret_slice(value));
}

enum tok_err session_write(struct token_cache *c, const struct client_session *s,
                           struct errmsg *errmsg)
{
    CLEANUP(cleanup_json) struct json_object *kept = json_new_object();

    json_add_string(kept, "server", secret_slice(&s->server));
    add_member(kept, "name", &s->name);
    add_member(kept, "cacert", &s->cacert);
    add_member(kept, "access", &s->access);
    add_member(kept, "refresh", &s->refresh);
    return token_cache_write(c, json_write(kept), errmsg);
}

enum tok_err session_forget(struct token_cache *c, const struct client_session *s,
                            struct errmsg *errmsg)
{
    const struct client_session rest = {
        .server = s->server, .name = s->name, .cacert = s->cacert};

    if ((s->name.p || s->cacert.p) && session_reserve(c, &rest, errmsg) == TOK_OK &&
        session_write(c, &rest, errmsg) == TOK_OK)
        return TOK_OK;
    return token_cache_remove(c, errmsg);
}
