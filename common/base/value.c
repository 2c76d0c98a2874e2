#include "common/base/value.h"

#include "common/base/text.h"

/* True when the bytes that ok does not accept are all among these. */
static bool consists_of(struct slice text, bool (*ok)(char), const char *more)
{
    for (size_t i = 0; i < text.n; i++)
        if (!ok(text.p[i]) && (text.p[i] == '\0' || !strchr(more, text.p[i])))
            return false;
    return true;
}

static bool is_printable(char c)
{
    return !text_is_control(c);
}

bool value_is_printable(struct slice text)
{
    return consists_of(text, is_printable, "");
}

static bool is_of_name(char c)
{
    return is_printable(c) && c != ' ' && c != '"' && c != '\'' && c != ',';
}

static bool is_short(struct slice text)
{
    return text.n > 0 && text.n <= VALUE_NAME_MAX;
}

bool value_is_name(struct slice text)
{
    return is_short(text) && consists_of(text, is_of_name, "");
}

bool value_is_path(struct slice text)
{
    return text.n > 0 && text.p[0] == '/' && value_is_printable(text);
}

bool value_is_token(struct slice text)
{
    return is_short(text) && consists_of(text, text_is_alnum, "!#$%&'*+-.^_`|~");
}

bool value_is_host(struct slice text)
{
    if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        return text.n <= VALUE_NAME_MAX + 2 &&
               consists_of((struct slice){text.p + 1, text.n - 2}, text_is_alnum, ":.");
    return is_short(text) && consists_of(text, text_is_alnum, ".-_");
}
