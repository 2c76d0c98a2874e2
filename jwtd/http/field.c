#include "jwtd/http/field.h"

#include "common/base/text.h"

bool field_equal(struct slice a, struct slice b)
{
    for (size_t i = 0; a.n == b.n && i < a.n; i++)
        if (text_lower(a.p[i]) != text_lower(b.p[i]))
            return false;
    return a.n == b.n;
}

bool field_is(struct slice s, const char *want)
{
    return field_equal(s, slice_of(want));
}

bool field_is_tchar(unsigned char c)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    return text_is_alnum((char)c) || memchr(others, c, sizeof(others) - 1) != NULL;
}

static size_t span_token(struct slice s)
{
    size_t n = 0;

    while (n < s.n && field_is_tchar((unsigned char)s.p[n]))
        n++;
    return n;
}

bool field_is_token(struct slice s)
{
    return s.n > 0 && span_token(s) == s.n;
}

/* Removes the first `end` bytes of *rest and returns them. */
static struct slice take(struct slice *rest, size_t end)
{
    struct slice head = {rest->p, end};

    rest->p += end;
    rest->n -= end;
    return head;
}

bool field_is_port(struct slice s)
{
    uint64_t port;

    return s.n >= 2 && s.n <= 6 && s.p[0] == ':' && slice_digits(slice_skip(s, 1), &port) &&
           port <= UINT16_MAX;
}

/* Length of the "[...]" at the start of the value, 0 when it is malformed. */
static size_t bracketed(struct slice value)
{
    bool colon = false;

    for (size_t i = 1; i < value.n; i++) {
        char c = text_lower(value.p[i]);

        if (c == ']')
            return colon ? i + 1 : 0;
        if (c == ':')
            colon = true;
        else if (!text_is_digit(c) && c != '.' && (c < 'a' || c > 'f'))
            return 0;
    }
    return 0;
}

static bool is_name_byte(char c)
{
    return text_is_alnum(c) || c == '-' || c == '.' || c == '_';
}

static size_t named(struct slice value)
{
    size_t n = 0;

    while (n < value.n && is_name_byte(value.p[n]))
        n++;
    return n;
}

bool field_host(struct slice value, struct slice *ret_name)
{
    size_t n = value.n > 0 && value.p[0] == '[' ? bracketed(value) : named(value);
    struct slice rest = value;
    struct slice name = take(&rest, n);

    if (n == 0 || (rest.n > 0 && !field_is_port(rest)))
        return false;
    name.n -= name.n > 1 && name.p[name.n - 1] == '.'; /* an absolute name (RFC 1034 3.1) */
    *ret_name = name;
    return true;
}

bool field_is_number(struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!text_is_digit(s.p[i]))
            return false;
    return s.n > 0;
}

/* A quoted-string without escapes, which none of the known parameters needs. */
static bool take_quoted(struct slice *rest, struct slice *ret)
{
    const char *end = memchr(rest->p + 1, '"', rest->n - 1);
    struct slice whole;

    if (!end)
        return false;
    whole = take(rest, (size_t)(end - rest->p) + 1);
    *ret = (struct slice){whole.p + 1, whole.n - 2};
    return memchr(ret->p, '\\', ret->n) == NULL;
}

static bool take_value(struct slice *rest, struct slice *ret)
{
    if (rest->n > 0 && rest->p[0] == '"')
        return take_quoted(rest, ret);
    *ret = take(rest, span_token(*rest));
    return ret->n > 0;
}

bool field_type(struct slice *rest, struct slice *ret)
{
    struct slice whole = *rest;
    size_t n = span_token(whole);

    if (n > 0 && n < whole.n && whole.p[n] == '/') {
        size_t sub = span_token((struct slice){whole.p + n + 1, whole.n - n - 1});

        n = sub > 0 ? n + 1 + sub : 0;
    }
    if (n == 0)
        return false;
    *ret = take(rest, n);
    return true;
}

/* Removes semicolons and blanks before a parameter; parameters may be empty. False when none
 * follows. */
static bool take_separator(struct slice *rest)
{
    bool separated = false;

    for (*rest = text_trim(*rest); rest->n > 0 && rest->p[0] == ';'; *rest = text_trim(*rest)) {
        (void)take(rest, 1);
        separated = true;
    }
    return separated && rest->n > 0;
}

bool field_parameter(struct slice *rest, struct slice *ret_name, struct slice *ret_value)
{
    struct slice at = *rest;
    struct slice name, value;

    if (!take_separator(&at)) {
        if (at.n == 0)
            *rest = at;
        return false;
    }
    name = take(&at, span_token(at));
    if (name.n == 0 || at.n == 0 || at.p[0] != '=')
        return false;
    (void)take(&at, 1);
    if (!take_value(&at, &value))
        return false;
    *rest = at;
    *ret_name = name;
    *ret_value = value;
    return true;
}

static bool set_once(struct slice *slot, struct slice value)
{
    if (slot->p)
        return false;
    *slot = value;
    return true;
}

bool field_media(struct slice value, struct field_media *ret)
{
    struct field_media media = {0};
    struct slice name, text;

    if (!field_type(&value, &media.type) || !memchr(media.type.p, '/', media.type.n))
        return false;
    while (field_parameter(&value, &name, &text)) {
        if (field_is(name, "charset") && !set_once(&media.charset, text))
            return false;
        if (field_is(name, "boundary") && !set_once(&media.boundary, text))
            return false;
    }
    if (value.n > 0)
        return false;
    *ret = media;
    return true;
}

bool field_accepts_json(struct slice value)
{
    static const char *const takes[] = {"application/json", "application/*", "*/*"};
    struct slice rest = text_trim(value), element, parameters;

    if (rest.n == 0)
        return true;
    while (text_next_word(&rest, ',', &element)) {
        (void)slice_cut(element, ';', &element, &parameters);
        element = text_trim(element);
        for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++)
            if (field_is(element, takes[i]))
                return true;
    }
    return false;
}

struct slice field_last(struct slice value)
{
    const char *comma = memrchr(value.p, ',', value.n);

    if (comma)
        (void)take(&value, (size_t)(comma - value.p) + 1);
    return text_trim(value);
}

bool field_has_etag(struct slice value, struct slice etag)
{
    struct slice rest = text_trim(value), element;

    if (slice_is(rest, "*"))
        return true;
    while (text_next_word(&rest, ',', &element)) {
        element = text_trim(element);
        if (element.n > 2 && memcmp(element.p, "W/", 2) == 0)
            (void)take(&element, 2);
        if (slice_eq(element, etag))
            return true;
    }
    return false;
}
