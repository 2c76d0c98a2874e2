#include "policy_field.h"

#include <stdio.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void *field_at(struct policy *p, const struct policy_field *f)
{
    return (char *)p + f->offset;
}

static const void *const_field_at(const struct policy *p, const struct policy_field *f)
{
    return (const char *)p + f->offset;
}

static enum tok_err set_text(char **at, struct slice value)
{
    char *copy;
    enum tok_err err = value_text(value, &copy);

    if (err)
        return err;
    free(*at);
    *at = copy;
    return TOK_OK;
}

static enum tok_err set_names(word_list *at, struct slice value, char separator)
{
    word_list list;
    enum tok_err err = value_words(value, separator, value_is_name, &list);

    if (err)
        return err;
    if (!list)
        return TOK_SETTINGS;
    word_list_free(*at);
    *at = list;
    return TOK_OK;
}

static bool is_algorithm(struct slice word)
{
    return alg_find(word) != NULL;
}

static enum tok_err set_algorithms(alg_set *at, struct slice value, char separator)
{
    CLEANUP(cleanup_word_list) word_list list = NULL;
    alg_set set = 0;
    enum tok_err err = value_words(value, separator, is_algorithm, &list);

    if (err)
        return err;
    for (char **name = list; name && *name; name++)
        set |= alg_bit(alg_find(slice_of(*name)));
    if (set == 0)
        return TOK_SETTINGS;
    *at = set;
    return TOK_OK;
}

void policy_algorithms_text(alg_set set, char separator, char ret[POLICY_ALGORITHMS_TEXT])
{
    size_t used = 0;

    ret[0] = '\0';
    for (size_t i = 0; alg_at(i) && used < POLICY_ALGORITHMS_TEXT; i++) {
        const char between[2] = {used > 0 ? separator : '\0'};

        if (set & alg_bit(alg_at(i)))
            used += (size_t)snprintf(ret + used, POLICY_ALGORITHMS_TEXT - used, "%s%s", between,
                                     alg_at(i)->name);
    }
}

static const char *const typ_names[] = {
    [JWS_TYP_ABSENT] = "absent",
    [JWS_TYP_JWT] = "JWT",
    [JWS_TYP_AT_JWT] = "at+jwt",
};

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Media types are compared without regard to the case of ASCII letters, in any locale. */
static bool is_same_type(struct slice word, const char *name)
{
    if (word.n != strlen(name))
        return false;
    for (size_t i = 0; i < word.n; i++)
        if (to_lower(word.p[i]) != to_lower(name[i]))
            return false;
    return true;
}

/* The bit of a typ's name, 0 for what is none. */
static unsigned typ_bit(struct slice word)
{
    static const char prefix[] = "application/";
    const size_t n = sizeof(prefix) - 1;
    struct slice bare = word;

    if (word.n > n && is_same_type((struct slice){word.p, n}, prefix))
        bare = (struct slice){word.p + n, word.n - n};
    for (size_t i = 0; i < N(typ_names); i++)
        if (is_same_type(i == JWS_TYP_ABSENT ? word : bare, typ_names[i]))
            return 1U << i;
    return 0;
}

static bool is_typ(struct slice word)
{
    return typ_bit(word) != 0;
}

static enum tok_err set_typs(unsigned *at, struct slice value, char separator)
{
    CLEANUP(cleanup_word_list) word_list list = NULL;
    unsigned set = 0;
    enum tok_err err = value_words(value, separator, is_typ, &list);

    if (err)
        return err;
    for (char **name = list; name && *name; name++)
        set |= typ_bit(slice_of(*name));
    if (set == 0)
        return TOK_SETTINGS;
    *at = set;
    return TOK_OK;
}

static void typs_text(unsigned set, char separator, char *ret, size_t size)
{
    static const enum jws_typ order[] = {JWS_TYP_JWT, JWS_TYP_AT_JWT, JWS_TYP_ABSENT};
    size_t used = 0;

    ret[0] = '\0';
    for (size_t i = 0; i < N(order); i++) {
        const char between[2] = {used > 0 ? separator : '\0'};

        if (set & 1U << order[i])
            used +=
                (size_t)snprintf(ret + used, size - used, "%s%s", between, typ_names[order[i]]);
    }
}

