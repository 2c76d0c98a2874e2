#include "jwtd/http/body_field.h"

#include "common/base/text.h"
#include "common/base/timespan.h"
#include "jwtd/http/field.h"

#include <string.h>

const char *body_error_text(enum body_error error)
{
    static const char *const texts[] = {
        [BODY_OK] = "",
        [BODY_REQUIRED] = "This field is required.",
        [BODY_IS_NULL] = "This field may not be null.",
        [BODY_BLANK] = "This field may not be blank.",
        [BODY_NO_STRING] = "Not a valid string.",
        [BODY_HAS_NUL] = "Null characters are not allowed.",
        [BODY_SURROGATE] = "Surrogate characters are not allowed: U+",
        [BODY_NO_WORDS] = "This value does not match the required pattern.",
        [BODY_TOO_LONG] = "Ensure this field has no more than 4096 characters.",
        [BODY_EMPTY_LIST] = "This list may not be empty.",
        [BODY_NO_INTEGER] = "A valid integer is required.",
        [BODY_TOO_SMALL] = "Ensure this value is greater than or equal to 1.",
        [BODY_NO_FLAG] = "Must be a valid boolean.",
    };

    return texts[error];
}

/* The ASCII characters that Python's str.strip() removes. */
static bool is_python_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
}

static struct slice strip(struct slice s)
{
    while (s.n > 0 && is_python_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_python_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

static enum body_error check_text(struct slice text)
{
    if (text.n == 0)
        return BODY_BLANK;
    return memchr(text.p, '\0', text.n) ? BODY_HAS_NUL : BODY_OK;
}

/* RFC 6749 3.3: printable ASCII without '"' and '\\', one space between words. */
static enum body_error check_words(struct slice text)
{
    char before = ' ';

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c < ' ' || c > '~' || c == '"' || c == '\\' || (c == ' ' && before == ' '))
            return BODY_NO_WORDS;
        before = c;
    }
    return text.n > BODY_WORDS_MAX ? BODY_TOO_LONG : BODY_OK;
}

/* Names are sent to jwtd-issuer separated by spaces. */
static enum body_error check_name(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7f)
            return BODY_NO_WORDS;
    return text.n > BODY_WORDS_MAX ? BODY_TOO_LONG : BODY_OK;
}

static enum body_error take_span(struct body_field *f, struct slice text)
{
    uint64_t usec;

    if (timespan_parse(text, &usec) != TOK_OK)
        return BODY_NO_INTEGER;
    if (usec < SECOND)
        return BODY_TOO_SMALL;
    f->number = usec / SECOND < INT32_MAX ? usec / SECOND : INT32_MAX;
    return BODY_OK;
}

/* A JSON number without fraction or exponent. */
static enum body_error take_integer(struct body_field *f, struct slice text)
{
    bool below = text.n > 0 && text.p[0] == '-';
    uint64_t number = 0;

    for (size_t i = below ? 1 : 0; i < text.n; i++) {
        if (!text_is_digit(text.p[i]))
            return BODY_NO_INTEGER;
        if (number < INT32_MAX)
            number = number * 10 + (uint64_t)(text.p[i] - '0');
    }
    if (below || number == 0)
        return BODY_TOO_SMALL;
    f->number = number < INT32_MAX ? number : INT32_MAX;
    return BODY_OK;
}

static enum body_error take_flag(struct body_field *f, struct slice text)
{
    static const struct {
        const char *word;
        uint64_t is;
    } flags[] = {{"true", 1},  {"yes", 1}, {"on", 1},  {"1", 1},
                 {"false", 0}, {"no", 0},  {"off", 0}, {"0", 0}};

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (!field_is(text, flags[i].word))
            continue;
        f->number = flags[i].is;
        return BODY_OK;
    }
    return BODY_NO_FLAG;
}

static enum body_error take_text(struct body_field *f, struct slice text)
{
    enum body_error error = check_text(text);

    if (error != BODY_OK)
        return error;
    f->value = text;
    switch (f->kind) {
    case BODY_TEXT:
        return BODY_OK;
    case BODY_WORDS:
        return check_words(text);
    case BODY_NAMES:
        return check_name(text);
    case BODY_SECONDS:
        return take_span(f, text);
    case BODY_FLAG:
        return take_flag(f, text);
    }
    return BODY_NO_STRING;
}

void body_field_take_text(struct body_field *f, struct slice text)
{
    f->given = true;
    f->error = take_text(f, f->trim ? strip(text) : text);
}

/* The error for a value of another type. */
static enum body_error wrong_type(enum body_kind kind)
{
    if (kind == BODY_SECONDS)
        return BODY_NO_INTEGER;
    return kind == BODY_FLAG ? BODY_NO_FLAG : BODY_NO_STRING;
}

static enum body_error take_string(struct body_field *f, struct scan_value v, char **room)
{
    struct slice text;
    size_t n = 0;

    if (f->kind == BODY_FLAG)
        return BODY_NO_FLAG;
    if (scan_string(v, *room, v.text.n, &n) != TOK_OK)
        return BODY_NO_STRING;
    text = (struct slice){*room, n};
    *room += n;
    return take_text(f, f->trim ? strip(text) : text);
}

static enum body_error take_number(struct body_field *f, struct scan_value v)
{
    if (f->kind == BODY_SECONDS)
        return take_integer(f, v.text);
    /* CharField takes a number as its text. Unlike BooleanField, 1 and 0 are no flags. */
    return f->kind == BODY_FLAG ? BODY_NO_FLAG : take_text(f, v.text);
}

static enum body_error take_value(struct body_field *f, struct scan_value v, char **room)
{
    switch (v.type) {
    case SCAN_STRING:
        return take_string(f, v, room);
    case SCAN_NUMBER:
        return take_number(f, v);
    case SCAN_NULL:
        return BODY_IS_NULL;
    case SCAN_TRUE:
    case SCAN_FALSE:
        f->number = v.type == SCAN_TRUE ? 1 : 0;
        return f->kind == BODY_FLAG ? BODY_OK : wrong_type(f->kind);
    case SCAN_OBJECT:
    case SCAN_ARRAY:
        break;
    }
    return wrong_type(f->kind);
}

/* An element and a space take less room than the element with its quotes and comma. */
static enum body_error take_list(struct body_field *f, struct scan_value list, char **room)
{
    char *start = *room, *end = *room;
    struct scan_value element;
    size_t pos = 0;

    while (scan_next_element(list, &pos, &element)) {
        enum body_error error = take_value(f, element, room);

        if (error != BODY_OK)
            return error;
        if (end != start)
            *end++ = ' ';
        memmove(end, f->value.p, f->value.n);
        end += f->value.n;
        *room = end + 1;
    }
    if (end == start)
        return BODY_EMPTY_LIST;
    f->value = (struct slice){start, (size_t)(end - start)};
    return f->value.n > BODY_WORDS_MAX ? BODY_TOO_LONG : BODY_OK;
}

void body_field_take_json(struct body_field *f, struct scan_value v, char **room)
{
    f->given = true;
    f->error = f->kind == BODY_NAMES && v.type == SCAN_ARRAY ? take_list(f, v, room)
                                                             : take_value(f, v, room);
}
