#include "policy.h"

#include "policy_field.h"

#include <string.h>

#define VALUE_SHOWN 100 /* bytes of a wrong value in a sentence */

struct word {
    const char *name, *camel;
    struct policy_field field;
    const char *standard; /* NULL: none, or made by policy_init */
    const char *form;     /* NULL: the names of alg's table */
    bool list;
};

/* clang-format off */
#define FIELD(kind, member) {kind, offsetof(struct policy, member), 0, 0}
#define RANGE(kind, member, min, max) {kind, offsetof(struct policy, member), min, max}

static const struct word table[] = {
    {"keys", "Keys", FIELD(POLICY_PATH, keys), POLICY_KEYS, VALUE_PATH_FORM, false},
    {"issuer", "Issuer", FIELD(POLICY_NAME, issuer), NULL, VALUE_NAME_FORM, false},
    {"audience", "Audience", FIELD(POLICY_NAMES, audience), NULL,
     "one or more audiences, each " VALUE_NAME_FORM, true},
    {"algorithms", "Algorithms", FIELD(POLICY_ALGORITHMS, algorithms), NULL, NULL, true},
    {"user_claim", "UserClaim", FIELD(POLICY_NAME, user_claim), "sub",
     "a claim's name, " VALUE_NAME_FORM, false},
    {"type", "Type", FIELD(POLICY_NAME_OR_EMPTY, type), "access",
     "a token_type such as access, or nothing: it is not asked", false},
    {"typ", "Typ", FIELD(POLICY_TYPS, typ), "JWT,at+jwt,absent",
     "one or more of JWT, at+jwt and absent", true},
    {"require", "Require", FIELD(POLICY_NAMES, require), "iss,sub,aud,exp,iat",
     "one or more claims' names", true},
    {"claim", "Claim", FIELD(POLICY_CLAIMS, claims), NULL, "NAME:VALUE", false},
    {"scope", "Scope", FIELD(POLICY_CHOICE, scope_required), "optional",
     "optional or required", false},
    {"one_time", "OneTime", FIELD(POLICY_CHOICE, one_time_required), "optional",
     "optional or required", false},
    {"leeway", "Leeway", RANGE(POLICY_SECONDS, leeway, 0, POLICY_LEEWAY_MAX), "5s",
     "whole seconds from 0 to 5min, such as 5s", false},
    {"max_lifetime", "MaxLifetime",
     RANGE(POLICY_SECONDS, max_lifetime, 1, UINT64_C(3650) * 86400), "1d",
     "whole seconds from 1s to 3650d, such as 15min or 7d", false},
    {"max_length", "MaxLength", RANGE(POLICY_BYTES, max_length, 1, POLICY_LENGTH_MAX), "8192",
     "bytes from 1 to 65536", false},
    {"allow_root", "AllowRoot", FIELD(POLICY_FLAG, allow_root), "no", VALUE_FLAG_FORM, false},
    {"revoked", "Revoked", FIELD(POLICY_PATH_OR_NONE, revoked), POLICY_REVOKED,
     VALUE_PATH_FORM " or none", false},
    {"user_map", "UserMap", FIELD(POLICY_MAP, user_map), "none",
     "none, same or " VALUE_PATH_FORM, false},
};
/* clang-format on */

#define N_WORDS (sizeof(table) / sizeof(table[0]))

_Static_assert(N_WORDS <= 64, "policy.given has a bit a word");

static uint64_t bit_of(const struct word *w)
{
    return UINT64_C(1) << (w - table);
}

static const char *name_in(const struct word *w, enum policy_style style)
{
    return style == POLICY_CAMEL ? w->camel : w->name;
}

static const struct word *find_word(enum policy_style style, struct slice name)
{
    for (size_t i = 0; i < N_WORDS; i++)
        if (slice_is(name, name_in(&table[i], style)))
            return &table[i];
    return NULL;
}

/* A name of ours as text that can be freed. */
static enum tok_err own_text(const char *text, char **ret)
{
    return value_text(slice_of(text), ret);
}

static enum tok_err set_defaults(struct policy *p)
{
    enum tok_err err;

    for (size_t i = 0; i < N_WORDS; i++) {
        const char *standard = table[i].standard;

        if (!standard)
            continue;
        err = policy_field_set(p, &table[i].field, slice_of(standard), ',');
        if (err)
            return err;
    }
    p->algorithms = alg_set_default();
    err = own_text("token_type", &p->token_type_claim);
    if (err)
        return err;
    return own_text("jti", &p->jti_claim);
}

enum tok_err policy_init(struct policy *ret)
{
    struct policy p = {0};
    enum tok_err err = set_defaults(&p);

    if (err == TOK_OK)
        *ret = p;
    else
        policy_clear(&p);
    return err;
}

void policy_clear(struct policy *p)
{
    for (size_t i = 0; i < N_WORDS; i++)
        policy_field_clear(p, &table[i].field);
    free(p->token_type_claim);
    free(p->jti_claim);
    *p = (struct policy){0};
}

