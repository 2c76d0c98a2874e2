#include "common/base/value.h"

#include "common/base/text.h"
#include "common/base/timespan.h"

#include <stdio.h>

enum tok_err value_flag(struct slice text, bool *ret)
{
    static const char *const words[2][4] = {{"no", "false", "off", "0"},
                                            {"yes", "true", "on", "1"}};

    for (size_t i = 0; i < 8; i++) {
        if (slice_is(text, words[i % 2][i / 2])) {
            *ret = i % 2 == 1;
            return TOK_OK;
        }
    }
    return TOK_SETTINGS;
}

enum tok_err value_number(struct slice text, uint64_t min, uint64_t max, uint64_t *ret)
{
    uint64_t n;

    if ((text.n > 1 && text.p[0] == '0') || !slice_digits(text, &n) || n < min || n > max)
        return TOK_SETTINGS;
    *ret = n;
    return TOK_OK;
}

enum tok_err value_span(struct slice text, uint64_t min, uint64_t max, uint64_t step,
                        uint64_t *ret_usec)
{
    uint64_t usec;
    enum tok_err err = timespan_parse(text, &usec);

    if (err)
        return err;
    if (usec < min || usec > max || usec % step != 0)
        return TOK_SETTINGS;
    *ret_usec = usec;
    return TOK_OK;
}

bool value_is_name(struct slice text)
{
    if (text.n == 0 || text.n > VALUE_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (text_is_control(c) || c == ' ' || c == '"' || c == '\'' || c == ',')
            return false;
    }
    return true;
}

bool value_is_path(struct slice text)
{
    if (text.n == 0 || text.p[0] != '/')
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text_is_control(text.p[i]))
            return false;
    return true;
}

static bool all_among(struct slice text, const char *marks)
{
    if (text.n == 0 || text.n > VALUE_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (!text_is_alnum(c) && (c == '\0' || !strchr(marks, c)))
            return false;
    }
    return true;
}

bool value_is_token(struct slice text)
{
    return all_among(text, "!#$%&'*+-.^_`|~");
}

bool value_is_host(struct slice text)
{
    return all_among(text, ".-_") ||
           (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']' &&
            all_among((struct slice){text.p + 1, text.n - 2}, ":."));
}

void value_span_text(uint64_t usec, char ret[VALUE_SPAN_TEXT])
{
    static const struct {
        uint64_t usec;
        const char *name;
    } units[] = {{DAY, "d"},    {HOUR, "h"},  {MINUTE, "min"},
                 {SECOND, "s"}, {1000, "ms"}, {1, "us"}};
    size_t i = 0;

    while (usec % units[i].usec != 0)
        i++;
    (void)snprintf(ret, VALUE_SPAN_TEXT, "%llu%s", (unsigned long long)(usec / units[i].usec),
                   usec == 0 ? "" : units[i].name);
}
