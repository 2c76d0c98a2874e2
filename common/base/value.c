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
