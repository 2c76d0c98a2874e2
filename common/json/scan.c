#include "common/json/scan_names.h"
#include "common/json/scan_plain.h"

#include <string.h>

struct walk {
    const char *start, *at, *end;
    unsigned depth;
    /* Names of all open objects, outermost first. */
    const char **names;
    size_t n_names;
    /* Where members of the outermost object go; NULL: nowhere. */
    struct scan_member *members;
    size_t max_members, n_members;
    /* Why the walk ended, or what is told when nothing else ends it. */
    struct scan_fault fault, surrogate; /* surrogate.surrogate 0: none */
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

static enum tok_err take_name(struct walk *w, struct scan_names *names, struct scan_member *ret)
{
    UNINITIALIZED struct scan_string_seen seen;
    enum tok_err err;

    if (peek(w) != '"')
        return refuse(w, "no member name");
    err = take_string(w, &ret->name, &seen);
    if (err != TOK_OK)
        return err;
    if (seen.lone)
        return refuse_at(w, seen.lone, "lone surrogate");
    ret->begin = scan_begin(scan_string_raw(ret->name));
    if (w->n_names == SCAN_NAMES)
        return refuse_at(w, ret->name.text.p, "too many members");
    if (!scan_names_add(names, &ret->name, ret->begin))
        return refuse_at(w, ret->name.text.p, "duplicate member");
    w->n_names++;
    return TOK_OK;
}

/* Do members of the object that is open go to the caller? */
static inline bool are_kept(const struct walk *w)
{
    return w->depth == 1 && w->members;
}

/* Where the next member goes: to the caller, or nowhere for long. */
static inline struct scan_member *place_for(struct walk *w, struct scan_member *other)
{
    return are_kept(w) && w->n_members < w->max_members ? &w->members[w->n_members] : other;
}

static inline enum tok_err keep(struct walk *w, const struct scan_member *member)
{
    if (!are_kept(w))
        return TOK_OK;
    if (w->n_members == w->max_members)
        return refuse_at(w, member->name.text.p, "too many members");
    w->n_members++;
    return TOK_OK;
}

static enum tok_err take_member(struct walk *w, struct scan_names *names)
{
    UNINITIALIZED struct scan_member other;
    struct scan_member *member = place_for(w, &other);
    enum tok_err err = take_name(w, names, member);

    if (err != TOK_OK)
        return err;
    skip_blank(w);
    if (!take_byte(w, ':'))
        return refuse(w, "no colon after a member name");
    skip_blank(w);
    err = take_value(w, w->depth == 1 ? &member->name : NULL, &member->value);
    return err != TOK_OK ? err : keep(w, member);
}

/* How many more members there is room for. */
static size_t room_left(const struct walk *w, bool kept)
{
    size_t names = SCAN_NAMES - w->n_names, members = w->max_members - w->n_members;

    return kept && members < names ? members : names;
}

/* Takes plain members up to one that is not, or can't be kept: that one is read again with all
 * there is to say about it. True: the last one was taken, and the brace after it. */
static bool take_plain_members(struct walk *w, struct scan_names *ret_names)
{
    const bool kept = are_kept(w);
    UNINITIALIZED struct scan_member other;
    struct scan_member *next = kept ? w->members + w->n_members : &other;
    struct scan_window window = {w->start, w->end, w->at, 0};
    struct scan_names names = *ret_names;
    const char *p = w->at, *past;
    size_t room = room_left(w, kept), taken = 0;

    if (w->end - p < SCAN_PLAIN_LEN || w->end[-1] != '}')
        return false;
    scan_window_move(&window, p);
    while (taken < room && p <= window.end - SCAN_PLAIN_LEN) {
        past = scan_plain_member(&window, p, next);
        if (!past || !scan_names_add_by(&names, p, scan_names_bit(next->begin)))
            break;
        taken++;
        next += kept ? 1 : 0;
        p = past;
        if (p[-1] == '}')
            break;
    }
    w->at = p;
    w->n_names += taken;
    w->n_members += kept ? taken : 0;
    *ret_names = names;
    return p[-1] == '}';
}

static enum tok_err take_object(struct walk *w)
{
    struct scan_names names = {.end = w->end, .all = w->names + w->n_names};

    w->at++;
    skip_blank(w);
    if (take_byte(w, '}'))
        return TOK_OK;
    while (!take_plain_members(w, &names)) {
        enum tok_err err;

        skip_blank(w);
        err = take_member(w, &names);
        if (err != TOK_OK)
            return err;
        skip_blank(w);
        if (take_byte(w, '}'))
            break;
        if (!take_byte(w, ','))
            return refuse(w, "neither comma nor brace after a member");
    }
    w->n_names -= names.n;
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

/* members and max_members are set. The names are kilobytes that a short document never touches.
 */
static enum tok_err walk(struct walk *w, struct slice doc, struct scan_value *ret)
{
    UNINITIALIZED const char *names[SCAN_NAMES];
    struct scan_value value;
    enum tok_err err;

    w->start = w->at = doc.n > 0 ? doc.p : "";
    w->end = w->start + doc.n;
    w->depth = 0;
    w->names = names;
    w->n_names = w->n_members = 0;
    w->surrogate.surrogate = 0;
    err = take_document(w, &value);
    w->names = NULL;
    if (err == TOK_OK)
        *ret = value;
    return err;
}

enum tok_err scan_document(struct slice doc, struct scan_value *ret, struct scan_fault *fault)
{
    UNINITIALIZED struct walk w;
    enum tok_err err;

    w.members = NULL;
    w.max_members = 0;
    err = walk(&w, doc, ret);
    if (err != TOK_OK && fault)
        *fault = w.fault;
    return err;
}

enum tok_err scan_object(struct slice doc, struct scan_member *members, size_t max,
                         size_t *ret_n, struct scan_fault *fault)
{
    UNINITIALIZED struct walk w;
    struct scan_value value;
    enum tok_err err;

    w.members = members;
    w.max_members = max;
    err = walk(&w, doc, &value);
    if (err == TOK_OK && value.type != SCAN_OBJECT)
        err = refuse_at(&w, value.text.p, "not an object");
    if (err == TOK_OK)
        *ret_n = w.n_members;
    else if (fault)
        *fault = w.fault;
    return err;
}
