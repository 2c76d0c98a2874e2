#include "common/token/policy.h"

#include "common/config/setting.h"

#include <string.h>

#define VALUE_SHOWN 100 /* bytes of a wrong value in a sentence */

struct word {
    const char *name, *camel;
    struct setting setting;
};

static bool is_path_or_none(struct slice text)
{
    return value_is_path(text) || slice_is(text, "none");
}

static bool is_map(struct slice text)
{
    return is_path_or_none(text) || slice_is(text, "same");
}

static bool is_name_or_empty(struct slice text)
{
    return text.n == 0 || value_is_name(text);
}

/* clang-format off */
#define TEXT(member, is, says, std) SETTING(struct policy, SETTING_TEXT, member, \
    .ok = (is), .form = (says), .standard = (std))
#define NAMES(member, says, std) SETTING(struct policy, SETTING_WORDS, member, \
    .min = 1, .ok = value_is_name, .form = (says), .standard = (std))
#define CHOICE(member) SETTING(struct policy, SETTING_CHOICE, member, \
    .form = "optional or required", .standard = "optional")
#define SECONDS(member, low, high, says, std) SETTING(struct policy, SETTING_SPAN, member, \
    .min = (low), .max = (high), .step = SECOND, .unit = SECOND, .form = (says), .standard = (std))

/* algorithms= has its default from alg_set_default. */
static const struct word table[] = {
    {"keys", "Keys", TEXT(keys, value_is_path, VALUE_PATH_FORM, POLICY_KEYS)},
    {"issuer", "Issuer", TEXT(issuer, value_is_name, VALUE_NAME_FORM, NULL)},
    {"audience", "Audience",
     NAMES(audience, "one or more audiences, each " VALUE_NAME_FORM, NULL)},
    {"algorithms", "Algorithms",
     SETTING(struct policy, SETTING_ALGORITHMS, algorithms, .standard = NULL)},
    {"user_claim", "UserClaim",
     TEXT(user_claim, value_is_name, "a claim's name, " VALUE_NAME_FORM, "sub")},
    {"type", "Type", TEXT(type, is_name_or_empty,
     "a token_type such as access, or nothing: it is not asked", "access")},
    {"typ", "Typ", SETTING(struct policy, SETTING_TYPS, typ,
     .form = "one or more of JWT, at+jwt and absent", .standard = "JWT,at+jwt,absent")},
    {"require", "Require", NAMES(require, "one or more claims' names", "iss,sub,aud,exp,iat")},
    {"claim", "Claim", SETTING(struct policy, SETTING_CLAIMS, claims,
     .n_offset = offsetof(struct policy, n_claims), .form = "NAME:VALUE")},
    {"scope", "Scope", CHOICE(scope_required)},
    {"one_time", "OneTime", CHOICE(one_time_required)},
    {"leeway", "Leeway", SECONDS(leeway, 0, POLICY_LEEWAY_MAX * SECOND,
     "whole seconds from 0 to 5min, such as 5s", "5s")},
    {"max_lifetime", "MaxLifetime", SECONDS(max_lifetime, SECOND, 3650 * DAY,
     "whole seconds from 1s to 3650d, such as 15min or 7d", "1d")},
    {"max_length", "MaxLength", SETTING(struct policy, SETTING_NUMBER, max_length,
     .min = 1, .max = POLICY_LENGTH_MAX, .form = "bytes from 1 to 65536", .standard = "8192")},
    {"allow_root", "AllowRoot", SETTING(struct policy, SETTING_FLAG, allow_root,
     .form = VALUE_FLAG_FORM, .standard = "no")},
    {"revoked", "Revoked",
     TEXT(revoked, is_path_or_none, VALUE_PATH_FORM " or none", POLICY_REVOKED)},
    {"user_map", "UserMap", TEXT(user_map, is_map, "none, same or " VALUE_PATH_FORM, "none")},
};

