/*
 * A strict reader of JSON (RFC 8259). It yields slices of the text and copies and allocates
 * nothing. Refused: duplicate member names at any level, compared after decoding; invalid UTF-8
 * (RFC 3629); lone surrogates; control characters in strings; NaN, Infinity and leading zeros;
 * nesting over SCAN_DEPTH; more than SCAN_NAMES names in the objects open at one point; a byte
 * order mark; anything but white space after the value. A name that contains U+0000 never
 * equals a shorter one.
 *
 * json-c 0.16 (strict, depth SCAN_DEPTH + 1) accepts what is accepted here, with the same
 * values, except that it cuts names at U+0000, saturates numbers that are out of its range, and
 * reads some escaped surrogate pairs (U+1D800 to U+1DFFF, and the like in higher planes) as
 * U+FFFD.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

#define SCAN_DEPTH 32   /* arrays and objects, the outermost counted */
#define SCAN_NAMES 1024 /* members of all objects that are open at one point */
#define SCAN_INTEGER_MAX                                                                       \
    ((INT64_C(1) << 53) - 1) /* up to here all readers agree (RFC 8259 6) */

enum scan_type {
    SCAN_OBJECT,
    SCAN_ARRAY,
    SCAN_STRING,
    SCAN_NUMBER,
    SCAN_TRUE,
    SCAN_FALSE,
    SCAN_NULL,
};

struct scan_value {
    struct slice text; /* of an object with its braces, of a string with its quotes */
    enum scan_type type;
    bool escaped; /* a string with a backslash in it */
};

struct scan_member {
    struct scan_value name; /* a SCAN_STRING */
    struct scan_value value;
};

/* Where and why a document was refused. */
struct scan_fault {
    size_t at;        /* byte offset */
    const char *what; /* static: "duplicate member" */
    /* A lone surrogate in a string value of the outermost object: its code; else 0. Django REST
     * Framework reports it as an error of the field, not as a parse error. */
    uint32_t surrogate;
    struct slice member; /* with surrogate: the name of the field, with its quotes */
};

/* Checks a document and yields its value. fault may be NULL. TOK_JSON. */
enum tok_err scan_document(struct slice doc, struct scan_value *ret,
                           struct scan_fault *fault) MUST_CHECK;

/* The same for a document that must be an object with at most max members; yields them in
 * order. On an error the contents of members are undefined. TOK_JSON. */
enum tok_err scan_object(struct slice doc, struct scan_member *members, size_t max,
                         size_t *ret_n, struct scan_fault *fault) MUST_CHECK;

/* Iterate over a value that scan_document() or scan_object() yielded. *pos is 0 at first. False
 * at the end, and for a value of another type. */
bool scan_next_member(struct scan_value object, size_t *pos, struct scan_member *ret);
bool scan_next_element(struct scan_value array, size_t *pos, struct scan_value *ret);

/* Finds the member of this name in such a value. False: not found, or not an object. */
bool scan_find_in(struct scan_value object, struct slice name, struct scan_value *ret);

/* The value of the member of this name, or NULL. */
const struct scan_value *scan_find(const struct scan_member *members, size_t n,
                                   struct slice name);

/* The bytes between the quotes of a string; they are its value when escaped is false. */
static inline struct slice scan_string_raw(struct scan_value v)
{
    return (struct slice){v.text.p + 1, v.text.n - 2};
}

/* True for a string with exactly this value. */
bool scan_string_is(struct scan_value v, struct slice bytes);

/* The same for a C string. */
static inline bool scan_string_is_text(const struct scan_value *v, const char *text)
{
    return v->type == SCAN_STRING && !v->escaped ? slice_is(scan_string_raw(*v), text)
                                                 : scan_string_is(*v, slice_of(text));
}

static inline bool scan_member_is(const struct scan_member *m, struct slice name)
{
    return m->name.escaped ? scan_string_is(m->name, name)
                           : slice_eq(scan_string_raw(m->name), name);
}

/* Decodes a string into ret, which has room for size; without a NUL at the end, but U+0000 may
 * be in it. The value is never longer than the text. TOK_TOO_LONG when it does not fit,
 * TOK_CLAIM_TYPE when v is not a string. */
enum tok_err scan_string(struct scan_value v, char *ret, size_t size, size_t *ret_n) MUST_CHECK;

enum scan_round { SCAN_FLOOR, SCAN_CEIL };

/* Reads a NumericDate (RFC 7519 2): seconds, a fraction rounded. TOK_CLAIM_TYPE for a number
 * with an exponent or beyond +-SCAN_INTEGER_MAX, and for any other value. */
enum tok_err scan_time(struct scan_value v, enum scan_round round, int64_t *ret) MUST_CHECK;

/* Reads an integer within +-SCAN_INTEGER_MAX, without fraction and exponent. TOK_CLAIM_TYPE. */
enum tok_err scan_integer(struct scan_value v, int64_t *ret) MUST_CHECK;
