/*
 * One field of a struct that people set by text: how it is read, told again, copied and freed.
 * The tables of settings (settings_rows.c) and of a policy's words (policy_words.c) are made of
 * them. A struct is cleared, and copied into, from all zeros on.
 */
#pragma once

#include "value.h"

enum field_kind {
    FIELD_FLAG,       /* bool: yes or no */
    FIELD_CHOICE,     /* bool: "required" or "optional" */
    FIELD_NUMBER,     /* uint64_t, from min to max */
    FIELD_SPAN,       /* uint64_t or int64_t: units, from min to max by step */
    FIELD_RATE,       /* struct settings_rate */
    FIELD_ALGORITHM,  /* const struct alg * */
    FIELD_ALGORITHMS, /* alg_set, not empty */
    FIELD_TYPS,       /* unsigned, 1 << enum jws_typ each, not empty */
    FIELD_TEXT,       /* char *, which ok takes */
    FIELD_WORDS,      /* word_list, each of which ok takes, min of them at least */
    FIELD_CLAIMS,     /* struct policy_claim *, at n_offset their size_t; NAME:VALUE adds one */
};

struct field {
    enum field_kind kind;
    size_t offset, size, n_offset;
    uint64_t min, max;
    uint64_t step, unit; /* of spans; those of all four are microseconds */
    bool (*ok)(struct slice);
    const char *form;     /* the allowed one; NULL: numbers, spans and algorithms tell it */
    const char *standard; /* the default's text; NULL: none */
};

/* An initialiser of one; what follows the member are initialisers of the rest. */
#define FIELD(record, of_kind, member, ...)                                                    \
    {                                                                                          \
        .kind = (of_kind), .offset = offsetof(record, member),                                 \
        .size = sizeof(__typeof__(((record *)0)->member)), __VA_ARGS__                         \
    }

/* Replaces the value in the struct at base (of claims: adds one). TOK_SETTINGS, TOK_NO_MEMORY.
 */
enum tok_err field_set(void *base, const struct field *f, struct slice value,
                       char separator) MUST_CHECK;

/* Replaces to's value by from's. TOK_NO_MEMORY. */
enum tok_err field_copy(const void *from, const struct field *f, void *to) MUST_CHECK;

void field_clear(void *base, const struct field *f);

/* Is the text a list, its words parted by the separator? */
bool field_is_list(const struct field *f);

/* How many texts the value has: one, but for claims. */
size_t field_count(const void *base, const struct field *f);

/* The i-th text, malloc'ed, as field_set takes it; "" for what was never set. TOK_NO_MEMORY. */
enum tok_err field_text(const void *base, const struct field *f, size_t i, char separator,
                        char **ret) MUST_CHECK;

#define FIELD_RATE_FORM "COUNT/s, COUNT/min or COUNT/h, such as 30/min, or 0: no limit"

/* The allowed form, for a sentence. */
#define FIELD_FORM 320
void field_form(const struct field *f, char ret[FIELD_FORM]);
