#include "common/config/setting.h"

#include "common/config/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void *at(void *base, size_t offset)
{
    return (char *)base + offset;
}

static const void *const_at(const void *base, size_t offset)
{
    return (const char *)base + offset;
}

static enum tok_err set_words(word_list *words, const struct setting *f, struct slice value,
                              char separator)
{
    word_list list;
    enum tok_err err = word_list_parse(value, separator, f->ok, &list);

    if (err)
        return err;
    if (!list && f->min > 0)
        return TOK_SETTINGS;
    word_list_free(*words);
    *words = list;
    return TOK_OK;
}

static enum tok_err set_algorithm(const struct alg **alg, struct slice value)
{
    const struct alg *found = alg_find(value);

    if (!found)
        return TOK_SETTINGS;
    *alg = found;
    return TOK_OK;
}

/* The bit of an algorithm or of a header's typ; 0 for what is none. */
static uint32_t bit_of(const struct setting *f, struct slice word)
{
    const struct alg *alg;
    enum jws_typ typ;

    if (f->kind == SETTING_ALGORITHMS) {
        alg = alg_find(word);
        return alg ? alg_bit(alg) : 0;
    }
    typ = jws_typ_of(word);
    if (typ != JWS_TYP_OTHER)
        return UINT32_C(1) << typ;
    return word.n == 6 && strncasecmp(word.p, "absent", 6) == 0 ? 1 << JWS_TYP_ABSENT : 0;
}

/* The i-th name in the order of telling, with its bit; NULL past the last. */
static const char *name_at(const struct setting *f, size_t i, uint32_t *ret_bit)
{
    static const struct {
        const char *name;
        enum jws_typ typ;
    } typs[] = {{"JWT", JWS_TYP_JWT}, {"at+jwt", JWS_TYP_AT_JWT}, {"absent", JWS_TYP_ABSENT}};
    const struct alg *alg;

    if (f->kind == SETTING_ALGORITHMS) {
        alg = alg_at(i);
        *ret_bit = alg ? alg_bit(alg) : 0;
        return alg ? alg->name : NULL;
    }
    *ret_bit = i < N(typs) ? UINT32_C(1) << typs[i].typ : 0;
    return i < N(typs) ? typs[i].name : NULL;
}

static enum tok_err set_bits(uint32_t *bits, const struct setting *f, struct slice value,
                             char separator)
{
    struct slice rest = value, word;
    uint32_t set = 0;

    while (text_next_word(&rest, separator, &word)) {
        uint32_t bit = bit_of(f, word);

        if (!bit)
            return TOK_SETTINGS;
        set |= bit;
    }
    if (!set)
        return TOK_SETTINGS;
    *bits = set;
    return TOK_OK;
}

static void bits_text(uint32_t bits, const struct setting *f, char separator, char *ret,
                      size_t size)
{
    const char *name;
    uint32_t bit;
    size_t used = 0;

    for (size_t i = 0; (name = name_at(f, i, &bit)) && used < size; i++) {
        const char between[2] = {used > 0 ? separator : '\0'};

        if (bits & bit)
            used += (size_t)snprintf(ret + used, size - used, "%s%s", between, name);
    }
}

static enum tok_err set_choice(bool *required, struct slice value)
{
    if (!slice_is(value, "required") && !slice_is(value, "optional"))
        return TOK_SETTINGS;
    *required = slice_is(value, "required");
    return TOK_OK;
}

static enum tok_err set_span(uint64_t *units, const struct setting *f, struct slice value)
{
    uint64_t usec;
    enum tok_err err = value_span(value, f->min, f->max, f->step, &usec);

    if (err)
        return err;
    *units = usec / f->unit;
    return TOK_OK;
}

static const struct {
    const char *name;
    uint64_t usec;
} rate_units[] = {{"s", SECOND}, {"min", MINUTE}, {"h", HOUR}};

#define RATE_MAX 1000000

static enum tok_err set_rate(struct settings_rate *rate, struct slice value)
{
    struct slice digits, unit;
    uint64_t count;
    enum tok_err err;

