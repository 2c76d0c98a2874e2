/*
 * The one table of settings: section, key, kind, range, default. Adding a setting is adding a
 * row here and a member to struct settings.
 */
#pragma once

#include "settings.h"

enum settings_kind {
    SETTING_FLAG,
    SETTING_NUMBER,
    SETTING_SPAN,
    SETTING_RATE,
    SETTING_ALGORITHM,
    SETTING_TEXT,
    SETTING_WORDS,
};

struct settings_row {
    const char *section, *key;
    enum settings_kind kind;
    bool unset; /* the default is NULL; its text only tells a person */
    size_t offset;
    uint64_t min, max;        /* of numbers, of spans in microseconds; words: at least min */
    uint64_t step;            /* of spans */
    bool (*ok)(struct slice); /* of a text, of each word */
    const char *form;         /* what ok takes */
    const char *standard;     /* the default's text */
};

/* NULL past the last. */
const struct settings_row *settings_row_at(size_t i);
#define SETTINGS_ROWS_MAX 64

/* Replaces the value. TOK_SETTINGS, TOK_NO_MEMORY. */
enum tok_err settings_row_set(struct settings *s, const struct settings_row *row,
                              struct slice value) MUST_CHECK;

/* The value as a file spells it, malloc'ed. TOK_NO_MEMORY. */
enum tok_err settings_row_text(const struct settings *s, const struct settings_row *row,
                               char **ret) MUST_CHECK;

void settings_row_clear(struct settings *s, const struct settings_row *row);

/* The allowed form, for a sentence. */
#define SETTINGS_FORM 320
void settings_row_form(const struct settings_row *row, char ret[SETTINGS_FORM]);
