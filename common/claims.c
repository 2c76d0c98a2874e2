#include "claims.h"

#include <string.h>

#define CLAIMS_NAME_MAX 256 /* bytes of a name from the settings, and more */

/* The claims that are looked at; USER and after it are called as the settings say. KNOWN is the
 * place of all others. */
enum {
    ISS,
    SUB,
    AUD,
    EXP,
    NBF,
    IAT,
    SID,
    SCOPE,
    GEN,
    ONE_TIME,
    CNF,
    USER,
    TOKEN_TYPE,
    JTI,
    KNOWN
};

#define THREE(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))

/* Which of the claims with names of their own is it? KNOWN: none. */
static int known_by_name(struct slice name)
{
    if (name.n == 8)
        return slice_is(name, "one_time") ? ONE_TIME : KNOWN;
    if (name.n == 5)
        return slice_is(name, "scope") ? SCOPE : KNOWN;
    if (name.n != 3)
        return KNOWN;
    switch (THREE((uint8_t)name.p[0], (uint8_t)name.p[1], (uint8_t)name.p[2])) {
    case THREE('i', 's', 's'):
        return ISS;
    case THREE('s', 'u', 'b'):
        return SUB;
    case THREE('a', 'u', 'd'):
        return AUD;
    case THREE('e', 'x', 'p'):
        return EXP;
    case THREE('n', 'b', 'f'):
        return NBF;
    case THREE('i', 'a', 't'):
        return IAT;
    case THREE('s', 'i', 'd'):
        return SID;
    case THREE('g', 'e', 'n'):
        return GEN;
    case THREE('c', 'n', 'f'):
        return CNF;
    default:
        return KNOWN;
    }
}

/* The name's bytes. One with escapes is rare: it is decoded into buf, and one that does not fit
 * there is none we know, as is the empty one. */
static struct slice name_of(const struct scan_value *v, char *buf, size_t size)
{
    size_t n;

    if (!v->escaped)
        return scan_string_raw(*v);
    return scan_string(*v, buf, size, &n) ? SLICE("") : (struct slice){buf, n};
}

/* Most differ in their length or first byte, and are not worth a call. */
static inline bool name_is(struct slice name, struct slice wanted)
{
    return name.n == wanted.n && name.n && *name.p == *wanted.p && slice_eq(name, wanted);
}

/* One pass over the members. One may be several claims: the settings can call two alike. */
static void find_known(const struct claims *c, const struct claims_names *names,
                       const struct scan_value *ret[KNOWN + 1])
{
    const struct slice user = slice_of(names->user), token_type = slice_of(names->token_type);
    const struct slice jti = slice_of(names->jti);
    UNINITIALIZED char buf[CLAIMS_NAME_MAX];

    for (size_t i = 0; i <= KNOWN; i++)
        ret[i] = NULL;
    for (size_t i = 0; i < c->n; i++) {
        const struct scan_value *value = &c->members[i].value;
        struct slice name = name_of(&c->members[i].name, buf, sizeof(buf));

        ret[known_by_name(name)] = value;
        if (name_is(name, user))
            ret[USER] = value;
        if (name_is(name, token_type))
            ret[TOKEN_TYPE] = value;
        if (name_is(name, jti))
            ret[JTI] = value;
    }
}

static bool is_string_or_absent(const struct scan_value *v)
{
    return !v || v->type == SCAN_STRING;
}

static enum tok_err read_strings(const struct scan_value *const known[KNOWN + 1],
                                 struct claims *c)
{
    static const int strings[] = {ISS, SUB, TOKEN_TYPE, JTI, SID, SCOPE};

    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        if (!is_string_or_absent(known[strings[i]]))
            return TOK_CLAIM_TYPE;
    if (known[SCOPE] && known[SCOPE]->text.n > CLAIMS_SCOPE_MAX)
        return TOK_CLAIM_TYPE;
    c->iss = known[ISS];
    c->sub = known[SUB];
    c->token_type = known[TOKEN_TYPE];
    c->jti = known[JTI];
    c->sid = known[SID];
    c->scope = known[SCOPE];
    c->user = known[USER];
    return TOK_OK;
}

static enum tok_err read_time(const struct scan_value *v, enum scan_round round, bool *ret_has,
                              int64_t *ret)
{
    *ret_has = v != NULL;
    return v ? scan_time(*v, round, ret) : TOK_OK;
}

