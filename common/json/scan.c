#include "common/base/text.h"
#include "common/json/scan_internal.h"

struct scanner {
    const char *start, *at, *end;
    unsigned depth;
    /* The opening quotes of the names of all open objects, outermost first. */
    const char **names;
    size_t n_names;
    /* Where the members of the outermost object go; NULL: nowhere. */
    struct scan_member *members;
    size_t max_members, n_members;
    struct scan_fault fault;
    struct scan_fault surrogate; /* refuses the document when nothing else does;
                                    surrogate.surrogate 0: none */
};

static enum tok_err take_value(struct scanner *s, const struct scan_value *outer_name,
                               struct scan_value *ret);

static enum tok_err refuse_at(struct scanner *s, const char *at, const char *what)
{
    s->fault = (struct scan_fault){.at = (size_t)(at - s->start), .what = what};
    return TOK_JSON;
}

static enum tok_err refuse(struct scanner *s, const char *what)
{
    return refuse_at(s, s->at, s->at == s->end ? "the text ends too early" : what);
}

/* The next byte, or -1 at the end. */
static inline int peek(const struct scanner *s)
{
    return s->at < s->end ? (unsigned char)*s->at : -1;
}

static inline bool take_byte(struct scanner *s, char byte)
{
    if (peek(s) != byte)
        return false;
    s->at++;
    return true;
}

static inline void skip_space(struct scanner *s)
{
    while (s->at < s->end && text_is_space(*s->at))
        s->at++;
}

static bool take_digits(struct scanner *s)
{
    const char *from = s->at;

    while (s->at < s->end && text_is_digit(*s->at))
        s->at++;
    return s->at > from;
}

/* RFC 8259 6 */
static enum tok_err take_number(struct scanner *s)
{
    (void)take_byte(s, '-');
    if (take_byte(s, '0')) {
        if (take_digits(s))
            return refuse_at(s, s->at - 1, "leading zero");
    } else if (!take_digits(s)) {
        return refuse(s, "not a JSON value");
    }
    if (take_byte(s, '.') && !take_digits(s))
        return refuse(s, "number without a digit after the point");
    if (take_byte(s, 'e') || take_byte(s, 'E')) {
        if (!take_byte(s, '+'))
            (void)take_byte(s, '-');
        if (!take_digits(s))
            return refuse(s, "number without a digit in the exponent");
    }
    return TOK_OK;
}

static enum tok_err take_word(struct scanner *s, struct slice word)
{
    if ((size_t)(s->end - s->at) < word.n || memcmp(s->at, word.p, word.n) != 0)
        return refuse(s, "not a JSON value");
    s->at += word.n;
    return TOK_OK;
}

static enum tok_err take_string(struct scanner *s, struct scan_value *ret,
                                struct scan_string_seen *seen)
{
    if (scan_string_check(s->at, s->end, ret, seen) != TOK_OK)
        return refuse_at(s, seen->bad, seen->what);
    s->at += ret->text.n;
    return TOK_OK;
}

/* A string that is a value. outer_name: the name of its member in the outermost object; NULL
 * elsewhere. There a lone surrogate is reported only when the rest of the document is right. */
static enum tok_err take_string_value(struct scanner *s, const struct scan_value *outer_name,
                                      struct scan_value *ret)
{
    struct scan_string_seen seen;
    enum tok_err err = take_string(s, ret, &seen);

    if (err || !seen.lone)
        return err;
    if (!outer_name)
        return refuse_at(s, seen.lone, "lone surrogate");
    if (s->surrogate.surrogate == 0)
        s->surrogate = (struct scan_fault){.at = (size_t)(seen.lone - s->start),
                                           .what = "lone surrogate",
                                           .surrogate = seen.lone_code,
                                           .member = outer_name->text};
    return TOK_OK;
}

/* Most names begin with different letters of lower case: neither a quote nor an escape. */
static inline int order_names(const char *a, const char *b)
{
    bool letters = a[1] > '\\' && b[1] > '\\' && a[1] != b[1];

    return letters ? a[1] - b[1] : scan_string_order(a, b);
}

/* Inserts a name among those of the innermost object, which begin at first and are sorted.
 * False: it is there already. */
static bool add_name(struct scanner *s, size_t first, const char *name)
{
    size_t low = first, high = s->n_names;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = order_names(name, s->names[middle]);

        if (order == 0)
            return false;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    memmove(&s->names[low + 1], &s->names[low], (s->n_names++ - low) * sizeof(*s->names));
    s->names[low] = name;
    return true;
}

static enum tok_err take_name(struct scanner *s, size_t first, struct scan_value *ret)
{
    struct scan_string_seen seen;
    enum tok_err err;

    if (peek(s) != '"')
        return refuse(s, "no member name");
    err = take_string(s, ret, &seen);
    if (err)
        return err;
    if (seen.lone)
        return refuse_at(s, seen.lone, "lone surrogate");
    if (s->n_names == SCAN_NAMES)
        return refuse_at(s, ret->text.p, "too many members");
    if (!add_name(s, first, ret->text.p))
        return refuse_at(s, ret->text.p, "duplicate member");
    return TOK_OK;
}

