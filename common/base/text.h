/*
 * Small helpers for text: classes of ASCII characters (whatever the locale is), copies, words,
 * and lists of words.
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/slice.h"

static inline bool text_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool text_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool text_is_alnum(char c)
{
    return text_is_letter(c) || text_is_digit(c);
}

/* A space or a tab. */
static inline bool text_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The white space of JSON (RFC 8259 2) and of time spans: line ends besides. */
static inline bool text_is_space(char c)
{
    return text_is_blank(c) || c == '\n' || c == '\r';
}

/* C0 and DEL. */
static inline bool text_is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* The value of a hexadecimal digit; -1 for any other character. */
static inline int text_hex_digit(char c)
{
    if (text_is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static inline char text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Replaces all but printable ASCII by '?', for what takes no other bytes than UTF-8. */
void text_make_printable(char *text);

/* Without the blanks at both ends. */
struct slice text_trim(struct slice text);

bool text_begins_with(struct slice text, const char *start);
bool text_ends_with(struct slice text, const char *end);

/* Makes a malloc'ed C string. TOK_SETTINGS when there is a NUL in it, TOK_NO_MEMORY. */
enum tok_err text_copy(struct slice text, char **ret) MUST_CHECK;

/* The three texts one after the other, malloc'ed. TOK_NO_MEMORY. */
enum tok_err text_concat(const char *a, const char *b, const char *c, char **ret) MUST_CHECK;

/* Frees *at and puts a copy there; on an error *at stays. Errors as text_copy. */
enum tok_err text_replace(char **at, struct slice by) MUST_CHECK;

/* Takes the next word off the text. The separator ' ' stands for a run of blanks, and blanks at
 * the ends do not count; any other separates exactly two words, which may be empty. False when
 * no word is left. */
bool text_next_word(struct slice *text, char separator, struct slice *ret);

/* Takes "..." off the start of the text; *ret is what stands between the quotes. Nothing in it
 * has a special meaning. False when the text does not start with one. */
bool text_take_quoted(struct slice *text, struct slice *ret);

/* text_next_word for words that may be quoted. A word with a quote elsewhere is yielded as it
 * stands. */
bool text_next_quoted(struct slice *text, char separator, struct slice *ret);

/* Malloc'ed C strings with a NULL behind the last; NULL when it was never set. */
typedef char **word_list;

void word_list_free(word_list list);
DEFINE_CLEANUP(word_list, cleanup_word_list, word_list_free)

/* The words of a text, which may be quoted, and each of which must pass ok; NULL when it has no
 * words. TOK_SETTINGS, TOK_NO_MEMORY. */
enum tok_err word_list_parse(struct slice text, char separator, bool (*ok)(struct slice),
                             word_list *ret) MUST_CHECK;

/* Appends a word to a list, which may be NULL. Errors as text_copy; the list then has the same
 * words. */
enum tok_err word_list_add(word_list *list, struct slice word) MUST_CHECK;

/* The text that parses to the list, malloc'ed: words with a space are quoted; "" for NULL.
 * TOK_NO_MEMORY. */
enum tok_err word_list_format(word_list list, char separator, char **ret) MUST_CHECK;

/* NULL is copied as NULL. TOK_NO_MEMORY. */
enum tok_err word_list_copy(word_list from, word_list *ret) MUST_CHECK;

/* False for NULL. */
bool word_list_has(word_list list, struct slice word);

/* The same words in the same order; NULL has none. */
bool word_list_equal(word_list a, word_list b);
