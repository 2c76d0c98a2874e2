/*
 * The sessions of a user, by the access token of one of them: list them, end one, end this one,
 * end all.
 */
#include "common/json/json.h"
#include "jwtd/http/handlers.h"
#include "jwtd/shared/json_build.h"

#define LIST_MAX ((size_t)1024 * 1024) /* bytes; the oldest sessions are left out */

/* True for a JSON array without white space around it. */
static bool is_page(struct slice text)
{
    struct scan_value v;

    return scan_document(text, &v, NULL) == TOK_OK && v.type == SCAN_ARRAY &&
           text.p[0] == '[' && text.p[text.n - 1] == ']';
}

/* Appends the elements of one array to another. */
static enum tok_err append_page(struct secret *list, struct slice page)
{
    struct secret longer = {0};
    size_t kept = list->n - 1, comma = list->n > 2 ? 1 : 0;

    if (list->n == 0)
        return secret_copy(page, list);
    if (page.n == 2)
        return TOK_OK;
    if (secret_alloc(kept + comma + page.n - 1, &longer) != TOK_OK)
        return TOK_NO_MEMORY;
    memcpy(longer.p, list->p, kept);
    longer.p[kept] = ',';
    memcpy(longer.p + kept + comma, page.p + 1, page.n - 1);
    secret_clear(list);
    *list = longer;
    return TOK_OK;
}

enum conn_result handlers_page(struct connection *c, const struct wire_message *answer)
{
    struct slice page = answer->v[0].text, next = answer->v[1].text;

    if (!is_page(page) || append_page(&c->list, page) != TOK_OK)
        return connection_unavailable(c);
    if (next.n > 0 && page.n > 2 && c->list.n + page.n <= LIST_MAX)
        return handlers_ask(c, &(union wire_value){.text = next});
    reply_init(&c->reply, 200);
    c->reply.cache = "no-store";
    c->reply.body = c->list;
    c->list = (struct secret){0};
    return CONN_REPLY;
}

enum conn_result handlers_sessions(struct connection *c)
{
    /* Each page needs the token, and the request is wiped after the first. */
    if (secret_copy(c->bearer, &c->token) != TOK_OK)
        return connection_unavailable(c);
    c->bearer = secret_slice(&c->token);
    return handlers_ask(c, &(union wire_value){0});
}

enum conn_result handlers_session_end(struct connection *c)
{
    return handlers_ask(c, &(union wire_value){.text = c->path_sid});
}

enum conn_result handlers_ended(struct connection *c, const struct wire_message *answer)
{
    return handlers_object(c, json_with(json_object_new_object(), "ended",
                                        json_object_new_int64((int64_t)answer->v[0].number)));
}

/* The body has no fields; one that is malformed is refused nevertheless. */
enum conn_result handlers_logout(struct connection *c)
{
    CLEANUP(body_clear) struct body body = {0};

    return handlers_read_body(c, NULL, 0, &body) ? handlers_plain(c) : CONN_REPLY;
}