static enum tok_err read_times(const struct scan_value *const known[KNOWN + 1],
                               struct claims *c)
{
    enum tok_err err = read_time(known[EXP], SCAN_FLOOR, &c->has_exp, &c->exp);

    if (err)
        return err;
    err = read_time(known[NBF], SCAN_CEIL, &c->has_nbf, &c->nbf);
    if (err)
        return err;
    return read_time(known[IAT], SCAN_FLOOR, &c->has_iat, &c->iat);
}

static enum tok_err read_audience(const struct scan_value *aud, struct claims *c)
{
    struct scan_value element;
    size_t pos = 0;

    c->aud = aud;
    if (is_string_or_absent(aud))
        return TOK_OK;
    if (aud->type != SCAN_ARRAY)
        return TOK_CLAIM_TYPE;
    while (scan_next_element(*aud, &pos, &element))
        if (element.type != SCAN_STRING)
            return TOK_CLAIM_TYPE;
    return TOK_OK;
}

static enum tok_err read_rest(const struct scan_value *const known[KNOWN + 1], struct claims *c)
{
    const struct scan_value *one_time = known[ONE_TIME];

    if (one_time && one_time->type != SCAN_TRUE && one_time->type != SCAN_FALSE)
        return TOK_CLAIM_TYPE;
    if (known[CNF] && known[CNF]->type != SCAN_OBJECT)
        return TOK_CLAIM_TYPE;
    c->has_gen = known[GEN] != NULL;
    c->one_time = one_time && one_time->type == SCAN_TRUE;
    c->bound = known[CNF] != NULL;
    return known[GEN] ? scan_integer(*known[GEN], &c->gen) : TOK_OK;
}

static enum tok_err read_claims(struct slice payload, const struct claims_names *names,
                                struct claims *c)
{
    UNINITIALIZED const struct scan_value *known[KNOWN + 1];
    enum tok_err err = scan_object(payload, c->members, CLAIMS_MAX, &c->n, NULL);

    if (err)
        return err;
    find_known(c, names, known);
    err = read_strings(known, c);
    if (err)
        return err;
    err = read_times(known, c);
    if (err)
        return err;
    err = read_audience(known[AUD], c);
    if (err)
        return err;
    return read_rest(known, c);
}

void claims_clear(struct claims *c)
{
    c->n = 0;
    c->iss = c->sub = c->aud = c->user = c->token_type = c->jti = c->sid = c->scope = NULL;
    c->has_exp = c->has_nbf = c->has_iat = c->has_gen = c->one_time = c->bound = false;
    c->exp = c->nbf = c->iat = c->gen = 0;
}

enum tok_err claims_read(struct slice payload, const struct claims_names *names,
                         struct claims *ret)
{
    enum tok_err err;

    claims_clear(ret);
    err = read_claims(payload, names, ret);
    if (err)
        claims_clear(ret);
    return err;
}

bool claims_has_audience(const struct claims *c, struct slice audience)
{
    struct scan_value element;
    size_t pos = 0;

    if (!c->aud)
        return false;
    if (c->aud->type == SCAN_STRING)
        return scan_string_is(*c->aud, audience);
    while (scan_next_element(*c->aud, &pos, &element))
        if (scan_string_is(element, audience))
            return true;
    return false;
}

size_t claims_audiences(const struct claims *c)
{
    struct scan_value element;
    size_t pos = 0, n = 0;

    if (!c->aud)
        return 0;
    if (c->aud->type == SCAN_STRING)
        return 1;
    while (scan_next_element(*c->aud, &pos, &element))
        n++;
    return n;
}

bool claims_has_scope(const struct claims *c, struct slice word)
{
    UNINITIALIZED char buf[CLAIMS_SCOPE_MAX];
    struct slice rest = {buf, 0};

    if (!c->scope || scan_string(*c->scope, buf, sizeof(buf), &rest.n))
        return false;
    while (rest.n) {
        const char *space = memchr(rest.p, ' ', rest.n);
        size_t n = space ? (size_t)(space - rest.p) : rest.n;

        if (n && slice_eq((struct slice){rest.p, n}, word))
            return true;
        n += space != NULL;
        rest = (struct slice){rest.p + n, rest.n - n};
    }
    return false;
}
