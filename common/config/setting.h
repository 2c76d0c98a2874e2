/*
 * One setting: a member of a struct that people set by text. How it is read, told again, copied
 * and freed. The tables of settings (settings_rows.c) and of a policy's words (policy_words.c)
 * are made of them. A struct is cleared, and copied into, from all zeros on.
 */
#pragma once

#include "common/base/text.h"
#include "common/base/timespan.h"
#include "common/base/value.h"

enum setting_kind {
    SETTING_FLAG,       /* bool: yes or no */
    SETTING_CHOICE,     /* bool: "required" or "optional" */
    SETTING_NUMBER,     /* uint64_t, from min to max */
    SETTING_SPAN,       /* uint64_t or int64_t: units, from min to max by step */
    SETTING_RATE,       /* struct settings_rate */
    SETTING_ALGORITHM,  /* const struct alg * */
    SETTING_ALGORITHMS, /* alg_set, not empty */
    SETTING_TYPS,       /* unsigned, 1 << enum jws_typ each, not empty */
    SETTING_TEXT,       /* char *, which ok takes */
    SETTING_WORDS,      /* word_list, each of which ok takes, min of them at least */
    SETTING_CLAIMS, /* struct policy_claim *, at n_offset their size_t; NAME:VALUE adds one */
};

struct setting {
    enum setting_kind kind;
    size_t offset, size, n_offset;
    uint64_t min, max;
    uint64_t step, unit; /* of spans; those of all four are microseconds */
    bool (*ok)(struct slice);
    const char *form;     /* the allowed one; NULL: numbers, spans and algorithms tell it */
    const char *standard; /* the default's text; NULL: none */
};

/* An initialiser of one; what follows the member are initialisers of the rest. */
#define SETTING(record, of_kind, member, ...)                                                  \
    {                                                                                          \
        .kind = (of_kind), .offset = offsetof(record, member),                                 \
        .size = sizeof(__typeof__(((record *)0)->member)), __VA_ARGS__                         \
    }

/* Replaces the value in the struct at base (of claims: adds one). TOK_SETTINGS, TOK_NO_MEMORY.
 */
enum tok_err setting_set(void *base, const struct setting *f, struct slice value,
                         char separator) MUST_CHECK;

/* Replaces to's value by from's. TOK_NO_MEMORY. */
enum tok_err setting_copy(const void *from, const struct setting *f, void *to) MUST_CHECK;

void setting_clear(void *base, const struct setting *f);

/* Is the text a list, its words parted by the separator? */
bool setting_is_list(const struct setting *f);

/* How many texts the value has: one, but for claims. */
size_t setting_count(const void *base, const struct setting *f);

/* The i-th text, malloc'ed, as setting_set takes it; "" for what was never set. TOK_NO_MEMORY.
 */
enum tok_err setting_text(const void *base, const struct setting *f, size_t i, char separator,
                          char **ret) MUST_CHECK;

#define SETTING_RATE_FORM "COUNT/s, COUNT/min or COUNT/h, such as 30/min, or 0: no limit"

/* The allowed form, for a sentence. */
#define SETTING_FORM 320
void setting_form(const struct setting *f, char ret[SETTING_FORM]);
