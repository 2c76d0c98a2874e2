#include "scan_string.h"

#include <string.h>

#define FEW_NAMES 16 /* of one object; more are sorted */

/* A member's name of an object that is still open, by its place in the document. */
struct name {
    uint32_t at, n;
    bool escaped;
    uint64_t begin; /* of one without escapes: its first eight bytes */
};

struct walk {
    const char *start, *at, *end;
    unsigned depth;
    /* Names of all open objects, outermost first; the innermost's are sorted when they are not
     * few. Sorting, unlike hashing, leaves nobody names to choose that make it slow. */
    struct name *names;
    size_t n_names;
    /* Where members of the outermost object go; NULL: nowhere. */
    struct scan_member *members;
    size_t max_members, n_members;
    /* Why the walk ended, or what is told when nothing else ends it. */
    struct scan_fault fault, surrogate;
};

static enum tok_err take_value(struct walk *w, const struct scan_value *outer_name,
                               struct scan_value *ret);

static enum tok_err refuse_at(struct walk *w, const char *at, const char *what)
{
    w->fault = (struct scan_fault){.at = (size_t)(at - w->start), .what = what};
    return TOK_JSON;
}

static enum tok_err refuse(struct walk *w, const char *what)
{
    return refuse_at(w, w->at, w->at == w->end ? "the text ends too early" : what);
}

/* The byte that is next, or -1 at the end. */
static inline int peek(const struct walk *w)
{
    return w->at < w->end ? (unsigned char)*w->at : -1;
}

static inline bool take_byte(struct walk *w, char byte)
{
    if (peek(w) != byte)
        return false;
    w->at++;
    return true;
}

static inline void skip_blank(struct walk *w)
{
    while (w->at < w->end && (unsigned char)*w->at <= ' ' &&
           (*w->at == ' ' || *w->at == '\n' || *w->at == '\r' || *w->at == '\t'))
        w->at++;
}

static bool take_digits(struct walk *w)
{
    const char *from = w->at;

    while (w->at < w->end && *w->at >= '0' && *w->at <= '9')
        w->at++;
    return w->at > from;
}

/* RFC 8259 6 */
static enum tok_err take_number(struct walk *w)
{
    (void)take_byte(w, '-');
    if (take_byte(w, '0')) {
        if (take_digits(w))
            return refuse_at(w, w->at - 1, "leading zero");
    } else if (!take_digits(w)) {
        return refuse(w, "not a JSON value");
    }
    if (take_byte(w, '.') && !take_digits(w))
        return refuse(w, "number without a digit after the point");
    if (take_byte(w, 'e') || take_byte(w, 'E')) {
        if (!take_byte(w, '+'))
            (void)take_byte(w, '-');
        if (!take_digits(w))
            return refuse(w, "number without a digit in the exponent");
    }
    return TOK_OK;
}

static enum tok_err take_word(struct walk *w, struct slice word)
{
    if ((size_t)(w->end - w->at) < word.n || memcmp(w->at, word.p, word.n) != 0)
        return refuse(w, "not a JSON value");
    w->at += word.n;
    return TOK_OK;
}

/* at is a quote. False, and nothing is taken, when the string has more in it than plain bytes.
 */
static inline bool take_plain(struct walk *w, struct scan_value *ret)
{
    const char *from = w->at, *quote = scan_string_plain(from + 1, w->end);

    if (quote == w->end || *quote != '"')
        return false;
    w->at = quote + 1;
    *ret = (struct scan_value){.text = {from, (size_t)(w->at - from)}, .type = SCAN_STRING};
    return true;
}

/* at is a quote. */
static enum tok_err take_string(struct walk *w, struct scan_value *ret,
                                struct scan_string_seen *seen)
{
    if (scan_string_check(w->at, w->end, ret, seen) != TOK_OK)
        return refuse_at(w, seen->bad, seen->what);
    w->at += ret->text.n;
    return TOK_OK;
}

/* A string that is a value. outer_name: its member's, in the outermost object; NULL elsewhere.
 * A lone surrogate there is told last, so that any other fault is told before it. */
static enum tok_err take_string_value(struct walk *w, const struct scan_value *outer_name,
                                      struct scan_value *ret)
{
    UNINITIALIZED struct scan_string_seen seen;
    enum tok_err err;

