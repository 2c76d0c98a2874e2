#include "common/json/scan_string.h"

#define SCAN_NUMBER_MAX ((INT64_C(1) << 53) - 1)

/* What stands between the values of a text that was checked says nothing more. */
static bool is_between(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' || c == ':';
}

static size_t skip_between(struct slice text, size_t at)
{
    while (at < text.n && is_between(text.p[at]))
        at++;
    return at;
}

/* The string whose opening quote is at. */
static struct scan_value string_at(struct slice text, size_t at)
{
    return scan_string_at(text.p + at, text.p + text.n);
}

/* Past the object or array that opens at. */
static size_t nested_end(struct slice text, size_t at)
{
    size_t depth = 0;

    while (at < text.n) {
        char c = text.p[at];

        at += c == '"' ? string_at(text, at).text.n : 1;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            break;
    }
    return at;
}

static size_t word_end(struct slice text, size_t at)
{
    while (at < text.n && !is_between(text.p[at]) && text.p[at] != ']' && text.p[at] != '}')
        at++;
    return at;
}

static enum scan_type type_of(char first)
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

/* The value that begins at; returns where it ends. */
static size_t value_at(struct slice text, size_t at, struct scan_value *ret)
{
    enum scan_type type = type_of(text.p[at]);
    size_t end;

    if (type == SCAN_STRING) {
        *ret = string_at(text, at);
        return at + ret->text.n;
    }
    end = type == SCAN_OBJECT || type == SCAN_ARRAY ? nested_end(text, at) : word_end(text, at);
    *ret = (struct scan_value){.text = {text.p + at, end - at}, .type = type};
    return end;
}

bool scan_next_member(struct scan_value object, size_t *pos, struct scan_member *ret)
{
    size_t at;

    if (object.type != SCAN_OBJECT)
        return false;
    at = skip_between(object.text, *pos > 0 ? *pos : 1);
    if (at + 1 >= object.text.n)
        return false;
    at = value_at(object.text, at, &ret->name);
    ret->begin = scan_begin(scan_string_raw(ret->name));
    *pos = value_at(object.text, skip_between(object.text, at), &ret->value);
    return true;
}

bool scan_next_element(struct scan_value array, size_t *pos, struct scan_value *ret)
{
    size_t at;

    if (array.type != SCAN_ARRAY)
        return false;
    at = skip_between(array.text, *pos > 0 ? *pos : 1);
    if (at + 1 >= array.text.n)
        return false;
    *pos = value_at(array.text, at, ret);
    return true;
}

const struct scan_value *scan_find(const struct scan_member *members, size_t n,
                                   const char *name)
{
    uint64_t begin = scan_begin_of(name);

    for (size_t i = 0; i < n; i++)
        if (scan_member_is(&members[i], name, begin))
            return &members[i].value;
    return NULL;
}

/* The number that eight digits are: pairs, then fours, then all of them, side by side. */
static inline int64_t eight_digits(const char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof(w));
    w = le64toh(w) & SCAN_BYTES(0x0f);
    w = (w * 10 + (w >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    w = (w * 100 + (w >> 16)) & UINT64_C(0x0000ffff0000ffff);
    return (int64_t)((w * 10000 + (w >> 32)) & UINT32_MAX);
}

/* Digits at the front of a number's text, as a magnitude; they are taken off. */
static inline enum tok_err take_whole(struct slice *text, int64_t *ret)
{
    const char *p = text->p, *end = p + text->n;
    int64_t whole = 0;

    if (end - p >= 8 && scan_all_digits(p)) {
        whole = eight_digits(p);
        p += 8;
    }
    for (; p < end && (unsigned char)(*p - '0') <= 9; p++) {
        whole = whole * 10 + (*p - '0');
        if (whole > SCAN_NUMBER_MAX)
            return TOK_CLAIM_TYPE;
    }
    *text = (struct slice){p, (size_t)(end - p)};
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
        text = (struct slice){text.p + 1, text.n - 1};
    err = take_whole(&text, &whole);
    if (err == TOK_OK)
        err = read_fraction(text, &fraction);
    if (err != TOK_OK)
        return err;
    if (fraction && whole == SCAN_NUMBER_MAX)
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
