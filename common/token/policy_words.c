#include "common/token/policy.h"

#include "common/base/timespan.h"
#include "common/token/claim_test.h"

static uint32_t algorithm_bit(struct slice name)
{
    const struct alg *alg = alg_find(name);

    return alg ? alg_bit(alg) : 0;
}

static uint32_t typ_bit(struct slice name)
{
    enum jws_typ typ = jws_typ_of(name);

    if (typ == JWS_TYP_OTHER && name.n == strlen("absent") &&
        strncasecmp(name.p, "absent", name.n) == 0)
        typ = JWS_TYP_ABSENT;
    return typ >= JWS_TYP_BUNDLE ? 0 : UINT32_C(1) << typ;
}

static bool is_path_or_none(struct slice text)
{
    return value_is_path(text) || slice_is(text, "none");
}

static bool is_map(struct slice text)
{
    return is_path_or_none(text) || slice_is(text, "same");
}

static bool is_keys_url(struct slice text)
{
    return slice_is(text, POLICY_DISCOVER) || value_is_https_url(text);
}

static bool is_name_or_empty(struct slice text)
{
    return text.n == 0 || value_is_name(text);
}

static bool is_claim(struct slice text)
{
    struct slice path, values;

    return value_is_printable(text) && claim_test_split(text, &path, &values);
}

/* clang-format off */
#define ROW(member, type, ...) KEYWORD(struct policy, member, type, __VA_ARGS__)
#define TEXT(member, is, says, def) ROW(member, keyword_text, \
    .valid = (is), .form = (says), .initial = (def))
#define NAMES(member, says, def) ROW(member, keyword_words, \
    .valid = value_is_name, .form = says ", each " VALUE_NAME_FORM, .initial = (def))
#define CHOICE(member) ROW(member, keyword_flag, .names = "optional required", \
    .form = "optional or required")
#define SECONDS(member, low, high, def) ROW(member, keyword_span, \
    .min = (low), .max = (high), .step = SECOND, .unit = SECOND, .initial = (def), \
    .form = "a time span from " low " to " high " in whole seconds, such as " def)

const struct keyword policy_keywords[] = {
    {"Keys", TEXT(keys, value_is_path, VALUE_PATH_FORM, POLICY_KEYS)},
    {"Issuer", TEXT(issuer, value_is_name, VALUE_NAME_FORM, NULL)},
    {"Audience", ROW(audience, keyword_words, .valid = value_is_audience,
        .form = "one or more audiences, each " VALUE_AUDIENCE_FORM)},
    {"AudienceClaim", TEXT(audience_claim, value_is_name, "the name of a claim, " VALUE_NAME_FORM,
        "aud")},
    {"HostKeys", TEXT(host_keys, value_is_path, VALUE_PATH_FORM
        ", in which * and ? stand for any characters", HOST_KEY_FILES)},
    {"Algorithms", ROW(algorithms, keyword_set, .bit = algorithm_bit, .names = ALG_NAMES,
        .form = "one or more of " ALG_NAMES)},
    {"UserClaim", TEXT(user_claim, value_is_name, "the name of a claim, " VALUE_NAME_FORM,
        "sub")},
    {"Type", TEXT(type, is_name_or_empty,
        "a token_type such as access, or an empty value, which accepts any", "access")},
    {"Typ", ROW(typ, keyword_set, .bit = typ_bit, .names = "JWT at+jwt absent",
        .form = "one or more of JWT, at+jwt and absent", .initial = "JWT at+jwt absent")},
    {"Require", NAMES(require, "the names of one or more claims", "iss sub aud exp iat")},
    {"Claim", ROW(claims, keyword_texts, .valid = is_claim, .form =
        "PATH:VALUE, with names in quotes that contain a dot or a colon")},
    {"Scope", CHOICE(scope_required)},
    {"OneTime", CHOICE(one_time_required)},
    {"Leeway", SECONDS(leeway, "0", "5min", "5s")},
    {"MaxLifetime", SECONDS(max_lifetime, "1s", "3650d", "1d")},
    {"MaxLength", ROW(max_length, keyword_number, .min = "1", .max = "65536",
        .form = "a number of bytes from 1 to 65536", .initial = "8192")},
    {"AllowRoot", ROW(allow_root, keyword_flag, KEYWORD_YES_NO, .bare = true)},
    {"Revoked", TEXT(revoked, is_path_or_none, VALUE_PATH_FORM " or none", POLICY_REVOKED)},
    {"RevokedMaxAge", ROW(revoked_max_age, keyword_span, .min = "0", .max = "3650d",
        .step = SECOND, .unit = SECOND,
        .form = "a time span from 1s to 3650d in whole seconds, such as 1h, or 0 for no limit")},
    {"UserMap", TEXT(user_map, is_map, "none, same or " VALUE_PATH_FORM, "none")},
    {"KeysUrl", "Issuer", ROW(keys_url, keyword_text, .valid = is_keys_url,
        .form = POLICY_DISCOVER " or " VALUE_HTTPS_URL_FORM)},
    {"Exchange", "Issuer", ROW(exchange, keyword_flag, KEYWORD_YES_NO)},
    {"Session", "Issuer", ROW(session, keyword_flag, KEYWORD_YES_NO)},
    {"ExchangeLifetime", "Issuer", SECONDS(exchange_lifetime, "1s", "3650d", "1d")},
    /* Settings of the issuer give these (resolve.c). */
    {NULL, TEXT(token_type_claim, value_is_name, NULL, "token_type")},
    {NULL, TEXT(jti_claim, value_is_name, NULL, "jti")},
    {0},
};
/* clang-format on */