static void free_claims(struct policy *p)
{
    for (size_t i = 0; i < p->n_claims; i++) {
        free(p->claims[i].name);
        free(p->claims[i].value);
    }
    free(p->claims);
    p->claims = NULL;
    p->n_claims = 0;
}

static enum tok_err add_claim(struct policy *p, struct slice name, struct slice value)
{
    CLEANUP(cleanup_free) char *name_copy = NULL;
    CLEANUP(cleanup_free) char *value_copy = NULL;
    struct policy_claim *more;
    enum tok_err err = value_text(name, &name_copy);

    if (err == TOK_OK)
        err = value_text(value, &value_copy);
    if (err)
        return err;
    more = reallocarray(p->claims, p->n_claims + 1, sizeof(*more));
    if (!more)
        return TOK_NO_MEMORY;
    more[p->n_claims++] = (struct policy_claim){.name = name_copy, .value = value_copy};
    p->claims = more;
    name_copy = value_copy = NULL;
    return TOK_OK;
}

static enum tok_err set_claim(struct policy *p, struct slice value)
{
    const char *colon = value.n > 0 ? memchr(value.p, ':', value.n) : NULL;
    struct slice name;

    if (!colon)
        return TOK_SETTINGS;
    name = (struct slice){value.p, (size_t)(colon - value.p)};
    if (!value_is_name(name))
        return TOK_SETTINGS;
    return add_claim(p, name, (struct slice){colon + 1, value.n - name.n - 1});
}

static enum tok_err copy_claims(const struct policy *from, struct policy *to)
{
    struct policy copy = {0};

    for (size_t i = 0; i < from->n_claims; i++) {
        const struct policy_claim *c = &from->claims[i];
        enum tok_err err = add_claim(&copy, slice_of(c->name), slice_of(c->value));

        if (err) {
            free_claims(&copy);
            return err;
        }
    }
    free_claims(to);
    to->claims = copy.claims;
    to->n_claims = copy.n_claims;
    return TOK_OK;
}

static enum tok_err set_choice(bool *at, struct slice value)
{
    bool required = slice_is(value, "required");

    if (!required && !slice_is(value, "optional"))
        return TOK_SETTINGS;
    *at = required;
    return TOK_OK;
}

static enum tok_err set_seconds(int64_t *at, const struct policy_field *f, struct slice value)
{
    uint64_t usec;
    enum tok_err err =
        value_span(value, f->min * VALUE_SECOND, f->max * VALUE_SECOND, VALUE_SECOND, &usec);

    if (err)
        return err;
    *at = (int64_t)(usec / VALUE_SECOND);
    return TOK_OK;
}

static enum tok_err set_bytes(size_t *at, const struct policy_field *f, struct slice value)
{
    uint64_t n;
    enum tok_err err = value_number(value, f->min, f->max, &n);

    if (err)
        return err;
    *at = (size_t)n;
    return TOK_OK;
}

enum tok_err policy_field_set(struct policy *p, const struct policy_field *f,
                              struct slice value, char separator)
{
    void *at = field_at(p, f);

    switch (f->kind) {
    case POLICY_PATH:
        return value_is_path(value) ? set_text(at, value) : TOK_SETTINGS;
    case POLICY_PATH_OR_NONE:
        return value_is_path(value) || slice_is(value, "none") ? set_text(at, value)
                                                               : TOK_SETTINGS;
    case POLICY_MAP:
        return value_is_path(value) || slice_is(value, "none") || slice_is(value, "same")
                   ? set_text(at, value)
                   : TOK_SETTINGS;
    case POLICY_NAME:
        return value_is_name(value) ? set_text(at, value) : TOK_SETTINGS;
    case POLICY_NAME_OR_EMPTY:
        return value.n == 0 || value_is_name(value) ? set_text(at, value) : TOK_SETTINGS;
    case POLICY_NAMES:
        return set_names(at, value, separator);
    case POLICY_ALGORITHMS:
        return set_algorithms(at, value, separator);
    case POLICY_TYPS:
        return set_typs(at, value, separator);
    case POLICY_CLAIMS:
        return set_claim(p, value);
    case POLICY_CHOICE:
        return set_choice(at, value);
    case POLICY_FLAG:
        return value_flag(value, at);
    case POLICY_SECONDS:
        return set_seconds(at, f, value);
    case POLICY_BYTES:
        return set_bytes(at, f, value);
    }
    return TOK_SETTINGS;
}

