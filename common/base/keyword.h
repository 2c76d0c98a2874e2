/*
 * Keywords: the names by which text sets the members of a struct. A key of jwt.conf, an option
 * of pam_jwt.so and an argument of `jwtctl verify` are each a row of a table of keywords, which
 * ends with a row of zeros. A row names the member and its type; the type has the functions
 * that parse, format, copy and free such a member. Quotes and backslashes have no special
 * meaning.
 */
#pragma once

#include "common/base/text.h"

struct keyword {
    const char *name;    /* NULL: text never sets this member */
    const char *section; /* of the settings file; NULL in tables without sections */
    const struct keyword_type *type;
    size_t offset, size;
    const char *form;    /* what a value must be, for "expected FORM" */
    const char *initial; /* the default, parsed; NULL leaves the member zero */
    const char *shown;   /* what a member that is NULL means; shown instead of initial */
    bool (*valid)(struct slice value); /* of a text, of each word of a list */
    const char *min, *max;             /* of a number or time span, both inclusive */
    uint64_t step;                     /* of a time span: a multiple of these microseconds */
    uint64_t unit;     /* of a time span: the member counts these microseconds */
    const char *names; /* of a flag, a set: all values, separated by spaces */
    uint32_t (*bit)(struct slice name); /* of a set: 0 for any other */
    bool bare;                          /* of a flag: true when it stands without a value */
    bool may_be_empty;                  /* of a list */
    bool hidden;                        /* a wrong value is not in the message */
};

/* Initializes what follows the name. The rest are initializers of further members. */
#define KEYWORD(record, member, of_type, ...)                                                  \
    .type = &(of_type), .offset = offsetof(record, member),                                    \
    .size = sizeof(__typeof__(((record *)0)->member)), __VA_ARGS__

/* NAME=VALUE as it was written. */
struct keyword_value {
    const struct keyword *k;
    struct slice name, text; /* text.p is NULL where there was no '=' */
    char separator;          /* of lists: ' ' stands for any blanks */
};

struct keyword_type {
    /* Sets the member of a record. TOK_SETTINGS when the value is not of the keyword's form,
     * TOK_NO_MEMORY. On an error the member stays as it is. */
    enum tok_err (*parse)(const struct keyword_value *v, void *to);
    /* Yields the text that parse reads, lists separated by spaces, malloc'ed. TOK_NO_MEMORY. */
    enum tok_err (*format)(const struct keyword *k, const void *from, char **ret);
    /* Copies a member to one that is zero; frees one. NULL for a type that owns no memory.
     * TOK_NO_MEMORY. */
    enum tok_err (*copy)(const void *from, void *to);
    void (*clear)(void *member);
    bool is_list; /* a value may be several words */
    bool adds;    /* each value is one more element of a word_list */
};

extern const struct keyword_type keyword_flag;   /* bool; .names: false, true, in turn */
extern const struct keyword_type keyword_number; /* uint64_t */
extern const struct keyword_type keyword_span;   /* uint64_t or int64_t */
extern const struct keyword_type keyword_set;    /* uint32_t, a bit for each name; not empty */
extern const struct keyword_type keyword_text;   /* char *, malloc'ed */
extern const struct keyword_type keyword_words;  /* word_list */
extern const struct keyword_type keyword_texts;  /* word_list, a text each */

#define KEYWORD_YES_NO .names = "no yes false true off on 0 1", .form = "yes or no"

static inline void *keyword_member(const struct keyword *k, const void *record)
{
    return (char *)record + k->offset;
}

/* The row of this name in this section; or NULL. */
const struct keyword *keyword_find(const struct keyword *table, const char *section,
                                   struct slice name);

/* Sets the member. The message of an error begins with the name and the value. TOK_SETTINGS,
 * TOK_NO_MEMORY. */
enum tok_err keyword_assign(const struct keyword_value *v, void *to,
                            struct errmsg *errmsg) MUST_CHECK;

/* Frees the member and sets it to zero. */
void keyword_clear(const struct keyword *k, void *record);

/* Replaces the member. After TOK_NO_MEMORY it is zero. */
enum tok_err keyword_copy(const struct keyword *k, const void *from, void *to) MUST_CHECK;

/* The same for all rows of a table. The members must be zero before keywords_init and
 * keywords_copy, and are zero again after TOK_NO_MEMORY. */
enum tok_err keywords_init(const struct keyword *table, void *record) MUST_CHECK;
enum tok_err keywords_copy(const struct keyword *table, const void *from, void *to) MUST_CHECK;
void keywords_clear(const struct keyword *table, void *record);
