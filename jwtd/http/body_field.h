/*
 * One field of a request body: its kind, its value, and what is wrong with it in the words of
 * Django REST framework's CharField, ListField, IntegerField and BooleanField. Pure.
 */
#pragma once

#include "common/json/json.h"

#define BODY_WORDS_MAX 4096

enum body_error {
    BODY_OK = 0,
    BODY_REQUIRED,
    BODY_IS_NULL,
    BODY_BLANK,
    BODY_NO_STRING, /* a boolean, list or object; a number is taken as its text */
    BODY_HAS_NUL,
    BODY_SURROGATE,
    BODY_NO_WORDS, /* a character that BODY_WORDS or BODY_NAMES excludes */
    BODY_TOO_LONG, /* over BODY_WORDS_MAX */
    BODY_EMPTY_LIST,
    BODY_NO_INTEGER,
    BODY_TOO_SMALL, /* below 1 */
    BODY_NO_FLAG,
};

enum body_kind {
    BODY_TEXT,
    BODY_WORDS,   /* scope-tokens (RFC 6749 3.3) separated by one space each */
    BODY_NAMES,   /* a name or, in JSON, a list of names; the value separates them by spaces */
    BODY_SECONDS, /* an integer, or a time span as text; values over INT32_MAX become that */
    BODY_FLAG,    /* true or false; in a form also yes, no, on, off, 1, 0 */
};

struct body_field {
    const char *name;
    enum body_kind kind;
    bool optional; /* when missing: an empty value, 0 */
    bool trim;     /* remove white space at both ends, as CharField does; not for a password */

    bool given;
    enum body_error error;
    uint32_t surrogate; /* of BODY_SURROGATE */
    struct slice value; /* of BODY_OK: in the body's bytes or its room */
    uint64_t number;    /* likewise, of BODY_SECONDS and BODY_FLAG */
};

/* Takes the value of a form's field. */
void body_field_take_text(struct body_field *f, struct slice text);

/* Takes a JSON value. Decoded bytes go to *room, which is moved past them; they are at most as
 * many as the value has. */
void body_field_take_json(struct body_field *f, struct scan_value v, char **room);

/* The sentence for an error; that of BODY_SURROGATE ends before the code and the full stop. */
const char *body_error_text(enum body_error error);
