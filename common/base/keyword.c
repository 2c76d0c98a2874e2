#include "common/base/keyword.h"

#include "common/base/timespan.h"

#include <inttypes.h>
#include <stdio.h>

#define VALUE_SHOWN 100 /* bytes of a wrong value in a message */

/* Flags */

static enum tok_err parse_flag(const struct keyword_value *v, void *to)
{
    struct slice rest = slice_of(v->k->names), name;
    bool *flag = keyword_member(v->k, to);

    if (!v->text.p) {
        *flag = *flag || v->k->bare;
        return v->k->bare ? TOK_OK : TOK_SETTINGS;
    }
    for (bool value = false; text_next_word(&rest, ' ', &name); value = !value) {
        if (slice_eq(v->text, name)) {
            *flag = value;
            return TOK_OK;
        }
    }
    return TOK_SETTINGS;
}

static enum tok_err format_flag(const struct keyword *k, const void *from, char **ret)
{
    struct slice rest = slice_of(k->names), name = {0};
    const bool *flag = keyword_member(k, from);

    (void)text_next_word(&rest, ' ', &name);
    if (*flag)
        (void)text_next_word(&rest, ' ', &name);
    return text_copy(name, ret);
}

const struct keyword_type keyword_flag = {.parse = parse_flag, .format = format_flag};

/* Numbers and time spans */

static enum tok_err parse_number(const struct keyword_value *v, void *to)
{
    uint64_t n, min, max;

    if (!slice_digits(slice_of(v->k->min), &min) || !slice_digits(slice_of(v->k->max), &max) ||
        !slice_digits(v->text, &n) || (v->text.n > 1 && *v->text.p == '0') || n < min ||
        n > max)
        return TOK_SETTINGS;
    *(uint64_t *)keyword_member(v->k, to) = n;
    return TOK_OK;
}

static enum tok_err format_number(const struct keyword *k, const void *from, char **ret)
{
    const uint64_t *n = keyword_member(k, from);
    char text[32];

    (void)snprintf(text, sizeof(text), "%" PRIu64, *n);
    return text_copy(slice_of(text), ret);
}

const struct keyword_type keyword_number = {.parse = parse_number, .format = format_number};

static enum tok_err parse_span(const struct keyword_value *v, void *to)
{
    uint64_t usec, min, max;

    if (timespan_parse(slice_of(v->k->min), &min) ||
        timespan_parse(slice_of(v->k->max), &max) || timespan_parse(v->text, &usec) ||
        usec < min || usec > max || usec % v->k->step != 0)
        return TOK_SETTINGS;
    *(uint64_t *)keyword_member(v->k, to) = usec / v->k->unit;
    return TOK_OK;
}

static enum tok_err format_span(const struct keyword *k, const void *from, char **ret)
{
    const uint64_t *units = keyword_member(k, from);
    char text[TIMESPAN_TEXT];

    timespan_format(*units * k->unit, text);
    return text_copy(slice_of(text), ret);
}

const struct keyword_type keyword_span = {.parse = parse_span, .format = format_span};

/* Sets */

static enum tok_err parse_set(const struct keyword_value *v, void *to)
{
    struct slice rest = v->text, name;
    uint32_t set = 0, bit = 1;

    while (bit && text_next_word(&rest, v->separator, &name)) {
        bit = v->k->bit(name);
        set |= bit;
    }
    if (!bit || !set)
        return TOK_SETTINGS;
    *(uint32_t *)keyword_member(v->k, to) = set;
    return TOK_OK;
}

static enum tok_err format_set(const struct keyword *k, const void *from, char **ret)
{
    const uint32_t *set = keyword_member(k, from);
    CLEANUP(cleanup_word_list) word_list list = NULL;
    struct slice rest = slice_of(k->names), name;
    enum tok_err err = TOK_OK;

    while (!err && text_next_word(&rest, ' ', &name))
        if (*set & k->bit(name))
            err = word_list_add(&list, name);
    return err ? err : word_list_format(list, ' ', ret);
}

const struct keyword_type keyword_set = {
    .parse = parse_set, .format = format_set, .is_list = true};

/* Texts */

static enum tok_err parse_text(const struct keyword_value *v, void *to)
{
    return v->text.p && v->k->valid(v->text) ? text_replace(keyword_member(v->k, to), v->text)
                                             : TOK_SETTINGS;
}

