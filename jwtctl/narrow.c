#include "jwtctl/narrow.h"

#include "common/base/cleanup.h"

#include <string.h>

static void put_member(struct text *body, const char *name, const char *value)
{
    text_puts(body, body->n > 1 ? ",\"" : "\"");
    text_puts(body, name);
    text_puts(body, "\":");
    if (value)
        text_json(body, slice_of(value));
}

enum tok_err narrow_token(const struct session *s, const struct narrow *n, struct secret *ret,
                          struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(text_clear) struct text body = {0};
    enum tok_err err;

    text_puts(&body, "{");
    if (n->scope && n->scope[0])
        put_member(&body, "scope", n->scope);
    if (n->audience)
        put_member(&body, "aud", n->audience);
    if (n->lifetime > 0) {
        put_member(&body, "lifetime", NULL);
        text_json_int(&body, n->lifetime);
    }
    if (n->one_time) {
        put_member(&body, "one_time", NULL);
        text_puts(&body, "true");
    }
    text_puts(&body, "}");
    err = session_ask(s, "POST", "/api/token/narrow/", &body, &reply, errmsg);
    if (!err && text_member(text_slice(&reply.body), "access", ret) != TOK_OK)
        err = errmsg_set(errmsg, TOK_FILE, "%s: the reply holds no access token", s->server.p);
    return err;
}

/* The name as DNS compares it: in lower case, without the root's dot. */
static bool is_host(struct slice name, const char *host)
{
    size_t n = strlen(host);

    if (n > 1 && host[n - 1] == '.')
        n--;
    return name.n == n && strncasecmp(name.p, host, n) == 0;
}

static void list_name(struct text *list, struct slice name)
{
    if (list->n > 0)
        text_puts(list, ", ");
    text_plain(list, name);
}

/* Looks at each name of aud, a string or an array of strings; *ret is the host's, or the last.
 */
static void find_name(const struct scan_value *aud, const char *host, struct slice *ret,
                      size_t *ret_n, bool *ret_found, struct text *list)
{
    struct scan_value v = *aud;
    size_t pos = 0;

    for (*ret_n = 0; aud->type != SCAN_ARRAY || scan_next_element(*aud, &pos, &v);) {
        struct slice name = scan_string_raw(v);

        if (!*ret_found)
            *ret = name;
        *ret_found = *ret_found || (host && is_host(name, host));
        list_name(list, name);
        (*ret_n)++;
        if (aud->type != SCAN_ARRAY)
            break;
    }
}

enum tok_err narrow_audience(const struct session *s, const char *host, struct secret *ret,
                             struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret payload = {0};
    CLEANUP(text_clear) struct text list = {0};
    struct claims claims;
    struct slice name = {0};
    bool found = false;
    size_t n;

    if (session_token_claims(secret_slice(&s->access), &payload, &claims) != TOK_OK ||
        claims_audiences(&claims) == 0)
        return errmsg_set(errmsg, TOK_AUDIENCE, "the session's token is for no host");
    find_name(claims.aud, host, &name, &n, &found, &list);
    if (found || n == 1)
        return secret_copy(name, ret);
    text_add(&list, (struct slice){"", 1});
    if (text_err(&list))
        return errmsg_set(errmsg, TOK_NO_MEMORY, "out of memory");
    return host ? errmsg_set(errmsg, TOK_AUDIENCE,
                             "the session is not for the host %s; it is for: %s", host,
                             list.room.p)
                : errmsg_set(errmsg, TOK_AUDIENCE,
                             "say for which host the token is; the session is for: %s",
                             list.room.p);
}
