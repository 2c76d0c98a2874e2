/*
 * How one value is spelled, in the settings file, as a module's option and as a command's word,
 * and the same text back. Readers give TOK_SETTINGS for what is out of form and TOK_NO_MEMORY;
 * the caller, who knows what the value is of, says the sentence. Quotes and backslashes are not
 * special.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

#define VALUE_NAME_MAX 255 /* bytes of an issuer, an audience, a claim's name */

/* yes, true, on, 1 and no, false, off, 0, in lower case. */
#define VALUE_FLAG_FORM "yes or no"
enum tok_err value_flag(struct slice text, bool *ret) MUST_CHECK;

/* Digits without a sign or a leading zero, in the range. */
enum tok_err value_number(struct slice text, uint64_t min, uint64_t max,
                          uint64_t *ret) MUST_CHECK;

/* A time span (timespan.h) in the range, a whole multiple of step; microseconds. */
enum tok_err value_span(struct slice text, uint64_t min, uint64_t max, uint64_t step,
                        uint64_t *ret_usec) MUST_CHECK;

/* What a word may be. */

/* A StringOrURI (RFC 7519 2) as people write them: 1 to VALUE_NAME_MAX bytes without blanks,
 * control characters, quotes and commas. */
#define VALUE_NAME_FORM "1 to 255 bytes without blanks, quotes and commas"
bool value_is_name(struct slice text);

/* An absolute path. */
#define VALUE_PATH_FORM "an absolute path"
bool value_is_path(struct slice text);

/* A token of HTTP (RFC 9110 5.6.2). */
bool value_is_token(struct slice text);

/* A host name or address literal, without a port. */
bool value_is_host(struct slice text);

/* The text back. A span in the largest unit that divides it. */
#define VALUE_SPAN_TEXT 32
void value_span_text(uint64_t usec, char ret[VALUE_SPAN_TEXT]);
