#include "common/base/value.h"

#include "common/base/text.h"

/* True when there are no control characters and none of these. */
static bool has_none_of(struct slice text, const char *marks)
{
    for (size_t i = 0; i < text.n; i++)
        if (text_is_control(text.p[i]) || strchr(marks, text.p[i]))
            return false;
    return true;
}

/* True for 1 to VALUE_NAME_MAX letters, digits and these. */
static bool has_only(struct slice text, const char *marks)
{
    for (size_t i = 0; i < text.n; i++)
        if (!text_is_alnum(text.p[i]) && (text.p[i] == '\0' || !strchr(marks, text.p[i])))
            return false;
    return text.n > 0 && text.n <= VALUE_NAME_MAX;
}

bool value_is_printable(struct slice text)
{
    return has_none_of(text, "");
}

bool value_is_name(struct slice text)
{
    return text.n > 0 && text.n <= VALUE_NAME_MAX && has_none_of(text, " \"',");
}

bool value_is_audience(struct slice text)
{
    return value_is_name(text) && !memchr(text.p, '#', text.n);
}

bool value_is_path(struct slice text)
{
    return text.n > 0 && text.p[0] == '/' && value_is_printable(text);
}

bool value_is_token(struct slice text)
{
    return has_only(text, "!#$%&'*+-.^_`|~");
}

bool value_is_host(struct slice text)
{
    if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        return has_only((struct slice){text.p + 1, text.n - 2}, ":.");
    return has_only(text, ".-_");
}

static bool is_scheme(struct slice text)
{
    return text.n > 0 && text_is_letter(text.p[0]) && has_only(text, "+-.");
}

/* The port of "host:port", with its colon; it may be empty. */
static struct slice port_of(struct slice authority)
{
    const char *colon = memrchr(authority.p, ':', authority.n);
    const char *bracket = memrchr(authority.p, ']', authority.n);

    if (!colon || (bracket && bracket > colon))
        return (struct slice){authority.p + authority.n, 0};
    return slice_skip(authority, (size_t)(colon - authority.p));
}

bool value_is_origin(struct slice text)
{
    const char *mark = memmem(text.p, text.n, "://", 3);
    struct slice scheme, authority, port;
    uint64_t number;

    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != text_lower(text.p[i]))
            return false;
    if (!mark || text.n > VALUE_NAME_MAX)
        return false;
    scheme = (struct slice){text.p, (size_t)(mark - text.p)};
    authority = slice_skip(text, scheme.n + 3);
    port = port_of(authority);
    authority.n -= port.n;
    if (!is_scheme(scheme) || !value_is_host(authority))
        return false;
    if (port.n == 0)
        return true;
    return slice_digits(slice_skip(port, 1), &number) && number > 0 && number <= UINT16_MAX &&
           port.p[1] != '0' && !(slice_is(scheme, "http") && number == 80) &&
           !(slice_is(scheme, "https") && number == 443);
}
