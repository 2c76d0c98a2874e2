/*
 * How one value is spelled, in the settings file, as a module's option and as a command's word,
 * and the same text back. Readers give TOK_SETTINGS for what is out of form and TOK_NO_MEMORY;
 * the caller, who knows what the value is of, says the sentence. Quotes and backslashes are not
 * special.
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/base/error.h"

#define VALUE_NAME_MAX 255 /* bytes of an issuer, an audience, a claim's name */

/* NULL-terminated, malloc'ed words; NULL when never set. */
typedef char **word_list;

void word_list_free(word_list list);
DEFINE_CLEANUP(word_list, cleanup_word_list, word_list_free)

/* NULL is copied as NULL. TOK_NO_MEMORY. */
enum tok_err word_list_copy(word_list from, word_list *ret) MUST_CHECK;

/* False for NULL. */
bool word_list_holds(word_list list, struct slice word);

/* Malloc'ed, NUL-terminated. A NUL inside: TOK_SETTINGS. */
enum tok_err value_text(struct slice text, char **ret) MUST_CHECK;

/* Puts a copy in place of the text at *at, which is freed. TOK_NO_MEMORY, and of a NUL inside
 * TOK_SETTINGS: it stays. */
enum tok_err value_put(char **at, struct slice by) MUST_CHECK;
enum tok_err value_replace(char **at, const char *by) MUST_CHECK;

/* yes, true, on, 1 and no, false, off, 0, in lower case. */
#define VALUE_FLAG_FORM "yes or no"
enum tok_err value_flag(struct slice text, bool *ret) MUST_CHECK;

/* Digits without a sign or a leading zero, in the range. */
enum tok_err value_number(struct slice text, uint64_t min, uint64_t max,
                          uint64_t *ret) MUST_CHECK;

/* A time span (timespan.h) in the range, a whole multiple of step; microseconds. */
enum tok_err value_span(struct slice text, uint64_t min, uint64_t max, uint64_t step,
                        uint64_t *ret_usec) MUST_CHECK;

#define VALUE_SECOND UINT64_C(1000000)
#define VALUE_MINUTE (60 * VALUE_SECOND)
#define VALUE_HOUR (60 * VALUE_MINUTE)
#define VALUE_DAY (24 * VALUE_HOUR)

/* Takes the next word off the text, which runs of blanks (separator ' ') or single separators
 * part: then a word may be empty. False past the last. */
bool value_next_word(struct slice *text, char separator, struct slice *ret);

/* The words of a text. Each must pass ok; no word at all gives NULL. */
enum tok_err value_words(struct slice text, char separator, bool (*ok)(struct slice),
                         word_list *ret) MUST_CHECK;

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

/* Malloc'ed; "" for NULL. TOK_NO_MEMORY. */
enum tok_err value_words_text(word_list list, char separator, char **ret) MUST_CHECK;
