#include "jwtd/http/handlers.h"

#include "common/base/text.h"
#include "jwtd/http/field.h"
#include "jwtd/http/outcome.h"
#include "jwtd/http/route.h"
#include "jwtd/shared/json_build.h"

#include <stdio.h>

static void refuse_fields(struct connection *c, const struct body_field *fields, size_t n)
{
    struct json_object *object = outcome_error(c, "invalid_request");

    for (size_t i = 0; i < n; i++) {
        char code[16] = "", text[96];

        if (fields[i].error == BODY_OK)
            continue;
        if (fields[i].error == BODY_SURROGATE)
            (void)snprintf(code, sizeof(code), "%X.", fields[i].surrogate);
        (void)snprintf(text, sizeof(text), "%s%s", body_error_text(fields[i].error), code);
        object = outcome_with_error(object, fields[i].name, text);
    }
    reply_json(&c->reply, 400, object);
}

static void refuse_type(struct connection *c, const char *type)
{
    char text[96] = "No data provided";

    if (type)
        (void)snprintf(text, sizeof(text), "Invalid data. Expected a dictionary, but got %s.",
                       type);
    reply_json(
        &c->reply, 400,
        outcome_with_error(outcome_error(c, "invalid_request"), "non_field_errors", text));
}

static void refuse_syntax(struct connection *c, const struct body *body)
{
    char detail[256];

    (void)snprintf(detail, sizeof(detail), "%s parse error - %s: char %zu", body->format,
                   body->what ? body->what : "not well formed", body->at);
    reply_json(&c->reply, 400,
               json_with(outcome_error(c, "invalid_request"), "detail",
                         json_string(slice_of(detail))));
}

bool handlers_read_body(struct connection *c, struct body_field *fields, size_t n,
                        struct body *ret)
{
    switch (body_read(c->request.content_type, c->request.body, fields, n, ret)) {
    case BODY_GOOD:
        return true;
    case BODY_BAD_FIELDS:
        refuse_fields(c, fields, n);
        break;
    case BODY_NO_OBJECT:
        refuse_type(c, ret->type);
        break;
    case BODY_UNPARSED:
        refuse_syntax(c, ret);
        break;
    case BODY_UNSUPPORTED:
        (void)outcome_media_type(c);
        break;
    case BODY_NO_MEMORY:
        (void)connection_unavailable(c);
        break;
    }
    return false;
}

static bool is_scheme(word_list schemes, struct slice word)
{
    for (size_t i = 0; schemes[i]; i++)
        if (field_is(word, schemes[i]))
            return true;
    return false;
}

bool handlers_read_bearer(struct connection *c)
{
    struct slice rest = c->request.authorization, word, token, more;

    /* Another scheme, or nothing, counts as no credentials. */
    if (!rest.p || !text_next_word(&rest, ' ', &word) ||
        !is_scheme(c->server->service.settings.http.auth_header_types, word)) {
        (void)connection_refuse(c, 401, "Authentication credentials were not provided.", NULL);
        return false;
    }
    if (!text_next_word(&rest, ' ', &token) || text_next_word(&rest, ' ', &more)) {
        (void)connection_refuse(c, 401,
                                "Authorization header must contain two space-delimited values",
                                "bad_authorization_header");
        return false;
    }
    if (token.n > WIRE_TOKEN_MAX) {
        (void)outcome_status(c, WIRE_INVALID);
        return false;
    }
    c->bearer = token;
    return true;
}

enum conn_result handlers_tokens(struct connection *c, const struct wire_message *answer)
{
    const struct wire_field *fields = answer->request->answer;

    reply_tokens(&c->reply, fields[0].name, answer->v[0].text, fields[1].name,
                 answer->v[1].text);
    return CONN_REPLY;
}

enum conn_result handlers_empty(struct connection *c, const struct wire_message *answer)
{
    return handlers_object(c, json_object_new_object());
}

enum conn_result handlers_no_content(struct connection *c, const struct wire_message *answer)
{
    reply_init(&c->reply, 204);
    return CONN_REPLY;
}

/* What the client says that it is; shown in the list of sessions. */
static struct slice client_of(const struct connection *c)
{
    struct slice text = c->request.user_agent;

    if (text.n > WIRE_CLIENT_MAX)
        text.n = WIRE_CLIENT_MAX;
    return text;
}

enum conn_result handlers_ask(struct connection *c, const union wire_value *values)
{
    const struct wire_request *request = wire_find(c->route->op);
    union wire_value all[WIRE_FIELDS_MAX];
    char source[SOURCE_TEXT];
    int r = c->issuer = wire_connect(c->server->issuer);

    source_text(&c->source, source);
    for (size_t i = 0; i < request->n_fields; i++) {
        if (i == 0 && c->route->bearer)
            all[i].text = c->bearer;
        else if (strcmp(request->fields[i].name, "source") == 0)
            all[i].text = slice_of(source);
        else if (strcmp(request->fields[i].name, "client") == 0)
            all[i].text = client_of(c);
        else
            all[i] = *values++;
    }
    if (r >= 0)
        r = wire_send_request(c->issuer, c->route->op, all);
    if (r >= 0)
        return CONN_ASKED;
    connection_close_issuer(c);
    return connection_no_answer(c, strerrordesc_np(-r));
}

enum conn_result handlers_plain(struct connection *c)
{
    return handlers_ask(c, &(union wire_value){0}); /* not read */
}

enum conn_result handlers_object(struct connection *c, struct json_object *object)
{
    reply_json(&c->reply, 200, object);
    c->reply.cache = "no-store";
    return CONN_REPLY;
}