    if (take_plain(w, ret))
        return TOK_OK;
    err = take_string(w, ret, &seen);
    if (err != TOK_OK || !seen.lone)
        return err;
    if (!outer_name)
        return refuse_at(w, seen.lone, "lone surrogate");
    if (w->surrogate.surrogate == 0)
        w->surrogate = (struct scan_fault){.at = (size_t)(seen.lone - w->start),
                                           .what = "lone surrogate",
                                           .surrogate = seen.lone_code,
                                           .member = outer_name->text};
    return TOK_OK;
}

/* The first eight bytes of a name in a text that ends at end, as many as it has. */
static inline uint64_t begin_of(struct slice raw, const char *end)
{
    uint64_t begin = 0;

    if (end - raw.p < (ptrdiff_t)sizeof(begin)) {
        memcpy(&begin, raw.p, raw.n);
        return begin;
    }
    memcpy(&begin, raw.p, sizeof(begin));
    return raw.n < sizeof(begin) ? le64toh(begin) & ((UINT64_C(1) << 8 * raw.n) - 1)
                                 : le64toh(begin);
}

static struct name name_of(const struct walk *w, const struct scan_value *v)
{
    return (struct name){.at = (uint32_t)(v->text.p - w->start),
                         .n = (uint32_t)v->text.n,
                         .escaped = v->escaped,
                         .begin = begin_of(scan_string_raw(*v), w->end)};
}

static int order_of(const struct walk *w, const struct name *a, const struct name *b)
{
    const struct scan_value va = {{w->start + a->at, a->n}, SCAN_STRING, a->escaped};
    const struct scan_value vb = {{w->start + b->at, b->n}, SCAN_STRING, b->escaped};

    return scan_string_order(&va, &vb);
}

static inline bool same_name(const struct walk *w, const struct name *a, const struct name *b)
{
    if (a->begin != b->begin && !a->escaped && !b->escaped)
        return false;
    return order_of(w, a, b) == 0;
}

/* Puts a name among sorted ones that end where it is to be added. False: it is there. */
static bool insert_sorted(const struct walk *w, struct name *from, size_t n, struct name name)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = order_of(w, &name, &from[middle]);

        if (order == 0)
            return false;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    memmove(&from[low + 1], &from[low], (n - low) * sizeof(*from));
    from[low] = name;
    return true;
}

/* Puts a name behind few others. False: it is there. */
static bool append_name(const struct walk *w, struct name *from, size_t n,
                        const struct name *name)
{
    for (size_t i = 0; i < n; i++)
        if (same_name(w, &from[i], name))
            return false;
    from[n] = *name;
    return true;
}

/* base: where the names of this object begin. */
static enum tok_err add_name(struct walk *w, size_t base, const struct scan_value *v)
{
    struct name *from = w->names + base, name;
    size_t n = w->n_names - base;
    bool added;

    if (w->n_names == SCAN_NAMES)
        return refuse_at(w, v->text.p, "too many members");
    name = name_of(w, v);
    if (n == FEW_NAMES)
        for (size_t i = 1; i < n; i++)
            (void)insert_sorted(w, from, i, from[i]);
    added = n < FEW_NAMES ? append_name(w, from, n, &name) : insert_sorted(w, from, n, name);
    if (!added)
        return refuse_at(w, v->text.p, "duplicate member");
    w->n_names++;
    return TOK_OK;
}

static enum tok_err take_name(struct walk *w, size_t base, struct scan_value *ret)
{
    UNINITIALIZED struct scan_string_seen seen;
    enum tok_err err;

    if (peek(w) != '"')
        return refuse(w, "no member name");
    if (take_plain(w, ret))
        return add_name(w, base, ret);
    err = take_string(w, ret, &seen);
    if (err != TOK_OK)
        return err;
    if (seen.lone)
        return refuse_at(w, seen.lone, "lone surrogate");
    return add_name(w, base, ret);
}

static enum tok_err take_member(struct walk *w, size_t base)
{
    bool kept = w->depth == 1 && w->members, fits = w->n_members < w->max_members;
    UNINITIALIZED struct scan_member other;
    struct scan_member *member = kept && fits ? &w->members[w->n_members] : &other;
    enum tok_err err;

    err = take_name(w, base, &member->name);
    if (err != TOK_OK)
        return err;
    skip_blank(w);
    if (!take_byte(w, ':'))
        return refuse(w, "no colon after a member name");
    skip_blank(w);
    err = take_value(w, w->depth == 1 ? &member->name : NULL, &member->value);
    if (err != TOK_OK || !kept)
        return err;
    if (!fits)
        return refuse_at(w, member->name.text.p, "too many members");
    w->n_members++;
    return TOK_OK;
}

static enum tok_err take_object(struct walk *w)
{
    size_t base = w->n_names;

