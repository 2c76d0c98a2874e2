#include "common/token/claim_test.h"

#include "common/base/text.h"

static bool is_url(struct slice text)
{
    return text_begins_with(text, "http://") || text_begins_with(text, "https://");
}

/* Takes the first name off a path. What follows it is nothing, or begins with '.' or ':'. */
static bool take_name(struct slice *path, struct slice *ret)
{
    struct slice rest = *path, name = {rest.p, 0};

    if (is_url(rest)) {
        name = rest;
        rest = slice_skip(rest, rest.n);
    } else if (!text_take_quoted(&rest, &name)) {
        while (name.n < rest.n && !strchr(".: \"", rest.p[name.n]))
            name.n++;
        rest = slice_skip(rest, name.n);
    }
    *path = rest;
    *ret = name;
    return name.n > 0 && (rest.n == 0 || *rest.p == '.' || *rest.p == ':');
}

/* Takes the first of the values off the text: the whole text, or one in quotes. False after the
 * last one, when *values has p NULL, and for a text of another form. */
static bool take_value(struct slice *values, struct slice *ret)
{
    if (values->n == 0 || *values->p != '"') {
        *ret = *values;
        *values = (struct slice){0};
        return ret->p;
    }
    if (!text_take_quoted(values, ret))
        return false;
    while (values->n > 0 && (text_is_blank(*values->p) || *values->p == ','))
        *values = slice_skip(*values, 1);
    if (values->n == 0)
        *values = (struct slice){0};
    return !values->p || *values->p == '"';
}

/* Yields what follows the path; p NULL: there is no path. */
static struct slice skip_path(struct slice text)
{
    const char *colon = is_url(text) ? memrchr(text.p, ':', text.n) : NULL;
    struct slice name;

    /* Not the colon of https:// */
    if (colon)
        return colon[1] == '/' ? (struct slice){0} : slice_skip(text, (size_t)(colon - text.p));
    while (take_name(&text, &name)) {
        if (text.n == 0 || *text.p == ':')
            return text;
        text = slice_skip(text, 1);
    }
    return (struct slice){0};
}

bool claim_test_split(struct slice text, struct slice *ret_path, struct slice *ret_values)
{
    struct slice rest = skip_path(text), values, value;

    if (rest.n == 0)
        return false;
    *ret_path = (struct slice){text.p, text.n - rest.n};
    *ret_values = values = slice_skip(rest, 1);
    while (take_value(&values, &value))
        ;
    return !values.p;
}

/* A number or a boolean equals its JSON text; null, an array and an object equal nothing. */
static bool value_is(const struct scan_value *v, struct slice wanted)
{
    if (v->type == SCAN_STRING)
        return scan_string_is(*v, wanted);
    return (v->type == SCAN_NUMBER || v->type == SCAN_TRUE || v->type == SCAN_FALSE) &&
           slice_eq(v->text, wanted);
}

static bool value_is_any(const struct scan_value *v, struct slice values)
{
    struct slice value;

    while (take_value(&values, &value))
        if (value_is(v, value))
            return true;
    return false;
}

/* path: what follows the name of v, with its dot. It is followed through arrays, too, but not
 * through an array in an array. */
static bool holds(struct scan_value v, struct slice path, struct slice values,
                  struct scan_value *ret_found)
{
    struct scan_value element, member;
    struct slice name;
    size_t pos = 0;

    if (v.type == SCAN_ARRAY) {
        if (path.n == 0)
            *ret_found = v;
        while (scan_next_element(v, &pos, &element))
            if (element.type != SCAN_ARRAY &&
                holds(element, path, values, &(struct scan_value){0}))
                return true;
        return false;
    }
    if (path.n == 0) {
        *ret_found = v;
        return value_is_any(&v, values);
    }
    path = slice_skip(path, 1);
    return take_name(&path, &name) && scan_find_in(v, name, &member) &&
           holds(member, path, values, ret_found);
}

bool claim_test_holds(const struct claims *c, struct slice path, struct slice values,
                      struct scan_value *ret_found)
{
    const struct scan_value *v;
    struct slice name;

    if (!take_name(&path, &name))
        return false;
    v = scan_find(c->members, c->n, name);
    return v && holds(*v, path, values, ret_found);
}