static enum tok_err copy_into(const struct policy *from, struct policy *to)
{
    enum tok_err err;

    for (size_t i = 0; i < N_WORDS; i++) {
        err = policy_field_copy(from, &table[i].field, to);
        if (err)
            return err;
    }
    to->given = from->given;
    if (from->token_type_claim) {
        err = own_text(from->token_type_claim, &to->token_type_claim);
        if (err)
            return err;
    }
    return from->jti_claim ? own_text(from->jti_claim, &to->jti_claim) : TOK_OK;
}

enum tok_err policy_copy(const struct policy *from, struct policy *ret)
{
    struct policy copy = {0};
    enum tok_err err = copy_into(from, &copy);

    if (err == TOK_OK)
        *ret = copy;
    else
        policy_clear(&copy);
    return err;
}

/* The sentence about a value that is out of form. */
static enum tok_err refuse(const struct word *w, enum policy_style style, struct slice value,
                           struct why *why)
{
    const char *name = name_in(w, style);
    char algorithms[POLICY_ALGORITHMS_TEXT + 16] = "one or more of ";
    const char *form = w->form;
    const char *parted = style == POLICY_CAMEL ? ", parted by blanks" : ", parted by commas";

    if (!form) {
        policy_algorithms_text(~(alg_set)0, ' ', algorithms + strlen(algorithms));
        form = algorithms;
    }
    if (!value.p)
        return why_set(why, TOK_SETTINGS, "%s: its value is missing; allowed is %s=%s%s", name,
                       name, form, w->list ? parted : "");
    return why_set(why, TOK_SETTINGS, "%s=%.*s: the value is out of form; allowed is %s%s",
                   name, (int)(value.n < VALUE_SHOWN ? value.n : VALUE_SHOWN), value.p, form,
                   w->list ? parted : "");
}

enum tok_err policy_set(struct policy *p, enum policy_style style, struct slice word,
                        struct slice value, struct why *why)
{
    const struct word *w = find_word(style, word);
    struct slice text = value;
    enum tok_err err;

    if (!w)
        return TOK_UNSUPPORTED;
    if (!value.p && w->field.kind == POLICY_FLAG && style == POLICY_WORDS)
        text = SLICE("yes");
    else if (!value.p)
        return refuse(w, style, value, why);
    err = policy_field_set(p, &w->field, text, style == POLICY_CAMEL ? ' ' : ',');
    if (err == TOK_SETTINGS)
        return refuse(w, style, value, why);
    if (err)
        return why_set(why, err, "%s: %s", name_in(w, style), tok_err_text(err));
    p->given |= bit_of(w);
    return TOK_OK;
}

const char *policy_word_at(enum policy_style style, size_t i)
{
    return i < N_WORDS ? name_in(&table[i], style) : NULL;
}

bool policy_given(const struct policy *p, const char *word)
{
    const struct word *w = find_word(POLICY_WORDS, slice_of(word));

    return w && (p->given & bit_of(w));
}

enum tok_err policy_override(struct policy *base, const struct policy *over)
{
    for (size_t i = 0; i < N_WORDS; i++) {
        enum tok_err err;

        if (!(over->given & bit_of(&table[i])))
            continue;
        err = policy_field_copy(over, &table[i].field, base);
        if (err)
            return err;
        base->given |= bit_of(&table[i]);
    }
    return TOK_OK;
}

typedef void (*tell_fn)(void *arg, const char *word, const char *value, const char *standard);

static enum tok_err tell(const struct policy *p, const struct word *w, enum policy_style style,
                         const char *standard, tell_fn fn, void *arg)
{
    const char separator = style == POLICY_CAMEL ? ' ' : ',';

    for (size_t i = 0; i < policy_field_count(p, &w->field); i++) {
        CLEANUP(cleanup_free) char *value = NULL;
        enum tok_err err = policy_field_text(p, &w->field, i, separator, &value);

        if (err)
            return err;
        fn(arg, name_in(w, style), value, standard);
    }
    return TOK_OK;
}

enum tok_err policy_each_given(const struct policy *p, enum policy_style style, tell_fn fn,
                               void *arg)
{
    CLEANUP(policy_clear) struct policy defaults = {0};
    enum tok_err err = policy_init(&defaults);

    for (size_t i = 0; !err && i < N_WORDS; i++) {
        CLEANUP(cleanup_free) char *standard = NULL;
        const struct word *w = &table[i];

        if (!(p->given & bit_of(w)))
            continue;
        if (policy_field_count(&defaults, &w->field) > 0) {
            err = policy_field_text(&defaults, &w->field, 0, style == POLICY_CAMEL ? ' ' : ',',
                                    &standard);
            if (err)
                return err;
        }
        err = tell(p, w, style, standard ? standard : "", fn, arg);
    }
    return err;
}
