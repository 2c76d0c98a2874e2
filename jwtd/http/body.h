/*
 * The body of a POST as Django REST framework reads it for simplejwt's serializers: a JSON
 * object, or a form as application/x-www-form-urlencoded or multipart/form-data. The fields
 * that are asked for are read, all others are ignored. Pure. Stricter than Django: JSON as
 * common/json/json.h reads it; a form must be well-formed UTF-8 and name no field twice.
 */
#pragma once

#include "common/base/secret.h"
#include "jwtd/http/body_field.h"

enum body_verdict {
    BODY_GOOD,
    BODY_BAD_FIELDS,  /* each field has its error */
    BODY_NO_OBJECT,   /* type is the type of the JSON value in Python; NULL for null */
    BODY_UNPARSED,    /* format, what, at */
    BODY_UNSUPPORTED, /* media type */
    BODY_NO_MEMORY,
};

struct body {
    const char *type;   /* "list" */
    const char *format; /* of BODY_UNPARSED: "JSON", "Form", "Multipart form" */
    const char *what;
    size_t at;          /* bytes before the error */
    struct secret room; /* the decoded values */
};

/* Reads the n fields. An empty body of any type is an empty object. */
enum body_verdict body_read(struct slice content_type, struct slice bytes,
                            struct body_field *fields, size_t n, struct body *ret);

/* Wipes the values. */
void body_clear(struct body *body);
