#include "jwtd/http/body.h"

#include "common/json/json.h"
#include "jwtd/http/field.h"
#include "jwtd/http/form.h"
#include "jwtd/http/multipart.h"

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

/* JSON */

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

static enum body_verdict read_json(const struct field_media *media, struct slice bytes,
                                   struct body_field *fields, size_t n, struct body *body)
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

/* Forms */

#define TWICE "duplicate field"

/* False when the field was given before: one reader would take the first, another the last. */
static bool take_once(struct body_field *fields, size_t n, struct slice name,
                      struct slice value)
{
    struct body_field *f = find_field(fields, n, name);

    if (!f)
        return true;
    if (f->given)
        return false;
    body_field_take_text(f, value);
    return true;
}

static enum body_verdict read_form(const struct field_media *media, struct slice bytes,
                                   struct body_field *fields, size_t n, struct body *body)
{
    struct form form = {.bytes = bytes, .room = body->room.p};
    struct slice name, value;

    while (form_next(&form, &name, &value))
        if (!take_once(fields, n, name, value))
            return unparsed(body, "Form", TWICE, form.at);
    if (form.fault)
        return unparsed(body, "Form", form.fault, form.at);
    return verdict_of(fields, n);
}

static enum body_verdict read_multipart(const struct field_media *media, struct slice bytes,
                                        struct body_field *fields, size_t n, struct body *body)
{
    struct multipart parts = {.bytes = bytes, .boundary = media->boundary};
    struct slice name, value;

    while (multipart_next(&parts, &name, &value))
        if (!take_once(fields, n, name, value))
            return unparsed(body, "Multipart form", TWICE, parts.at);
    if (parts.fault)
        return unparsed(body, "Multipart form", parts.fault, parts.at);
    return verdict_of(fields, n);
}

static const struct {
    const char *type;
    enum body_verdict (*read)(const struct field_media *media, struct slice bytes,
                              struct body_field *fields, size_t n, struct body *body);
} formats[] = {
    {"application/json", read_json},
    {"application/x-www-form-urlencoded", read_form},
    {"multipart/form-data", read_multipart},
};

static enum body_verdict read_typed(struct slice content_type, struct slice bytes,
                                    struct body_field *fields, size_t n, struct body *body)
{
    struct field_media media;

    if (bytes.n == 0)
        return verdict_of(fields, n);
    if (!content_type.p || !field_media(content_type, &media))
        return BODY_UNSUPPORTED;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (!field_is(media.type, formats[i].type))
            continue;
        if (secret_alloc(bytes.n, &body->room) != TOK_OK)
            return BODY_NO_MEMORY;
        return formats[i].read(&media, bytes, fields, n, body);
    }
    return BODY_UNSUPPORTED;
}

enum body_verdict body_read(struct slice content_type, struct slice bytes,
                            struct body_field *fields, size_t n, struct body *ret)
{
    *ret = (struct body){0};
    for (size_t i = 0; i < n; i++)
        fields[i].error = fields[i].optional ? BODY_OK : BODY_REQUIRED;
    ret->verdict = read_typed(content_type, bytes, fields, n, ret);
    return ret->verdict;
}

void body_clear(struct body *body)
{
    secret_clear(&body->room);
}