static enum tok_err copy_text(const char *from, char **at)
{
    if (from)
        return set_text(at, slice_of(from));
    free(*at);
    *at = NULL;
    return TOK_OK;
}

static enum tok_err copy_words(word_list from, word_list *at)
{
    word_list copy;
    enum tok_err err = word_list_copy(from, &copy);

    if (err)
        return err;
    word_list_free(*at);
    *at = copy;
    return TOK_OK;
}

enum tok_err policy_field_copy(const struct policy *from, const struct policy_field *f,
                               struct policy *to)
{
    const void *source = const_field_at(from, f);
    void *at = field_at(to, f);

    switch (f->kind) {
    case POLICY_PATH:
    case POLICY_PATH_OR_NONE:
    case POLICY_MAP:
    case POLICY_NAME:
    case POLICY_NAME_OR_EMPTY:
        return copy_text(*(char *const *)source, at);
    case POLICY_NAMES:
        return copy_words(*(const word_list *)source, at);
    case POLICY_CLAIMS:
        return copy_claims(from, to);
    case POLICY_ALGORITHMS:
        *(alg_set *)at = *(const alg_set *)source;
        return TOK_OK;
    case POLICY_TYPS:
        *(unsigned *)at = *(const unsigned *)source;
        return TOK_OK;
    case POLICY_CHOICE:
    case POLICY_FLAG:
        *(bool *)at = *(const bool *)source;
        return TOK_OK;
    case POLICY_SECONDS:
        *(int64_t *)at = *(const int64_t *)source;
        return TOK_OK;
    case POLICY_BYTES:
        *(size_t *)at = *(const size_t *)source;
        return TOK_OK;
    }
    return TOK_SETTINGS;
}

void policy_field_clear(struct policy *p, const struct policy_field *f)
{
    static const struct policy empty;

    /* Copying what owns nothing frees and can't fail. */
    (void)!policy_field_copy(&empty, f, p);
}

size_t policy_field_count(const struct policy *p, const struct policy_field *f)
{
    return f->kind == POLICY_CLAIMS ? p->n_claims : 1;
}

static enum tok_err claim_text(const struct policy_claim *c, char **ret)
{
    return asprintf(ret, "%s:%s", c->name, c->value) < 0 ? TOK_NO_MEMORY : TOK_OK;
}

static enum tok_err bytes_text(size_t n, char **ret)
{
    return asprintf(ret, "%zu", n) < 0 ? TOK_NO_MEMORY : TOK_OK;
}

enum tok_err policy_field_text(const struct policy *p, const struct policy_field *f, size_t i,
                               char separator, char **ret)
{
    const void *at = const_field_at(p, f);
    char text[POLICY_ALGORITHMS_TEXT] = "";

    switch (f->kind) {
    case POLICY_PATH:
    case POLICY_PATH_OR_NONE:
    case POLICY_MAP:
    case POLICY_NAME:
    case POLICY_NAME_OR_EMPTY:
        return value_text(slice_of(*(char *const *)at ? *(char *const *)at : ""), ret);
    case POLICY_NAMES:
        return value_words_text(*(const word_list *)at, separator, ret);
    case POLICY_CLAIMS:
        return claim_text(&p->claims[i], ret);
    case POLICY_BYTES:
        return bytes_text(*(const size_t *)at, ret);
    case POLICY_ALGORITHMS:
        policy_algorithms_text(*(const alg_set *)at, separator, text);
        break;
    case POLICY_TYPS:
        typs_text(*(const unsigned *)at, separator, text, sizeof(text));
        break;
    case POLICY_CHOICE:
        return value_text(slice_of(*(const bool *)at ? "required" : "optional"), ret);
    case POLICY_FLAG:
        return value_text(slice_of(*(const bool *)at ? "yes" : "no"), ret);
    case POLICY_SECONDS:
        value_span_text((uint64_t) * (const int64_t *)at * VALUE_SECOND, text);
        break;
    }
    return value_text(slice_of(text), ret);
}
