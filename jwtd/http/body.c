#include "jwtd/http/body.h"

#include "common/json/json.h"
#include "jwtd/http/field.h"
#include "jwtd/http/form.h"

#include <string.h>

static struct body_field *find_field(struct body_field *fields, size_t n, struct slice name)
{
    for (size_t i = 0; i < n; i++)
        if (slice_is(name, fields[i].name))
            return &fields[i];
    return NULL;
}

static enum body_verdict verdict_of(const struct body_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fields[i].error != BODY_OK)
            return BODY_BAD_FIELDS;
    return BODY_GOOD;
}

static enum body_verdict unparsed(struct body *body, const char *format, const char *what,
                                  size_t at)
{
    body->format = format;
    body->what = what;
    body->at = at;
    return BODY_UNPARSED;
}

/* The scan ended at the error, so nothing is known about the other fields. */
static enum body_verdict json_fault(const struct scan_fault *fault, struct body_field *fields,
                                    size_t n, struct body *body)
{
    struct scan_value name = {.text = fault->member, .type = SCAN_STRING};

    name.escaped = name.text.n > 0 && memchr(name.text.p, '\\', name.text.n);
    for (size_t i = 0; fault->surrogate != 0 && i < n; i++) {
        if (!scan_string_is(name, slice_of(fields[i].name)))
            continue;
        for (size_t k = 0; k < n; k++)
            fields[k].error = BODY_OK;
        fields[i].error = BODY_SURROGATE;
        fields[i].surrogate = fault->surrogate;
        return BODY_BAD_FIELDS;
    }
    return unparsed(body, "JSON", fault->what, fault->at);
}

/* The name of the Python type that json.loads returns. */
static const char *type_name(struct scan_value v)
{
    switch (v.type) {
    case SCAN_OBJECT:
        return "dict";
    case SCAN_ARRAY:
        return "list";
    case SCAN_STRING:
        return "str";
    case SCAN_NUMBER:
        return memchr(v.text.p, '.', v.text.n) || memchr(v.text.p, 'e', v.text.n) ||
                       memchr(v.text.p, 'E', v.text.n)
                   ? "float"
                   : "int";
    case SCAN_TRUE:
    case SCAN_FALSE:
        return "bool";
    case SCAN_NULL:
        return NULL;
    }
    return NULL;
}

static enum body_verdict read_json(struct slice bytes, struct body_field *fields, size_t n,
                                   struct body *body)
{
    struct scan_value document;
    struct scan_member member;
    struct scan_fault fault = {0};
    char *room = body->room.p;
    size_t pos = 0;

    if (scan_document(bytes, &document, &fault) != TOK_OK)
        return json_fault(&fault, fields, n, body);
    if (document.type != SCAN_OBJECT) {
        body->type = type_name(document);
        return BODY_NO_OBJECT;
    }
    while (scan_next_member(document, &pos, &member))
        for (size_t i = 0; i < n; i++)
            if (scan_string_is(member.name, slice_of(fields[i].name)))
                body_field_take_json(&fields[i], member.value, &room);
    return verdict_of(fields, n);
}

static const struct format {
    const char *type, *name;
    bool (*next)(struct form *form, struct slice *ret_name, struct slice *ret_value);
} formats[] = {
    {"application/json", "JSON", NULL},
    {"application/x-www-form-urlencoded", "Form", form_next},
    {"multipart/form-data", "Multipart form", form_next_part},
};

/* Of a field that is given twice, one reader would take the first, another the last. */
static enum body_verdict read_form(const struct format *format, struct form form,
                                   struct body_field *fields, size_t n, struct body *body)
{
    struct slice name, value;

    while (format->next(&form, &name, &value)) {
        struct body_field *f = find_field(fields, n, name);

        if (f && f->given)
            return unparsed(body, format->name, "duplicate field", form.at);
        if (f)
            body_field_take_text(f, value);
    }
    if (form.fault)
        return unparsed(body, format->name, form.fault, form.at);
    return verdict_of(fields, n);
}

enum body_verdict body_read(struct slice content_type, struct slice bytes,
                            struct body_field *fields, size_t n, struct body *ret)
{
    struct field_media media;

    *ret = (struct body){0};
    for (size_t i = 0; i < n; i++)
        fields[i].error = fields[i].optional ? BODY_OK : BODY_REQUIRED;
    if (bytes.n == 0)
        return verdict_of(fields, n);
    if (!content_type.p || !field_media(content_type, &media))
        return BODY_UNSUPPORTED;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (!field_is(media.type, formats[i].type))
            continue;
        if (secret_alloc(bytes.n, &ret->room) != TOK_OK)
            return BODY_NO_MEMORY;
        if (!formats[i].next)
            return read_json(bytes, fields, n, ret);
        return read_form(
            &formats[i],
            (struct form){.bytes = bytes, .room = ret->room.p, .boundary = media.boundary},
            fields, n, ret);
    }
    return BODY_UNSUPPORTED;
}

void body_clear(struct body *body)
{
    secret_clear(&body->room);
}
