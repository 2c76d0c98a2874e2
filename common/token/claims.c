#include "common/token/claims.h"

#include <string.h>

/* Reads one value into the member of struct claims at ret. */
typedef enum tok_err claim_reader(const struct scan_value *v, void *ret);

static enum tok_err read_string(const struct scan_value *v, void *ret)
{
    *(const struct scan_value **)ret = v;
    return v->type == SCAN_STRING ? TOK_OK : TOK_CLAIM_TYPE;
}

static enum tok_err read_texts(const struct scan_value *v, void *ret)
{
    struct scan_value element;
    size_t pos = 0;

    *(const struct scan_value **)ret = v;
    if (v->type == SCAN_STRING)
        return TOK_OK;
    if (v->type != SCAN_ARRAY)
        return TOK_CLAIM_TYPE;
    while (scan_next_element(*v, &pos, &element))
        if (element.type != SCAN_STRING)
            return TOK_CLAIM_TYPE;
    return TOK_OK;
}

/* A user map may name a number. */
static enum tok_err read_subject(const struct scan_value *v, void *ret)
{
    int64_t number;

    return read_string(v, ret) ? scan_integer(*v, &number) : TOK_OK;
}

/* null is no scope. */
static enum tok_err read_scope(const struct scan_value *v, void *ret)
{
    if (v->type == SCAN_NULL)
        return TOK_OK;
    return v->text.n > CLAIMS_SCOPE_MAX ? TOK_CLAIM_TYPE : read_texts(v, ret);
}

static enum tok_err read_time_down(const struct scan_value *v, void *ret)
{
    return scan_time(*v, SCAN_FLOOR, ret);
}

static enum tok_err read_time_up(const struct scan_value *v, void *ret)
{
    return scan_time(*v, SCAN_CEIL, ret);
}

static enum tok_err read_integer(const struct scan_value *v, void *ret)
{
    return scan_integer(*v, ret);
}

static enum tok_err read_flag(const struct scan_value *v, void *ret)
{
    *(bool *)ret = v->type == SCAN_TRUE;
    return v->type == SCAN_TRUE || v->type == SCAN_FALSE ? TOK_OK : TOK_CLAIM_TYPE;
}

/* Only its presence counts. */
static enum tok_err read_object(const struct scan_value *v, void *ret)
{
    *(bool *)ret = true;
    return v->type == SCAN_OBJECT ? TOK_OK : TOK_CLAIM_TYPE;
}

#define NAME(text) text, sizeof(text) - 1
#define AT(member) offsetof(struct claims, member)
#define TIME_FORM "a number of seconds since the Epoch"
#define TEXTS_FORM "a string or an array of strings"

/* The claims with a name that no setting changes (RFC 7519 4.1, RFC 7800, RFC 8693 4.2, and
 * ours). */
static const struct registered_claim {
    struct slice name;
    claim_reader *read;
    const char *form;      /* the expected value, for the error */
    size_t value, present; /* members of struct claims; present is 0 for claims without one */
} registered[] = {
    {{NAME("iss")}, read_string, "a string", AT(iss), 0},
    {{NAME("sub")}, read_subject, "a string or an integer", AT(sub), 0},
    {{NAME("aud")}, read_texts, TEXTS_FORM, AT(aud), 0},
    {{NAME("exp")}, read_time_down, TIME_FORM, AT(exp), AT(has_exp)},
    {{NAME("nbf")}, read_time_up, TIME_FORM, AT(nbf), AT(has_nbf)},
    {{NAME("iat")}, read_time_down, TIME_FORM, AT(iat), AT(has_iat)},
    {{NAME("sid")}, read_string, "a string", AT(sid), 0},
    {{NAME("scope")}, read_scope, TEXTS_FORM ", at most 4 KiB", AT(scope), 0},
    {{NAME("gen")}, read_integer, "an integer", AT(gen), AT(has_gen)},
    {{NAME("one_time")}, read_flag, "true or false", AT(one_time), 0},
    {{NAME("cnf")}, read_object, "an object", AT(bound), 0},
};