/* The claims' names, which no word sets: the settings do (resolve.c). */
static const struct setting names[] = {
    TEXT(token_type_claim, value_is_name, VALUE_NAME_FORM, "token_type"),
    TEXT(jti_claim, value_is_name, VALUE_NAME_FORM, "jti"),
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

/* Every setting of a policy but for `given`. */
static const struct setting *setting_at(size_t i)
{
    if (i < N_WORDS)
        return &table[i].setting;
    i -= N_WORDS;
    return i < sizeof(names) / sizeof(names[0]) ? &names[i] : NULL;
}

enum tok_err policy_init(struct policy *ret)
{
    struct policy p = {.algorithms = alg_set_default()};
    const struct setting *f;

    for (size_t i = 0; (f = setting_at(i)); i++) {
        enum tok_err err =
            f->standard ? setting_set(&p, f, slice_of(f->standard), ',') : TOK_OK;

        if (err) {
            policy_clear(&p);
            return err;
        }
    }
    *ret = p;
    return TOK_OK;
}

void policy_clear(struct policy *p)
{
    const struct setting *f;

    for (size_t i = 0; (f = setting_at(i)); i++)
        setting_clear(p, f);
    *p = (struct policy){0};
}

enum tok_err policy_copy(const struct policy *from, struct policy *ret)
{
    struct policy copy = {.given = from->given};
    const struct setting *f;

    for (size_t i = 0; (f = setting_at(i)); i++) {
        enum tok_err err = setting_copy(from, f, &copy);

        if (err) {
            policy_clear(&copy);
            return err;
        }
    }
    *ret = copy;
    return TOK_OK;
}

/* The sentence about a value that is out of form. */
static enum tok_err refuse(const struct word *w, enum policy_style style, struct slice value,
                           struct errmsg *errmsg)
{
    const char *name = name_in(w, style), *parted = "";
    char form[SETTING_FORM];

    setting_form(&w->setting, form);
    if (setting_is_list(&w->setting))
        parted = style == POLICY_CAMEL ? ", parted by blanks" : ", parted by commas";
    if (!value.p)
        return errmsg_set(errmsg, TOK_SETTINGS, "%s: its value is missing; allowed is %s=%s%s",
                          name, name, form, parted);
    return errmsg_set(errmsg, TOK_SETTINGS,
                      "%s=%.*s: the value is out of form; allowed is %s%s", name,
                      slice_shown(value, VALUE_SHOWN), value.p, form, parted);
}

/* Between the words of a list. */
static char separator_in(enum policy_style style)
{
    return style == POLICY_CAMEL ? ' ' : ',';
}

enum tok_err policy_set(struct policy *p, enum policy_style style, struct slice word,
                        struct slice value, struct errmsg *errmsg)
{
    const struct word *w = find_word(style, word);
    struct slice text = value;
    enum tok_err err;

    if (!w)
        return TOK_UNSUPPORTED;
    if (!value.p && w->setting.kind == SETTING_FLAG && style == POLICY_WORDS)
        text = SLICE("yes");
    else if (!value.p)
        return refuse(w, style, value, errmsg);
    err = setting_set(p, &w->setting, text, separator_in(style));
    if (err == TOK_SETTINGS)
        return refuse(w, style, value, errmsg);
    if (err)
        return errmsg_set(errmsg, err, "%s: %s", name_in(w, style), tok_err_text(err));
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
        err = setting_copy(over, &table[i].setting, base);
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
    for (size_t i = 0; i < setting_count(p, &w->setting); i++) {
        CLEANUP(cleanup_free) char *value = NULL;
        enum tok_err err = setting_text(p, &w->setting, i, separator_in(style), &value);

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
        if (setting_count(&defaults, &w->setting) > 0)
            err = setting_text(&defaults, &w->setting, 0, separator_in(style), &standard);
        if (!err)
            err = tell(p, w, style, standard ? standard : "", fn, arg);
    }
    return err;
}