    if (slice_is(value, "0")) {
        *rate = (struct settings_rate){0};
        return TOK_OK;
    }
    if (!slice_cut(value, '/', &digits, &unit))
        return TOK_SETTINGS;
    err = value_number(digits, 1, RATE_MAX, &count);
    if (err)
        return err;
    for (size_t i = 0; i < N(rate_units); i++) {
        if (slice_is(unit, rate_units[i].name)) {
            *rate = (struct settings_rate){(unsigned)count, rate_units[i].usec};
            return TOK_OK;
        }
    }
    return TOK_SETTINGS;
}

static void rate_text(const struct settings_rate *rate, char *ret, size_t size)
{
    const char *unit = "";

    for (size_t i = 0; i < N(rate_units); i++)
        if (rate_units[i].usec == rate->per)
            unit = rate_units[i].name;
    (void)snprintf(ret, size, rate->count == 0 ? "%u" : "%u/%s", rate->count, unit);
}

/* Claims */

/* Adds one, whose name and value are one text with a NUL for the colon. */
static enum tok_err add_claim(void *base, const struct setting *f, struct slice value)
{
    CLEANUP(cleanup_free) char *text = NULL;
    struct policy_claim **claims = at(base, f->offset), *more;
    size_t *n = at(base, f->n_offset);
    struct slice name, rest;
    enum tok_err err;

    if (!slice_cut(value, ':', &name, &rest) || !value_is_name(name))
        return TOK_SETTINGS;
    err = text_copy(value, &text);
    if (err)
        return err;
    more = reallocarray(*claims, *n + 1, sizeof(*more));
    if (!more)
        return TOK_NO_MEMORY;
    text[name.n] = '\0';
    more[(*n)++] = (struct policy_claim){.name = text, .value = text + name.n + 1};
    *claims = more;
    text = NULL;
    return TOK_OK;
}

static enum tok_err claim_text(const struct policy_claim *c, char **ret)
{
    return asprintf(ret, "%s:%s", c->name, c->value) < 0 ? TOK_NO_MEMORY : TOK_OK;
}

static enum tok_err copy_claims(const void *from, const struct setting *f, void *to)
{
    enum tok_err err = TOK_OK;

    for (size_t i = 0; !err && i < setting_count(from, f); i++) {
        CLEANUP(cleanup_free) char *text = NULL;

        err = setting_text(from, f, i, ',', &text);
        if (!err)
            err = add_claim(to, f, slice_of(text));
    }
    return err;
}

static void free_claims(void *base, const struct setting *f)
{
    struct policy_claim *claims = *(struct policy_claim **)at(base, f->offset);
    size_t *n = at(base, f->n_offset);

    for (; *n > 0; (*n)--)
        free(claims[*n - 1].name);
    free(claims);
}

/* Settings */

enum tok_err setting_set(void *base, const struct setting *f, struct slice value,
                         char separator)
{
    void *to = at(base, f->offset);

    switch (f->kind) {
    case SETTING_FLAG:
        return value_flag(value, to);
    case SETTING_CHOICE:
        return set_choice(to, value);
    case SETTING_NUMBER:
        return value_number(value, f->min, f->max, to);
    case SETTING_SPAN:
        return set_span(to, f, value);
    case SETTING_RATE:
        return set_rate(to, value);
    case SETTING_ALGORITHM:
        return set_algorithm(to, value);
    case SETTING_ALGORITHMS:
    case SETTING_TYPS:
        return set_bits(to, f, value, separator);
    case SETTING_TEXT:
        return f->ok(value) ? text_replace(to, value) : TOK_SETTINGS;
    case SETTING_WORDS:
        return set_words(to, f, value, separator);
    case SETTING_CLAIMS:
        return add_claim(base, f, value);
    }
    return TOK_SETTINGS;
}

void setting_clear(void *base, const struct setting *f)
{
    void *from = at(base, f->offset);

    if (f->kind == SETTING_TEXT)
        free(*(char **)from);
    else if (f->kind == SETTING_WORDS)
        word_list_free(*(word_list *)from);
    else if (f->kind == SETTING_CLAIMS)
        free_claims(base, f);
    memset(from, 0, f->size);
}

