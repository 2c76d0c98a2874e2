#include "common/base/value.h"

#include "common/base/timespan.h"

#include <stdio.h>
#include <string.h>

void word_list_free(word_list list)
{
    for (char **word = list; word && *word; word++)
        free(*word);
    free(list);
}

/* Adds one as the n-th, from 0. */
static enum tok_err add_word(word_list *list, size_t n, struct slice word)
{
    char **more = reallocarray(*list, n + 2, sizeof(*more));

    if (!more)
        return TOK_NO_MEMORY;
    *list = more;
    more[n] = more[n + 1] = NULL;
    return value_text(word, &more[n]);
}

enum tok_err word_list_copy(word_list from, word_list *ret)
{
    CLEANUP(cleanup_word_list) word_list copy = from ? calloc(1, sizeof(*copy)) : NULL;

    if (from && !copy)
        return TOK_NO_MEMORY;
    for (size_t n = 0; from && from[n]; n++) {
        enum tok_err err = add_word(&copy, n, slice_of(from[n]));

        if (err)
            return err;
    }
    *ret = copy;
    copy = NULL;
    return TOK_OK;
}

bool word_list_holds(word_list list, struct slice word)
{
    for (char **w = list; w && *w; w++)
        if (slice_is(word, *w))
            return true;
    return false;
}

enum tok_err value_text(struct slice text, char **ret)
{
    char *copy;

    if (text.n > 0 && memchr(text.p, '\0', text.n))
        return TOK_SETTINGS;
    copy = malloc(text.n + 1);
    if (!copy)
        return TOK_NO_MEMORY;
    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    *ret = copy;
    return TOK_OK;
}

enum tok_err value_put(char **at, struct slice by)
{
    char *copy;
    enum tok_err err = value_text(by, &copy);

    if (err)
        return err;
    free(*at);
    *at = copy;
    return TOK_OK;
}

enum tok_err value_replace(char **at, const char *by)
{
    return value_put(at, slice_of(by));
}

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

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_separator(char c, char separator)
{
    return separator == ' ' ? is_blank(c) : c == separator;
}

bool value_next_word(struct slice *text, char separator, struct slice *ret)
{
    size_t n = 0;

    while (separator == ' ' && text->n > 0 && is_blank(*text->p)) {
        text->p++;
        text->n--;
    }
    if (!text->p || (separator == ' ' && text->n == 0))
        return false;
    while (n < text->n && !is_separator(text->p[n], separator))
        n++;
    *ret = (struct slice){text->p, n};
    /* A separator promises another word, which may be empty: p NULL says there is none. */
    *text = n < text->n ? (struct slice){text->p + n + 1, text->n - n - 1} : (struct slice){0};
    return true;
}

enum tok_err value_words(struct slice text, char separator, bool (*ok)(struct slice),
                         word_list *ret)
{
    CLEANUP(cleanup_word_list) word_list list = NULL;
    struct slice rest = {text.n > 0 ? text.p : NULL, text.n};
    struct slice word;

    for (size_t n = 0; value_next_word(&rest, separator, &word); n++) {
        enum tok_err err = ok(word) ? add_word(&list, n, word) : TOK_SETTINGS;

        if (err)
            return err;
    }
    *ret = list;
    list = NULL;
    return TOK_OK;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

bool value_is_name(struct slice text)
{
    if (text.n == 0 || text.n > VALUE_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (is_control(c) || c == ' ' || c == '"' || c == '\'' || c == ',')
            return false;
    }
    return true;
}

bool value_is_path(struct slice text)
{
    if (text.n == 0 || text.p[0] != '/')
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (is_control(text.p[i]))
            return false;
    return true;
}

static bool all_among(struct slice text, const char *marks)
{
    if (text.n == 0 || text.n > VALUE_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!alnum && (c == '\0' || !strchr(marks, c)))
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
    } units[] = {{VALUE_DAY, "d"},    {VALUE_HOUR, "h"}, {VALUE_MINUTE, "min"},
                 {VALUE_SECOND, "s"}, {1000, "ms"},      {1, "us"}};
    size_t i = 0;

    while (usec % units[i].usec != 0)
        i++;
    (void)snprintf(ret, VALUE_SPAN_TEXT, "%llu%s", (unsigned long long)(usec / units[i].usec),
                   usec == 0 ? "" : units[i].name);
}

enum tok_err value_words_text(word_list list, char separator, char **ret)
{
    size_t n = 1;
    char *text, *at;

    for (char **word = list; word && *word; word++)
        n += strlen(*word) + 1;
    text = malloc(n);
    if (!text)
        return TOK_NO_MEMORY;
    at = text;
    for (char **word = list; word && *word; word++) {
        if (word != list)
            *at++ = separator;
        at = stpcpy(at, *word);
    }
    *at = '\0';
    *ret = text;
    return TOK_OK;
}
