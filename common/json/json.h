/*
 * A strict reader of JSON (RFC 8259) that yields spans of the text, copies nothing and
 * allocates nothing. One pass over the whole document refuses: duplicate member names at every
 * level (compared after escapes), bad UTF-8 (RFC 3629), lone surrogates, raw control
 * characters, NaN and friends, leading zeros, nesting over SCAN_DEPTH, more than SCAN_NAMES
 * names open at once, a byte order mark, and anything but white space after the value. A name
 * with U+0000 in it never equals a shorter one.
 *
 * What it accepts, json-c (strict, a tokener of depth SCAN_DEPTH + 1) accepts with the same
 * values, but for three things that json-c bends: a name is cut at U+0000, so that it may then
 * equal another; a number out of its range goes to the nearest end; an escaped pair that means
 * U+1D800 to U+1DFFF, or the like in a higher plane, becomes U+FFFD (seen in 0.16). Where that
 * could matter, take the value from here.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

#define SCAN_DEPTH 32   /* arrays and objects, the outermost counted */
#define SCAN_NAMES 1024 /* members of all objects that are open at one point */

enum scan_type {
    SCAN_OBJECT,
    SCAN_ARRAY,
    SCAN_STRING,
    SCAN_NUMBER,
    SCAN_TRUE,
    SCAN_FALSE,
    SCAN_NULL,
};

/* A value's text within the document: an object with its braces, a string with its quotes. */
struct scan_value {
    struct slice text;
    enum scan_type type;
    bool escaped; /* a string that holds a backslash */
};

struct scan_member {
    struct scan_value name; /* a SCAN_STRING */
    struct scan_value value;
};

/* Where and why a document was refused. */
struct scan_fault {
    size_t at;        /* byte offset of the fault */
    const char *what; /* a clause, static: "duplicate member" */
    /* The fault is a lone surrogate escape in a string value of the outermost object: DRF tells
     * such a one as the field's error, not as a parse error. 0 otherwise. */
    uint32_t surrogate;
    struct slice member; /* with surrogate: the outermost member's name text, quotes included */
};

/* Checks a whole document and yields its one value. TOK_JSON; fault may be NULL. */
enum tok_err scan_document(struct slice doc, struct scan_value *ret,
                           struct scan_fault *fault) MUST_CHECK;

/* As scan_document, for a document that must be an object; its members, in order, go to
 * members[0..*ret_n). More than max members: TOK_JSON. One pass. On failure what is in members
 * means nothing. */
enum tok_err scan_object(struct slice doc, struct scan_member *members, size_t max,
                         size_t *ret_n, struct scan_fault *fault) MUST_CHECK;

/* Walk a value that came out of scan_document or scan_object (and is therefore well formed).
 * *pos starts at 0. False at the end. */
bool scan_next_member(struct scan_value object, size_t *pos, struct scan_member *ret);
bool scan_next_element(struct scan_value array, size_t *pos, struct scan_value *ret);

/* The member whose name is this C string; NULL when there is none. */
const struct scan_value *scan_find(const struct scan_member *members, size_t n,
                                   const char *name);

/* True for a string whose decoded bytes are exactly these. */
bool scan_string_is(struct scan_value v, struct slice bytes);

/* The bytes between the quotes of a string with escaped == false. */
static inline struct slice scan_string_raw(struct scan_value v)
{
    return (struct slice){v.text.p + 1, v.text.n - 2};
}

/* True for a string whose decoded bytes are this C string's. */
static inline bool scan_string_is_text(const struct scan_value *v, const char *text)
{
    return v->type == SCAN_STRING && !v->escaped ? slice_is(scan_string_raw(*v), text)
                                                 : scan_string_is(*v, slice_of(text));
}

/* The decoded bytes of a string into ret (room for size; may hold NUL from \u0000; none is
 * added). A string without escapes can be had without a copy: scan_string_raw. TOK_TOO_LONG
 * when it does not fit, TOK_CLAIM_TYPE for what is no string. Decoded bytes are never more than
 * the text's. */
enum tok_err scan_string(struct scan_value v, char *ret, size_t size, size_t *ret_n) MUST_CHECK;

enum scan_round { SCAN_FLOOR, SCAN_CEIL };

/* A NumericDate (RFC 7519 2): seconds, fractions rounded as asked. Numbers with an exponent,
 * beyond +-(2^53 - 1), and anything that is no number: TOK_CLAIM_TYPE. */
enum tok_err scan_time(struct scan_value v, enum scan_round round, int64_t *ret) MUST_CHECK;

/* A whole number without fraction or exponent within +-(2^53 - 1): TOK_CLAIM_TYPE otherwise. */
enum tok_err scan_integer(struct scan_value v, int64_t *ret) MUST_CHECK;