_Static_assert(sizeof(policy_keywords) / sizeof(policy_keywords[0]) <= POLICY_KEYWORDS_MAX,
               "policy.given has a bit for each");

enum tok_err policy_init(struct policy *ret)
{
    *ret = (struct policy){.algorithms = alg_set_default()};
    return keywords_init(policy_keywords, ret);
}

void policy_clear(struct policy *p)
{
    keywords_clear(policy_keywords, p);
    *p = (struct policy){0};
}

enum tok_err policy_copy(const struct policy *from, struct policy *ret)
{
    enum tok_err err;

    *ret = (struct policy){0};
    err = keywords_copy(policy_keywords, from, ret);
    if (!err)
        ret->given = from->given;
    return err;
}

/* True for the keyword UserClaim and the word user_claim. */
static bool is_spelled(const char *key, struct slice word)
{
    size_t n = 0;

    for (const char *c = key; *c; c++) {
        bool begins = c > key && *c >= 'A' && *c <= 'Z';

        if (begins && (n == word.n || word.p[n] != '_'))
            return false;
        n += begins;
        if (n == word.n || word.p[n] != text_lower(*c))
            return false;
        n++;
    }
    return n == word.n;
}

static const struct keyword *find_word(struct slice word)
{
    for (const struct keyword *k = policy_keywords; k->type; k++)
        if (k->name && is_spelled(k->name, word))
            return k;
    return NULL;
}

static uint64_t given_bit(const struct keyword *k)
{
    return UINT64_C(1) << (k - policy_keywords);
}

bool policy_has(const struct policy *p, const struct keyword *k)
{
    return p->given & given_bit(k);
}

bool policy_given(const struct policy *p, const char *word)
{
    const struct keyword *k = find_word(slice_of(word));

    return k && policy_has(p, k);
}

enum tok_err policy_assign(struct policy *p, const struct keyword_value *v,
                           struct errmsg *errmsg)
{
    enum tok_err err = keyword_assign(v, p, errmsg);

    if (err)
        return err;
    p->given |= given_bit(v->k);
    return TOK_OK;
}

enum tok_err policy_set(struct policy *p, struct slice word, struct slice value,
                        struct errmsg *errmsg)
{
    const struct keyword_value v = {find_word(word), word, value, ','};

    /* A section: of settings files alone. */
    return v.k && !v.k->section ? policy_assign(p, &v, errmsg) : TOK_UNSUPPORTED;
}

enum tok_err policy_override(struct policy *base, const struct policy *over)
{
    enum tok_err err = TOK_OK;

    for (const struct keyword *k = policy_keywords; !err && k->type; k++)
        if (policy_has(over, k))
            err = keyword_copy(k, over, base);
    base->given |= over->given;
    return err;
}
