#include "claims.h"

#include <string.h>

/* The claim of this name when it is there and a string. */
static enum tok_err find_string(const struct claims *c, const char *name,
                                const struct scan_value **ret)
{
    const struct scan_value *v = scan_find(c->members, c->n, name);

    if (v && v->type != SCAN_STRING)
        return TOK_CLAIM_TYPE;
    *ret = v;
    return TOK_OK;
}

static enum tok_err find_time(const struct claims *c, const char *name, enum scan_round round,
                              bool *ret_has, int64_t *ret)
{
    const struct scan_value *v = scan_find(c->members, c->n, name);

    *ret_has = v != NULL;
    return v ? scan_time(*v, round, ret) : TOK_OK;
}

static enum tok_err read_strings(struct claims *c, const struct claims_names *names)
{
    const struct {
        const char *name;
        const struct scan_value **to;
    } wanted[] = {
        {"iss", &c->iss},      {"sub", &c->sub}, {names->token_type, &c->token_type},
        {names->jti, &c->jti}, {"sid", &c->sid}, {"scope", &c->scope},
    };

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        enum tok_err err = find_string(c, wanted[i].name, wanted[i].to);

        if (err)
            return err;
    }
    if (c->scope && c->scope->text.n > CLAIMS_SCOPE_MAX)
        return TOK_CLAIM_TYPE;
    c->user = scan_find(c->members, c->n, names->user);
    return TOK_OK;
}

static enum tok_err read_times(struct claims *c)
{
    enum tok_err err = find_time(c, "exp", SCAN_FLOOR, &c->has_exp, &c->exp);

    if (err)
        return err;
    err = find_time(c, "nbf", SCAN_CEIL, &c->has_nbf, &c->nbf);
    if (err)
        return err;
    return find_time(c, "iat", SCAN_FLOOR, &c->has_iat, &c->iat);
}

static enum tok_err read_audience(struct claims *c)
{
    const struct scan_value *aud = scan_find(c->members, c->n, "aud");
    struct scan_value element;
    size_t pos = 0;

    c->aud = aud;
    if (!aud || aud->type == SCAN_STRING)
        return TOK_OK;
    if (aud->type != SCAN_ARRAY)
        return TOK_CLAIM_TYPE;
    while (scan_next_element(*aud, &pos, &element))
        if (element.type != SCAN_STRING)
            return TOK_CLAIM_TYPE;
    return TOK_OK;
}

static enum tok_err read_rest(struct claims *c)
{
    const struct scan_value *gen = scan_find(c->members, c->n, "gen");
    const struct scan_value *one_time = scan_find(c->members, c->n, "one_time");
    const struct scan_value *cnf = scan_find(c->members, c->n, "cnf");
    enum tok_err err;

    if (one_time && one_time->type != SCAN_TRUE && one_time->type != SCAN_FALSE)
        return TOK_CLAIM_TYPE;
    if (cnf && cnf->type != SCAN_OBJECT)
        return TOK_CLAIM_TYPE;
    if (gen) {
        err = scan_integer(*gen, &c->gen);
        if (err)
            return err;
    }
    c->has_gen = gen != NULL;
    c->one_time = one_time && one_time->type == SCAN_TRUE;
    c->bound = cnf != NULL;
    return TOK_OK;
}

static enum tok_err read_claims(struct slice payload, const struct claims_names *names,
                                struct claims *c)
{
    enum tok_err err = scan_object(payload, c->members, CLAIMS_MAX, &c->n, NULL);

    if (err)
        return err;
    err = read_strings(c, names);
    if (err)
        return err;
    err = read_times(c);
    if (err)
        return err;
    err = read_audience(c);
    if (err)
        return err;
    return read_rest(c);
}

enum tok_err claims_read(struct slice payload, const struct claims_names *names,
                         struct claims *ret)
{
    enum tok_err err;

    *ret = (struct claims){0};
    err = read_claims(payload, names, ret);
    if (err)
        *ret = (struct claims){0};
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

bool claims_has_scope(const struct claims *c, struct slice word)
{
    char buf[CLAIMS_SCOPE_MAX];
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
