#include "common/base/text.h"
#include "common/json/scan_internal.h"

enum scan_type scan_type_of(int first)
{
    switch (first) {
    case '{':
        return SCAN_OBJECT;
    case '[':
        return SCAN_ARRAY;
    case '"':
        return SCAN_STRING;
    case 't':
        return SCAN_TRUE;
    case 'f':
        return SCAN_FALSE;
    case 'n':
        return SCAN_NULL;
    default:
        return SCAN_NUMBER;
    }
}

/* Commas and colons of a checked text say no more than white space does. */
static bool is_between(char c)
{
    return text_is_space(c) || c == ',' || c == ':';
}

static const char *skip_between(const char *p)
{
    while (is_between(*p))
        p++;
    return p;
}

/* The end of the object or array that opens at p. */
static const char *nested_end(const char *p)
{
    size_t depth = 0;

    do {
        char c = *p;

        p = c == '"' ? scan_string_end(p) : p + 1;
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
    } while (depth > 0);
    return p;
}

static const char *word_end(const char *p)
{
    while (!is_between(*p) && *p != ']' && *p != '}')
        p++;
    return p;
}

/* The value that begins at p, within an object or an array of a checked text. Returns its end.
 */
static const char *value_at(const char *p, struct scan_value *ret)
{
    enum scan_type type = scan_type_of((unsigned char)*p);
    const char *end;

    if (type == SCAN_STRING)
        end = scan_string_end(p);
    else if (type == SCAN_OBJECT || type == SCAN_ARRAY)
        end = nested_end(p);
    else
        end = word_end(p);
    *ret = (struct scan_value){.text = {p, (size_t)(end - p)},
                               .type = type,
                               .escaped = type == SCAN_STRING && memchr(p, '\\', end - p)};
    return end;
}

/* Where the next member or element begins; NULL at the end. */
static const char *next_begin(struct slice nested, size_t pos)
{
    const char *p = skip_between(nested.p + (pos > 0 ? pos : 1));

    return p + 1 < nested.p + nested.n ? p : NULL;
}

bool scan_next_member(struct scan_value object, size_t *pos, struct scan_member *ret)
{
    const char *p = object.type == SCAN_OBJECT ? next_begin(object.text, *pos) : NULL;

    if (!p)
        return false;
    p = value_at(p, &ret->name);
    p = value_at(skip_between(p), &ret->value);
    *pos = (size_t)(p - object.text.p);
    return true;
}

bool scan_next_element(struct scan_value array, size_t *pos, struct scan_value *ret)
{
    const char *p = array.type == SCAN_ARRAY ? next_begin(array.text, *pos) : NULL;

    if (!p)
        return false;
    *pos = (size_t)(value_at(p, ret) - array.text.p);
    return true;
}

bool scan_find_in(struct scan_value object, struct slice name, struct scan_value *ret)
{
    struct scan_member m;
    size_t pos = 0;

    while (scan_next_member(object, &pos, &m)) {
        if (scan_member_is(&m, name)) {
            *ret = m.value;
            return true;
        }
    }
    return false;
}

const struct scan_value *scan_find(const struct scan_member *members, size_t n,
                                   struct slice name)
{
    for (size_t i = 0; i < n; i++)
        if (scan_member_is(&members[i], name))
            return &members[i].value;
    return NULL;
}

/* Takes the digits off the front of a number's text. */
static enum tok_err take_whole(struct slice *text, int64_t *ret)
{
    int64_t whole = 0;

    for (; text->n > 0 && text_is_digit(*text->p); *text = slice_skip(*text, 1)) {
        whole = whole * 10 + (*text->p - '0');
        if (whole > SCAN_INTEGER_MAX)
            return TOK_CLAIM_TYPE;
    }
    *ret = whole;
    return TOK_OK;
}

/* What follows the whole part: nothing, or a point and digits. */
static enum tok_err read_fraction(struct slice rest, bool *ret_any)
{
    bool any = false;

    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i] == 'e' || rest.p[i] == 'E')
            return TOK_CLAIM_TYPE;
        any = any || (rest.p[i] >= '1' && rest.p[i] <= '9');
    }
    *ret_any = any;
    return TOK_OK;
}

enum tok_err scan_time(struct scan_value v, enum scan_round round, int64_t *ret)
{
    struct slice text = v.text;
    bool negative, fraction;
    enum tok_err err;
    int64_t whole;

    if (v.type != SCAN_NUMBER)
        return TOK_CLAIM_TYPE;
    negative = text.p[0] == '-';
    if (negative)
        text = slice_skip(text, 1);
    err = take_whole(&text, &whole);
    if (err == TOK_OK)
        err = read_fraction(text, &fraction);
    if (err != TOK_OK)
        return err;
    if (fraction && whole == SCAN_INTEGER_MAX)
        return TOK_CLAIM_TYPE;
    /* Away from zero, where that is the way that was asked. */
    if (fraction && negative == (round == SCAN_FLOOR))
        whole++;
    *ret = negative ? -whole : whole;
    return TOK_OK;
}

enum tok_err scan_integer(struct scan_value v, int64_t *ret)
{
    if (v.type != SCAN_NUMBER || memchr(v.text.p, '.', v.text.n))
        return TOK_CLAIM_TYPE;
    return scan_time(v, SCAN_FLOOR, ret);
}