    w->at++;
    skip_blank(w);
    if (take_byte(w, '}'))
        return TOK_OK;
    do {
        enum tok_err err;

        skip_blank(w);
        err = take_member(w, base);
        if (err != TOK_OK)
            return err;
        skip_blank(w);
    } while (take_byte(w, ','));
    if (!take_byte(w, '}'))
        return refuse(w, "neither comma nor brace after a member");
    w->n_names = base;
    return TOK_OK;
}

static enum tok_err take_array(struct walk *w)
{
    struct scan_value element;

    w->at++;
    skip_blank(w);
    if (take_byte(w, ']'))
        return TOK_OK;
    do {
        enum tok_err err;

        skip_blank(w);
        err = take_value(w, NULL, &element);
        if (err != TOK_OK)
            return err;
        skip_blank(w);
    } while (take_byte(w, ','));
    if (!take_byte(w, ']'))
        return refuse(w, "neither comma nor bracket after an element");
    return TOK_OK;
}

/* Calls itself through objects and arrays, at most SCAN_DEPTH deep. */
static enum tok_err take_nested(struct walk *w, enum scan_type type)
{
    enum tok_err err;

    if (w->depth == SCAN_DEPTH)
        return refuse(w, "nested too deeply");
    w->depth++;
    err = type == SCAN_OBJECT ? take_object(w) : take_array(w);
    w->depth--;
    return err;
}

static enum tok_err take_value(struct walk *w, const struct scan_value *outer_name,
                               struct scan_value *ret)
{
    const char *from = w->at;
    enum scan_type type;
    enum tok_err err;

    switch (peek(w)) {
    case '"':
        return take_string_value(w, outer_name, ret);
    case '{':
        type = SCAN_OBJECT;
        err = take_nested(w, type);
        break;
    case '[':
        type = SCAN_ARRAY;
        err = take_nested(w, type);
        break;
    case 't':
        type = SCAN_TRUE;
        err = take_word(w, SLICE("true"));
        break;
    case 'f':
        type = SCAN_FALSE;
        err = take_word(w, SLICE("false"));
        break;
    case 'n':
        type = SCAN_NULL;
        err = take_word(w, SLICE("null"));
        break;
    default:
        type = SCAN_NUMBER;
        err = take_number(w);
        break;
    }
    if (err == TOK_OK)
        *ret = (struct scan_value){.text = {from, (size_t)(w->at - from)}, .type = type};
    return err;
}

static enum tok_err take_document(struct walk *w, struct scan_value *ret)
{
    enum tok_err err;

    if ((size_t)(w->end - w->start) > UINT32_MAX)
        return refuse(w, "text over 4 GiB");
    if (w->end - w->start >= 3 && memcmp(w->start, "\xef\xbb\xbf", 3) == 0)
        return refuse(w, "byte order mark");
    skip_blank(w);
    err = take_value(w, NULL, ret);
    if (err != TOK_OK)
        return err;
    skip_blank(w);
    if (w->at != w->end)
        return refuse(w, "text after the value");
    if (w->surrogate.surrogate == 0)
        return TOK_OK;
    w->fault = w->surrogate;
    return TOK_JSON;
}

/* The names are kilobytes that a short document never touches. */
static enum tok_err walk(struct walk *w, struct slice doc, struct scan_value *ret)
{
    UNINITIALIZED struct name names[SCAN_NAMES];
    struct scan_value value;
    enum tok_err err;

    w->start = w->at = doc.n > 0 ? doc.p : "";
    w->end = w->start + doc.n;
    w->names = names;
    err = take_document(w, &value);
    w->names = NULL;
    if (err == TOK_OK)
        *ret = value;
    return err;
}

enum tok_err scan_document(struct slice doc, struct scan_value *ret, struct scan_fault *fault)
{
    struct walk w = {0};
    enum tok_err err = walk(&w, doc, ret);

    if (err != TOK_OK && fault)
        *fault = w.fault;
    return err;
}

enum tok_err scan_object(struct slice doc, struct scan_member *members, size_t max,
                         size_t *ret_n, struct scan_fault *fault)
{
    struct walk w = {.members = members, .max_members = max};
    struct scan_value value;
    enum tok_err err = walk(&w, doc, &value);

    if (err == TOK_OK && value.type != SCAN_OBJECT)
        err = refuse_at(&w, value.text.p, "not an object");
    if (err == TOK_OK)
        *ret_n = w.n_members;
    else if (fault)
        *fault = w.fault;
    return err;
}
