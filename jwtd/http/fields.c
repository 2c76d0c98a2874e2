#include "jwtd/http/fields.h"

#include "jwtd/http/routes.h"

#include <stdio.h>
#include <string.h>

#define FIELD_FAULTS_MAX 1024

static void emit_field_faults(struct emit *out, const struct body_field *fields, size_t n)
{
    char text[96];

    for (size_t i = 0; i < n; i++) {
        if (fields[i].error == BODY_FINE)
            continue;
        (void)snprintf(text, sizeof(text), "%s", body_error_text(fields[i].error));
        if (fields[i].error == BODY_SURROGATE)
            (void)snprintf(text, sizeof(text), "Surrogate characters are not allowed: U+%X.",
                           fields[i].surrogate);
        emit_member(out, fields[i].name);
        emit_text(out, "[");
        emit_string(out, slice_of(text));
        emit_text(out, "]");
    }
}

static void emit_no_object(struct emit *out, const char *type)
{
    char text[96] = "No data provided";

    if (type)
        (void)snprintf(text, sizeof(text), "Invalid data. Expected a dictionary, but got %s.",
                       type);
    emit_member(out, "non_field_errors");
    emit_text(out, "[");
    emit_string(out, slice_of(text));
    emit_text(out, "]");
}

static void refuse_unparsed(struct connection *c, const struct body *body)
{
    char detail[256];

    (void)snprintf(detail, sizeof(detail), "%s parse error - %s: char %zu", body->format,
                   body->what ? body->what : "not well formed", body->at);
    connection_refuse(c, 400, detail, NULL);
}

static void refuse_body(struct connection *c, const struct body *body,
                        const struct body_field *fields, size_t n)
{
    struct reply reply;

    switch (body->verdict) {
    case BODY_UNPARSED:
        refuse_unparsed(c, body);
        return;
    case BODY_UNSUPPORTED:
        routes_media_type(&reply, c->request.content_type);
        connection_reply(c, &reply);
        return;
    case BODY_NO_MEMORY:
        connection_unavailable(c);
        return;
    case BODY_GOOD:
    case BODY_BAD_FIELDS:
    case BODY_NO_OBJECT:
        break;
    }
    reply_begin(&reply, 400, FIELD_FAULTS_MAX);
    emit_begin(&reply.body);
    if (body->verdict == BODY_NO_OBJECT)
        emit_no_object(&reply.body, body->type);
    else
        emit_field_faults(&reply.body, fields, n);
    emit_end(&reply.body);
    connection_reply(c, &reply);
}

bool fields_read(struct connection *c, struct body_field *fields, size_t n, struct body *ret)
{
    if (body_read(c->request.content_type, c->request.body, fields, n, ret) == BODY_GOOD)
        return true;
    refuse_body(c, ret, fields, n);
    return false;
}
