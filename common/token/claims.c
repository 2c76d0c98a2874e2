#include "common/token/claims.h"

#include <string.h>

/* The claims that have a name of their own, and all others. */
enum known {
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
    OTHER = CLAIMS_OTHER,
};

/* scan_begin of three letters, and of the two longer names. */
#define THREE(a, b, c) ((uint64_t)(c) << 16 | (uint64_t)(b) << 8 | (a))
#define SCOPE_BEGIN (THREE('s', 'c', 'o') | THREE('p', 'e', 0) << 24)
#define ONE_TIME_BEGIN                                                                         \
    (THREE('o', 'n', 'e') | THREE('_', 't', 'i') << 24 | THREE('m', 'e', 0) << 48)

/* Which of the claims with names of their own is it, by its begin and its bytes? OTHER: none.
 */
static inline enum known known_by_name(uint64_t begin, size_t n)
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
        return n == strlen("one_time") ? ONE_TIME : OTHER;
    default:
        return OTHER;
    }
}

/* The same of a name with escapes, which is rare, and none we know when it is longer. Not
 * inline: its room would be cleared for every member. */
__attribute__((noinline)) static enum known known_by_escaped_name(const struct scan_value *name)
{
    char text[sizeof("one_time")];
    size_t n;

    if (scan_string(*name, text, sizeof(text), &n) || memchr(text, '\0', n))
        return OTHER;
    return known_by_name(scan_begin((struct slice){text, n}), n);
}

static inline enum known known_member(const struct scan_member *m)
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

static enum tok_err take_string(const struct scan_value *v, const struct scan_value **ret)
{
    *ret = v;
    return v->type == SCAN_STRING ? TOK_OK : TOK_CLAIM_TYPE;
}

static enum tok_err take_time(const struct scan_value *v, enum scan_round round, bool *ret_has,
                              int64_t *ret)
{
    *ret_has = true;
    return scan_time(*v, round, ret);
}

static enum tok_err take_audience(const struct scan_value *v, const struct scan_value **ret)
{
    struct scan_value element;
    size_t pos = 0;

    *ret = v;
    if (v->type == SCAN_STRING)
        return TOK_OK;
    if (v->type != SCAN_ARRAY)
        return TOK_CLAIM_TYPE;
    while (scan_next_element(*v, &pos, &element))
        if (element.type != SCAN_STRING)
            return TOK_CLAIM_TYPE;
    return TOK_OK;
}

static enum tok_err take_known(enum known known, const struct scan_value *v, struct claims *c)
{
    switch (known) {
    case ISS:
        return take_string(v, &c->iss);
    case SUB:
        return take_string(v, &c->sub);
    case SID:
        return take_string(v, &c->sid);
    case AUD:
        return take_audience(v, &c->aud);
    case EXP:
        return take_time(v, SCAN_FLOOR, &c->has_exp, &c->exp);
    case NBF:
        return take_time(v, SCAN_CEIL, &c->has_nbf, &c->nbf);
    case IAT:
        return take_time(v, SCAN_FLOOR, &c->has_iat, &c->iat);
    case SCOPE:
        return v->text.n > CLAIMS_SCOPE_MAX ? TOK_CLAIM_TYPE : take_string(v, &c->scope);
    case GEN:
        c->has_gen = true;
        return scan_integer(*v, &c->gen);
    case ONE_TIME:
        c->one_time = v->type == SCAN_TRUE;
        return c->one_time || v->type == SCAN_FALSE ? TOK_OK : TOK_CLAIM_TYPE;
    case CNF:
        c->bound = true;
        return v->type == SCAN_OBJECT ? TOK_OK : TOK_CLAIM_TYPE;
    case OTHER:
        return TOK_OK;
    }
    return TOK_CLAIM_TYPE;
}

/* One member may be several claims: the settings can call two alike. */
static inline enum tok_err take_member(const struct scan_member *m,
                                       const struct claims_lookup *lookup, struct claims *c)
{
    enum known known = known_member(m);
    enum tok_err err = take_known(known, &m->value, c);

    c->there |= 1U << known;
    if (scan_member_is(m, lookup->names.user, lookup->user))
        c->user = &m->value;
    if (!err && scan_member_is(m, lookup->names.token_type, lookup->token_type))
        err = take_string(&m->value, &c->token_type);
    if (!err && scan_member_is(m, lookup->names.jti, lookup->jti))
        err = take_string(&m->value, &c->jti);
    return err;
}

static enum tok_err read_claims(struct slice payload, const struct claims_lookup *lookup,
                                struct claims *c)
{
    size_t n = 0;
    enum tok_err err = scan_object(payload, c->members, CLAIMS_MAX, &n, NULL);

    c->n = n;
    for (size_t i = 0; !err && i < n; i++)
        err = take_member(&c->members[i], lookup, c);
    return err;
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
    return known_by_name(scan_begin_of(name), strlen(name));
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