/* Gives a member of the outermost object to the caller. */
static enum tok_err keep_member(struct scanner *s, const struct scan_member *member)
{
    if (s->depth > 1 || !s->members)
        return TOK_OK;
    if (s->n_members == s->max_members)
        return refuse_at(s, member->name.text.p, "too many members");
    s->members[s->n_members++] = *member;
    return TOK_OK;
}

static enum tok_err take_member(struct scanner *s, size_t first)
{
    struct scan_member member;
    enum tok_err err = take_name(s, first, &member.name);

    if (err)
        return err;
    skip_space(s);
    if (!take_byte(s, ':'))
        return refuse(s, "no colon after a member name");
    skip_space(s);
    err = take_value(s, s->depth == 1 ? &member.name : NULL, &member.value);
    return err ? err : keep_member(s, &member);
}

static enum tok_err take_object(struct scanner *s)
{
    size_t first = s->n_names;

    s->at++;
    skip_space(s);
    if (take_byte(s, '}'))
        return TOK_OK;
    do {
        enum tok_err err;

        skip_space(s);
        err = take_member(s, first);
        if (err)
            return err;
        skip_space(s);
    } while (take_byte(s, ','));
    if (!take_byte(s, '}'))
        return refuse(s, "neither comma nor brace after a member");
    s->n_names = first;
    return TOK_OK;
}

static enum tok_err take_array(struct scanner *s)
{
    struct scan_value element;

    s->at++;
    skip_space(s);
    if (take_byte(s, ']'))
        return TOK_OK;
    do {
        enum tok_err err;

        skip_space(s);
        err = take_value(s, NULL, &element);
        if (err)
            return err;
        skip_space(s);
    } while (take_byte(s, ','));
    if (!take_byte(s, ']'))
        return refuse(s, "neither comma nor bracket after an element");
    return TOK_OK;
}

/* An object or an array. The recursion ends at SCAN_DEPTH. */
static enum tok_err take_nested(struct scanner *s, enum tok_err (*take)(struct scanner *))
{
    enum tok_err err;

    if (s->depth == SCAN_DEPTH)
        return refuse(s, "nested too deeply");
    s->depth++;
    err = take(s);
    s->depth--;
    return err;
}

static enum tok_err take_value(struct scanner *s, const struct scan_value *outer_name,
                               struct scan_value *ret)
{
    const char *from = s->at;
    enum scan_type type = scan_type_of(peek(s));
    enum tok_err err = TOK_JSON;

    switch (type) {
    case SCAN_STRING:
        return take_string_value(s, outer_name, ret);
    case SCAN_OBJECT:
        err = take_nested(s, take_object);
        break;
    case SCAN_ARRAY:
        err = take_nested(s, take_array);
        break;
    case SCAN_TRUE:
        err = take_word(s, SLICE("true"));
        break;
    case SCAN_FALSE:
        err = take_word(s, SLICE("false"));
        break;
    case SCAN_NULL:
        err = take_word(s, SLICE("null"));
        break;
    case SCAN_NUMBER:
        err = take_number(s);
        break;
    }
    if (!err)
        *ret = (struct scan_value){.text = {from, (size_t)(s->at - from)}, .type = type};
    return err;
}

static enum tok_err take_document(struct scanner *s, struct scan_value *ret)
{
    enum tok_err err;

    if (s->end - s->start >= 3 && memcmp(s->start, "\xef\xbb\xbf", 3) == 0)
        return refuse(s, "byte order mark");
    skip_space(s);
    err = take_value(s, NULL, ret);
    if (err)
        return err;
    skip_space(s);
    if (s->at != s->end)
        return refuse(s, "text after the value");
    if (s->surrogate.surrogate == 0)
        return TOK_OK;
    s->fault = s->surrogate;
    return TOK_JSON;
}

/* The names are 8 KiB that a short document hardly touches: not worth clearing. */
static enum tok_err scan(struct scanner *s, struct slice doc, struct scan_value *ret)
{
    UNINITIALIZED const char *names[SCAN_NAMES];
    struct scan_value value;
    enum tok_err err;

    s->start = s->at = doc.n > 0 ? doc.p : "";
    s->end = s->start + doc.n;
    s->names = names;
    err = take_document(s, &value);
    s->names = NULL;
    if (!err)
        *ret = value;
    return err;
}

enum tok_err scan_document(struct slice doc, struct scan_value *ret, struct scan_fault *fault)
{
    struct scanner s = {0};
    enum tok_err err = scan(&s, doc, ret);

    if (err && fault)
        *fault = s.fault;
    return err;
}

enum tok_err scan_object(struct slice doc, struct scan_member *members, size_t max,
                         size_t *ret_n, struct scan_fault *fault)
{
    struct scanner s = {.members = members, .max_members = max};
    struct scan_value value;
    enum tok_err err = scan(&s, doc, &value);

    if (!err && value.type != SCAN_OBJECT)
        err = refuse_at(&s, value.text.p, "not an object");
    if (!err)
        *ret_n = s.n_members;
    else if (fault)
        *fault = s.fault;
    return err;
}
