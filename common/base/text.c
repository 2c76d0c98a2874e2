#include "common/base/text.h"

#include <stdio.h>

void text_make_printable(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

struct slice text_trim(struct slice text)
{
    while (text.n > 0 && text_is_blank(*text.p))
        text = slice_skip(text, 1);
    while (text.n > 0 && text_is_blank(text.p[text.n - 1]))
        text.n--;
    return text;
}

bool text_begins_with(struct slice text, const char *start)
{
    size_t n = strlen(start);

    return text.n >= n && memcmp(text.p, start, n) == 0;
}

bool text_ends_with(struct slice text, const char *end)
{
    size_t n = strlen(end);

    return text.n >= n && memcmp(text.p + text.n - n, end, n) == 0;
}

enum tok_err text_copy(struct slice text, char **ret)
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

enum tok_err text_concat(const char *a, const char *b, const char *c, char **ret)
{
    char *text;

    if (asprintf(&text, "%s%s%s", a, b, c) < 0)
        return TOK_NO_MEMORY;
    *ret = text;
    return TOK_OK;
}

enum tok_err text_replace(char **at, struct slice by)
{
    char *copy;
    enum tok_err err = text_copy(by, &copy);

    if (err)
        return err;
    free(*at);
    *at = copy;
    return TOK_OK;
}

static bool is_separator(char c, char separator)
{
    return separator == ' ' ? text_is_blank(c) : c == separator;
}

bool text_next_word(struct slice *text, char separator, struct slice *ret)
{
    size_t n = 0;

    while (separator == ' ' && text->n > 0 && text_is_blank(*text->p))
        *text = slice_skip(*text, 1);
    if (!text->p || (separator == ' ' && text->n == 0))
        return false;
    while (n < text->n && !is_separator(text->p[n], separator))
        n++;
    *ret = (struct slice){text->p, n};
    /* A separator at the end is followed by one more, empty word; p NULL: there is no more. */
    *text = n < text->n ? slice_skip(*text, n + 1) : (struct slice){0};
    return true;
}

bool text_take_quoted(struct slice *text, struct slice *ret)
{
    return text->n > 0 && *text->p == '"' && slice_cut(slice_skip(*text, 1), '"', ret, text);
}

bool text_next_quoted(struct slice *text, char separator, struct slice *ret)
{
    struct slice rest;

    while (separator == ' ' && text->n > 0 && text_is_blank(*text->p))
        *text = slice_skip(*text, 1);
    rest = *text;
    if (!text_take_quoted(&rest, ret) || (rest.n > 0 && !is_separator(*rest.p, separator)))
        return text_next_word(text, separator, ret);
    *text = rest.n > 0 ? slice_skip(rest, 1) : (struct slice){0};
    return true;
}

void word_list_free(word_list list)
{
    for (char **word = list; word && *word; word++)
        free(*word);
    free(list);
}

/* Appends to a list of n words. */
static enum tok_err add_word(word_list *list, size_t n, struct slice word)
{
    char **more = reallocarray(*list, n + 2, sizeof(*more));

    if (!more)
        return TOK_NO_MEMORY;
    *list = more;
    more[n] = more[n + 1] = NULL;
    return text_copy(word, &more[n]);
}

enum tok_err word_list_add(word_list *list, struct slice word)
{
    size_t n = 0;

    while (*list && (*list)[n])
        n++;
    return add_word(list, n, word);
}

enum tok_err word_list_parse(struct slice text, char separator, bool (*ok)(struct slice),
                             word_list *ret)
{
    CLEANUP(cleanup_word_list) word_list list = NULL;
    struct slice rest = {text.n > 0 ? text.p : NULL, text.n};
    struct slice word;

    for (size_t n = 0; text_next_quoted(&rest, separator, &word); n++) {
        enum tok_err err = ok(word) ? add_word(&list, n, word) : TOK_SETTINGS;

        if (err)
            return err;
    }
    *ret = list;
    list = NULL;
    return TOK_OK;
}

enum tok_err word_list_format(word_list list, char separator, char **ret)
{
    size_t n = 1;
    char *text, *at;

    for (char **word = list; word && *word; word++)
        n += strlen(*word) + 3;
    text = malloc(n);
    if (!text)
        return TOK_NO_MEMORY;
    at = text;
    for (char **word = list; word && *word; word++) {
        const char *quote = separator == ' ' && strchr(*word, ' ') ? "\"" : "";

        if (word != list)
            *at++ = separator;
        at = stpcpy(stpcpy(stpcpy(at, quote), *word), quote);
    }
    *at = '\0';
    *ret = text;
    return TOK_OK;
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

bool word_list_has(word_list list, struct slice word)
{
    for (char **w = list; w && *w; w++)
        if (slice_is(word, *w))
            return true;
    return false;
}

bool word_list_equal(word_list a, word_list b)
{
    for (; a && b && *a && *b; a++, b++)
        if (strcmp(*a, *b) != 0)
            return false;
    return (!a || !*a) && (!b || !*b);
}