enum tok_err setting_copy(const void *from, const struct setting *f, void *to)
{
    const void *source = const_at(from, f->offset);

    setting_clear(to, f);
    if (f->kind == SETTING_CLAIMS)
        return copy_claims(from, f, to);
    if (f->kind == SETTING_WORDS)
        return word_list_copy(*(const word_list *)source, at(to, f->offset));
    if (f->kind == SETTING_TEXT && *(char *const *)source)
        return text_copy(slice_of(*(char *const *)source), at(to, f->offset));
    memcpy(at(to, f->offset), source, f->size);
    return TOK_OK;
}

bool setting_is_list(const struct setting *f)
{
    return f->kind == SETTING_WORDS || f->kind == SETTING_ALGORITHMS || f->kind == SETTING_TYPS;
}

size_t setting_count(const void *base, const struct setting *f)
{
    return f->kind == SETTING_CLAIMS ? *(const size_t *)const_at(base, f->n_offset) : 1;
}

enum tok_err setting_text(const void *base, const struct setting *f, size_t i, char separator,
                          char **ret)
{
    const void *from = const_at(base, f->offset);
    char made[SETTING_FORM] = "";
    const char *text = made;

    switch (f->kind) {
    case SETTING_FLAG:
        text = *(const bool *)from ? "yes" : "no";
        break;
    case SETTING_CHOICE:
        text = *(const bool *)from ? "required" : "optional";
        break;
    case SETTING_NUMBER:
        (void)snprintf(made, sizeof(made), "%" PRIu64, *(const uint64_t *)from);
        break;
    case SETTING_SPAN:
        value_span_text(*(const uint64_t *)from * f->unit, made);
        break;
    case SETTING_RATE:
        rate_text(from, made, sizeof(made));
        break;
    case SETTING_ALGORITHM:
        text = (*(const struct alg *const *)from)->name;
        break;
    case SETTING_ALGORITHMS:
    case SETTING_TYPS:
        bits_text(*(const uint32_t *)from, f, separator, made, sizeof(made));
        break;
    case SETTING_TEXT:
        text = *(char *const *)from ? *(char *const *)from : "";
        break;
    case SETTING_WORDS:
        return word_list_format(*(const word_list *)from, separator, ret);
    case SETTING_CLAIMS:
        return claim_text(*(struct policy_claim *const *)from + i, ret);
    }
    return text_copy(slice_of(text), ret);
}

static void span_form(const struct setting *f, char ret[SETTING_FORM])
{
    char min[VALUE_SPAN_TEXT], max[VALUE_SPAN_TEXT];

    value_span_text(f->min, min);
    value_span_text(f->max, max);
    (void)snprintf(ret, SETTING_FORM, "%s from %s to %s, such as %s",
                   f->step == SECOND ? "whole seconds" : "a time span", min, max,
                   f->min == 0 ? "10s" : f->standard);
}

static void algorithms_form(const char *many, char ret[SETTING_FORM])
{
    static const struct setting algorithms = {.kind = SETTING_ALGORITHMS};
    int n = snprintf(ret, SETTING_FORM, "%s of ", many);

    bits_text(~(alg_set)0, &algorithms, ' ', ret + n, SETTING_FORM - (size_t)n);
}

void setting_form(const struct setting *f, char ret[SETTING_FORM])
{
    if (f->form)
        (void)snprintf(ret, SETTING_FORM, "%s", f->form);
    else if (f->kind == SETTING_NUMBER)
        (void)snprintf(ret, SETTING_FORM, "a number from %llu to %llu",
                       (unsigned long long)f->min, (unsigned long long)f->max);
    else if (f->kind == SETTING_ALGORITHM)
        algorithms_form("one", ret);
    else if (f->kind == SETTING_ALGORITHMS)
        algorithms_form("one or more", ret);
    else
        span_form(f, ret);
}