static enum tok_err wrong_type(struct slice name, const char *form, const struct scan_value *v,
                               struct errmsg *errmsg)
{
    static const char *const kinds[] = {"an object", "an array", "a string", "a number",
                                        "true",      "false",    "null"};

    return errmsg_set(errmsg, TOK_CLAIM_TYPE, "claim \"%.*s\": expected %s, got %s%s",
                      (int)name.n, name.p, form, kinds[v->type],
                      strstr(form, kinds[v->type]) ? " of another form" : "");
}

static enum tok_err read_registered(const struct scan_member *m, struct claims *c,
                                    struct errmsg *errmsg)
{
    for (size_t i = 0; i < sizeof(registered) / sizeof(registered[0]); i++) {
        const struct registered_claim *r = &registered[i];

        if (!scan_member_is(m, r->name))
            continue;
        if (r->present)
            *(bool *)((char *)c + r->present) = true;
        return r->read(&m->value, (char *)c + r->value)
                   ? wrong_type(r->name, r->form, &m->value, errmsg)
                   : TOK_OK;
    }
    return TOK_OK;
}

/* A claim whose name is a setting. It may be a registered one as well. */
static enum tok_err find_string(const struct claims *c, const char *name,
                                const struct scan_value **ret, struct errmsg *errmsg)
{
    *ret = scan_find(c->members, c->n, slice_of(name));
    return *ret && (*ret)->type != SCAN_STRING
               ? wrong_type(slice_of(name), "a string", *ret, errmsg)
               : TOK_OK;
}

/* The claim that an issuer without aud names its client in (client_id, azp). */
static enum tok_err find_audience(struct claims *c, const char *name, struct errmsg *errmsg)
{
    const struct scan_value *v;

    if (!name || strcmp(name, "aud") == 0)
        return TOK_OK;
    v = scan_find(c->members, c->n, slice_of(name));
    c->aud = NULL;
    return v && read_texts(v, &c->aud) ? wrong_type(slice_of(name), TEXTS_FORM, v, errmsg)
                                       : TOK_OK;
}

void claims_init(struct claims *c)
{
    memset(c, 0, offsetof(struct claims, members));
}

enum tok_err claims_read(struct slice payload, const struct claims_names *names,
                         struct claims *ret, struct errmsg *errmsg)
{
    enum tok_err err;

    claims_init(ret);
    err = scan_object(payload, ret->members, CLAIMS_MAX, &ret->n, NULL);
    for (size_t i = 0; !err && i < ret->n; i++)
        err = read_registered(&ret->members[i], ret, errmsg);
    if (!err)
        err = find_string(ret, names->token_type, &ret->token_type, errmsg);
    if (!err)
        err = find_string(ret, names->jti, &ret->jti, errmsg);
    if (!err)
        err = find_audience(ret, names->audience, errmsg);
    if (err)
        claims_init(ret);
    else
        ret->user = scan_find(ret->members, ret->n, slice_of(names->user));
    return err;
}

bool claims_has(const struct claims *c, const char *name)
{
    const struct scan_value *v = scan_find(c->members, c->n, slice_of(name));

    return v && v->type != SCAN_NULL;
}

bool claims_next_text(const struct scan_value *v, size_t *pos, struct scan_value *ret)
{
    if (!v || v->type != SCAN_STRING)
        return v && scan_next_element(*v, pos, ret);
    *ret = *v;
    return (*pos)++ == 0;
}

bool claims_has_audience(const struct claims *c, const char *audience)
{
    struct scan_value v;
    size_t pos = 0;

    while (claims_next_text(c->aud, &pos, &v))
        if (scan_string_is_text(&v, audience))
            return true;
    return false;
}

bool claims_only_audience(const struct claims *c, struct scan_value *ret)
{
    struct scan_value v;
    size_t pos = 0;

    if (!claims_next_text(c->aud, &pos, &v) ||
        claims_next_text(c->aud, &pos, &(struct scan_value){0}))
        return false;
    *ret = v;
    return true;
}
