/*
 * A person's sessions, by an access token of one of them: list, end one, end this one, end all.
 */
#include "common/json/json.h"
#include "jwtd/http/bearer.h"
#include "jwtd/http/fields.h"
#include "jwtd/http/handlers.h"

#include <string.h>

#define LIST_MAX                                                                               \
    ((size_t)1024 * 1024) /* bytes of a list; more are the oldest, and not told                \
                           */
#define COUNT_ROOM 64

/* The list */

/* Adds the elements of a page to what came before. */
static enum tok_err append_page(struct secret *list, struct slice page)
{
    struct secret longer = {0};
    size_t n = page.n - 2, comma = list->n > 0 && n > 0 ? 1 : 0;
    enum tok_err err = secret_alloc(list->n + comma + n, &longer);

    if (err != TOK_OK)
        return err;
    if (list->n > 0)
        memcpy(longer.p, list->p, list->n);
    if (comma > 0)
        longer.p[list->n] = ',';
    memcpy(longer.p + list->n + comma, page.p + 1, n);
    secret_clear(list);
    *list = longer;
    return TOK_OK;
}

/* A page is one JSON array without blanks around it, or the answer is none of jwtd-issuer's. */
static bool is_page(struct slice text)
{
    struct scan_value v;

    return scan_document(text, &v, NULL) == TOK_OK && v.type == SCAN_ARRAY &&
           text.p[0] == '[' && text.p[text.n - 1] == ']';
}

static void reply_list(struct connection *c)
{
    struct reply reply;

    reply_begin(&reply, 200, c->list.n + 2);
    reply.cache = "no-store";
    emit_text(&reply.body, "[");
    emit_bytes(&reply.body, secret_slice(&c->list));
    emit_text(&reply.body, "]");
    connection_reply(c, &reply);
}

static void ask_page(struct connection *c, struct slice after);

static void on_page(struct connection *c, const struct wire_message *answer)
{
    struct slice page = answer->v[0].text, next = answer->v[1].text;

    if (answer->status != WIRE_OK)
        bearer_refuse(c, answer);
    else if (!is_page(page) || append_page(&c->list, page) != TOK_OK)
        connection_unavailable(c);
    else if (next.n > 0 && page.n > 2 && c->list.n + page.n <= LIST_MAX)
        ask_page(c, next);
    else
        reply_list(c);
}

static void ask_page(struct connection *c, struct slice after)
{
    connection_ask(
        c, WIRE_SESSIONS,
        (const union wire_value[]){{.text = secret_slice(&c->token)}, {.text = after}},
        on_page);
}

void handlers_sessions(struct connection *c)
{
    struct slice token;

    if (!bearer_read(c, &token))
        return;
    /* It is shown again for each further page, when the request is long gone. */
    if (secret_copy(token, &c->token) == TOK_OK)
        ask_page(c, (struct slice){0});
    else
        connection_unavailable(c);
}

/* Ending */

static void on_ended(struct connection *c, const struct wire_message *answer)
{
    struct reply reply;

    if (answer->status != WIRE_OK) {
        bearer_refuse(c, answer);
        return;
    }
    reply_begin(&reply, 204, 0);
    connection_reply(c, &reply);
}

void handlers_session_end(struct connection *c)
{
    char source[SOURCE_TEXT];
    struct slice token;

    if (!bearer_read(c, &token))
        return;
    source_text(&c->source, source);
    connection_ask(c, WIRE_SESSION_END,
                   (const union wire_value[]){
                       {.text = token}, {.text = c->path_sid}, {.text = slice_of(source)}},
                   on_ended);
}

static void on_logged_out(struct connection *c, const struct wire_message *answer)
{
    if (answer->status == WIRE_OK)
        handlers_nothing(c);
    else
        bearer_refuse(c, answer);
}

static void on_all_ended(struct connection *c, const struct wire_message *answer)
{
    struct reply reply;

    if (answer->status != WIRE_OK) {
        bearer_refuse(c, answer);
        return;
    }
    reply_begin(&reply, 200, COUNT_ROOM);
    reply.cache = "no-store";
    emit_begin(&reply.body);
    emit_member(&reply.body, "ended");
    emit_integer(&reply.body, (int64_t)answer->v[0].number);
    emit_end(&reply.body);
    connection_reply(c, &reply);
}

/* A body says nothing here; what could not be read as one is refused all the same. */
static void end_by_token(struct connection *c, enum wire_op op,
                         void (*done)(struct connection *c, const struct wire_message *answer))
{
    CLEANUP(body_clear) struct body body = {0};
    char source[SOURCE_TEXT];
    struct slice token;

    if (!bearer_read(c, &token) || !fields_read(c, NULL, 0, &body))
        return;
    source_text(&c->source, source);
    connection_ask(
        c, op, (const union wire_value[]){{.text = token}, {.text = slice_of(source)}}, done);
}

void handlers_logout(struct connection *c)
{
    end_by_token(c, WIRE_LOGOUT, on_logged_out);
}

void handlers_logout_all(struct connection *c)
{
    end_by_token(c, WIRE_LOGOUT_ALL, on_all_ended);
}
