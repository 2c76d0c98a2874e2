#include "claims.h"

#include <string.h>

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

/* scan_begin of three letters, and of the two longer names. */
#define THREE(a, b, c) ((uint64_t)(c) << 16 | (uint64_t)(b) << 8 | (a))
#define SCOPE_BEGIN (THREE('s', 'c', 'o') | THREE('p', 'e', 0) << 24)
#define ONE_TIME_BEGIN                                                                         \
    (THREE('o', 'n', 'e') | THREE('_', 't', 'i') << 24 | THREE('m', 'e', 0) << 48)

/* Which of the claims with names of their own is it, by its begin and its bytes? KNOWN: none.
 */
static inline int known_by_name(uint64_t begin, size_t n)
{
    switch (begin) {
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
    case SCOPE_BEGIN:
        return SCOPE;
    case ONE_TIME_BEGIN:
        return n == strlen("one_time") ? ONE_TIME : KNOWN;
    default:
        return KNOWN;
    }
}

/* The same of a name with escapes, which is rare, and none we know when it is longer. Not
 * inline: its room would be cleared for every member. */
__attribute__((noinline)) static int known_by_escaped_name(const struct scan_value *name)
{
    char text[sizeof("one_time")];
    size_t n;

    if (scan_string(*name, text, sizeof(text), &n) || memchr(text, '\0', n))
        return KNOWN;
    return known_by_name(scan_begin((struct slice){text, n}), n);
}

static inline int known_member(const struct scan_member *m)
{
    return m->name.escaped ? known_by_escaped_name(&m->name)
                           : known_by_name(m->begin, m->name.text.n - 2);
}

struct claims_lookup claims_lookup(const struct claims_names *names)
{
    return (struct claims_lookup){.names = *names,
                                  .user = scan_begin_of(names->user),
                                  .token_type = scan_begin_of(names->token_type),
                                  .jti = scan_begin_of(names->jti)};
}

/* One pass over the members. One may be several claims: the settings can call two alike. */
static void find_known(struct claims *c, const struct claims_lookup *lookup,
                       const struct scan_value *ret[KNOWN + 1])
{
    for (size_t i = 0; i <= KNOWN; i++)
        ret[i] = NULL;
    for (size_t i = 0; i < c->n; i++) {
        const struct scan_member *m = &c->members[i];
        int known = known_member(m);

        ret[known] = &m->value;
        c->there |= 1U << known;
        if (scan_member_is(m, lookup->names.user, lookup->user))
            ret[USER] = &m->value;
        if (scan_member_is(m, lookup->names.token_type, lookup->token_type))
            ret[TOKEN_TYPE] = &m->value;
        if (scan_member_is(m, lookup->names.jti, lookup->jti))
            ret[JTI] = &m->value;
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

static enum tok_err read_claims(struct slice payload, const struct claims_lookup *lookup,
                                struct claims *c)
{
    UNINITIALIZED const struct scan_value *known[KNOWN + 1];
    enum tok_err err = scan_object(payload, c->members, CLAIMS_MAX, &c->n, NULL);

    if (err)
        return err;
    find_known(c, lookup, known);
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
    c->there = 0;
    c->iss = c->sub = c->aud = c->user = c->token_type = c->jti = c->sid = c->scope = NULL;
    c->has_exp = c->has_nbf = c->has_iat = c->has_gen = c->one_time = c->bound = false;
    c->exp = c->nbf = c->iat = c->gen = 0;
}

enum tok_err claims_read_by(struct slice payload, const struct claims_lookup *lookup,
                            struct claims *ret)
{
    enum tok_err err;

    claims_clear(ret);
    err = read_claims(payload, lookup, ret);
    if (err)
        claims_clear(ret);
    return err;
}

enum tok_err claims_read(struct slice payload, const struct claims_names *names,
                         struct claims *ret)
{
    const struct claims_lookup lookup = claims_lookup(names);

    return claims_read_by(payload, &lookup, ret);
}

unsigned claims_number(const char *name)
{
    int known = known_by_name(scan_begin_of(name), strlen(name));

    return known == KNOWN ? CLAIMS_OTHER : (unsigned)known;
}

bool claims_has(const struct claims *c, const char *name)
{
    unsigned number = claims_number(name);
    const struct scan_value *v;

    /* Those are never null: it is of no type that they may have. */
    if (number != CLAIMS_OTHER)
        return c->there >> number & 1;
    v = scan_find(c->members, c->n, name);
    return v && v->type != SCAN_NULL;
}

bool claims_has_audience(const struct claims *c, const char *audience)
{
    struct scan_value element;
    size_t pos = 0;

    if (!c->aud)
        return false;
    if (c->aud->type == SCAN_STRING)
        return scan_string_is_text(c->aud, audience);
    while (scan_next_element(*c->aud, &pos, &element))
        if (scan_string_is_text(&element, audience))
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
