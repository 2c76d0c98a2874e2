/*
 * The body of a POST as Django REST framework reads it for simplejwt's serializers: an
 * application/json object, an application/x-www-form-urlencoded or a multipart/form-data form,
 * of which some members are asked for and all others ignored. Pure. Where it is stricter: JSON
 * by common/scan.h, a form must be well formed, be UTF-8 and name a field once.
 */
#pragma once

#include "common/base/secret.h"

enum body_error {
    BODY_FINE = 0,
    BODY_REQUIRED,
    BODY_IS_NULL,
    BODY_BLANK,
    BODY_NO_STRING, /* a boolean, list or object; a number is taken as its text */
    BODY_HAS_NUL,
    BODY_SURROGATE,
    BODY_NO_WORDS, /* a letter that no such word has */
    BODY_TOO_LONG, /* over BODY_WORDS_MAX */
    BODY_EMPTY_LIST,
    BODY_NO_INTEGER,
    BODY_TOO_SMALL, /* below 1 */
    BODY_NO_FLAG,
};

#define BODY_WORDS_MAX 4096

enum body_kind {
    BODY_TEXT,
    BODY_WORDS,   /* words of RFC 6749 3.3 with one blank between */
    BODY_NAMES,   /* a name or, in JSON, a list of such; the value has blanks between */
    BODY_SECONDS, /* an integer, or a time span in text; at most INT32_MAX, which more becomes
                   */
    BODY_FLAG,    /* true or false; in a form also yes, no, on, off, 1, 0 */
};

struct body_field {
    const char *name;
    enum body_kind kind;

    enum body_error error;
    uint32_t surrogate;
    bool optional; /* not given: an empty value, 0 */
    /* Blanks around it are no part of it (DRF's CharField). Of a password they are. */
    bool trim;
    bool given;
    struct slice value; /* BODY_FINE: in the bytes or the body's room */
    uint64_t number;    /* likewise, of BODY_SECONDS and BODY_FLAG */
};

enum body_verdict {
    BODY_GOOD,
    BODY_BAD_FIELDS,  /* each field's error says what */
    BODY_NO_OBJECT,   /* .type is what it is instead, in Python's words; NULL for null */
    BODY_UNPARSED,    /* .what, .at */
    BODY_UNSUPPORTED, /* the media type */
    BODY_NO_MEMORY,
};

struct body {
    enum body_verdict verdict;
    const char *type;   /* "list" */
    const char *format; /* BODY_UNPARSED: "JSON", "Form", "Multipart form" */
    const char *what;
    size_t at;          /* bytes before the fault */
    struct secret room; /* the values, decoded */
};

/* Reads the n fields out of a body. An empty body of any type is an empty object. */
enum body_verdict body_read(struct slice content_type, struct slice bytes,
                            struct body_field *fields, size_t n, struct body *ret);

/* Wipes the values. */
void body_clear(struct body *body);

/* DRF's sentence for a field, with a %X for the surrogate in BODY_SURROGATE's. */
const char *body_error_text(enum body_error error);