static enum tok_err format_text(const struct keyword *k, const void *from, char **ret)
{
    char *const *text = keyword_member(k, from);

    return text_copy(slice_of(*text ? *text : ""), ret);
}

static enum tok_err copy_text(const void *from, void *to)
{
    char *const *text = from;

    return *text ? text_copy(slice_of(*text), to) : TOK_OK;
}

const struct keyword_type keyword_text = {
    .parse = parse_text, .format = format_text, .copy = copy_text, .clear = cleanup_free};

/* Lists */

static enum tok_err parse_words(const struct keyword_value *v, void *to)
{
    word_list list, *words = keyword_member(v->k, to);
    enum tok_err err = word_list_parse(v->text, v->separator, v->k->valid, &list);

    if (err)
        return err;
    if (!list && !v->k->may_be_empty)
        return TOK_SETTINGS;
    word_list_free(*words);
    *words = list;
    return TOK_OK;
}

static enum tok_err format_words(const struct keyword *k, const void *from, char **ret)
{
    return word_list_format(*(const word_list *)keyword_member(k, from), ' ', ret);
}

static enum tok_err copy_words(const void *from, void *to)
{
    return word_list_copy(*(const word_list *)from, to);
}

static void clear_words(void *member)
{
    cleanup_word_list(member);
}

const struct keyword_type keyword_words = {.parse = parse_words,
                                           .format = format_words,
                                           .copy = copy_words,
                                           .clear = clear_words,
                                           .is_list = true};

static enum tok_err parse_one(const struct keyword_value *v, void *to)
{
    return v->k->valid(v->text) ? word_list_add(keyword_member(v->k, to), v->text)
                                : TOK_SETTINGS;
}

const struct keyword_type keyword_texts = {.parse = parse_one,
                                           .format = format_words,
                                           .copy = copy_words,
                                           .clear = clear_words,
                                           .adds = true};

/* Keywords */

const struct keyword *keyword_find(const struct keyword *table, const char *section,
                                   struct slice name)
{
    for (const struct keyword *k = table; k->type; k++)
        if (k->name && slice_is(name, k->name) &&
            (!section || strcmp(section, k->section) == 0))
            return k;
    return NULL;
}

enum tok_err keyword_assign(const struct keyword_value *v, void *to, struct errmsg *errmsg)
{
    const struct slice shown = v->k->hidden && v->text.p ? SLICE("...") : v->text;
    enum tok_err err = v->k->type->parse(v, to);

    if (!err)
        return TOK_OK;
    if (err != TOK_SETTINGS)
        return errmsg_set(errmsg, err, "%s: %s", v->k->name, tok_err_text(err));
    return errmsg_set(errmsg, err, "%.*s%s%.*s: expected %s%s", (int)v->name.n, v->name.p,
                      shown.p ? "=" : " has no value", slice_shown(shown, VALUE_SHOWN), shown.p,
                      v->k->form,
                      !v->k->type->is_list  ? ""
                      : v->separator == ',' ? ", separated by commas"
                                            : ", separated by spaces");
}

void keyword_clear(const struct keyword *k, void *record)
{
    if (k->type->clear)
        k->type->clear(keyword_member(k, record));
    memset(keyword_member(k, record), 0, k->size);
}

enum tok_err keyword_copy(const struct keyword *k, const void *from, void *to)
{
    keyword_clear(k, to);
    if (k->type->copy)
        return k->type->copy(keyword_member(k, from), keyword_member(k, to));
    memcpy(keyword_member(k, to), keyword_member(k, from), k->size);
    return TOK_OK;
}

enum tok_err keywords_init(const struct keyword *table, void *record)
{
    enum tok_err err = TOK_OK;

    for (const struct keyword *k = table; !err && k->type; k++)
        if (k->initial)
            err = k->type->parse(
                &(struct keyword_value){.k = k, .text = slice_of(k->initial), .separator = ' '},
                record);
    if (err)
        keywords_clear(table, record);
    return err;
}

enum tok_err keywords_copy(const struct keyword *table, const void *from, void *to)
{
    enum tok_err err = TOK_OK;

    for (const struct keyword *k = table; !err && k->type; k++)
        err = keyword_copy(k, from, to);
    if (err)
        keywords_clear(table, to);
    return err;
}

void keywords_clear(const struct keyword *table, void *record)
{
    for (const struct keyword *k = table; k->type; k++)
        keyword_clear(k, record);
}
