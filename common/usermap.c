#include "usermap.h"

#include "cleanup.h"
#include "ini.h"
#include "policy.h"
#include "secret.h"

#include <string.h>

#define FORM                                                                                   \
    "ISSUER CLAIM-VALUE LOCAL-USER, parted by blanks; CLAIM-VALUE may be *@DOMAIN, and a "     \
    "line that begins with # is a comment"
#define SHOWN 100 /* bytes of a wrong word in a sentence */
#define FIELDS 3

struct usermap_line {
    struct slice issuer, value, user;
    unsigned line;
};

static int shown(struct slice text)
{
    return (int)(text.n < SHOWN ? text.n : SHOWN);
}

void usermap_clear(struct usermap *map)
{
    free(map->lines);
    free(map->text);
    *map = (struct usermap){0};
}

static int compare_slices(struct slice a, struct slice b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int compare(const void *a, const void *b)
{
    const struct usermap_line *x = a, *y = b;
    int order = compare_slices(x->issuer, y->issuer);

    return order ? order : compare_slices(x->value, y->value);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Words of a trimmed line, up to max + 1 of them. */
static size_t split(struct slice line, struct slice *words, size_t max)
{
    size_t n = 0;

    for (size_t at = 0; at < line.n && n <= max; n++) {
        size_t start = at;

        while (at < line.n && !is_blank(line.p[at]))
            at++;
        if (n < max)
            words[n] = (struct slice){line.p + start, at - start};
        while (at < line.n && is_blank(line.p[at]))
            at++;
    }
    return n;
}

static bool holds(struct slice text, char c)
{
    return text.n > 0 && memchr(text.p, c, text.n) != NULL;
}

/* A '*' stands for all of a domain or nowhere: whoever hopes for patterns is told. */
static bool is_value(struct slice value)
{
    struct slice domain;

    if (value.n > USERMAP_VALUE_MAX)
        return false;
    if (!holds(value, '*'))
        return true;
    if (value.n <= 2 || memcmp(value.p, "*@", 2) != 0)
        return false;
    domain = (struct slice){value.p + 2, value.n - 2};
    return !holds(domain, '*') && !holds(domain, '@');
}

static enum tok_err read_line(const struct ini *in, struct slice text, struct usermap_line *ret,
                              struct why *why)
{
    struct slice words[FIELDS];

    if (split(text, words, FIELDS) != FIELDS)
        return why_set(why, TOK_SETTINGS, "%s:%u: the line is out of form; allowed is " FORM,
                       in->name, in->line);
    if (!value_is_name(words[0]))
        return why_set(why, TOK_SETTINGS, "%s:%u: %.*s is no issuer; allowed is %s", in->name,
                       in->line, shown(words[0]), words[0].p, VALUE_NAME_FORM);
    if (!is_value(words[1]))
        return why_set(why, TOK_SETTINGS,
                       "%s:%u: %.*s is no claim's value; allowed are up to %d bytes without *, "
                       "or *@DOMAIN",
                       in->name, in->line, shown(words[1]), words[1].p, USERMAP_VALUE_MAX);
    if (!policy_user_name_ok(words[2]))
        return why_set(why, TOK_SETTINGS,
                       "%s:%u: %.*s is no user name; allowed are letters, digits, '.', '_' and "
                       "'-'",
                       in->name, in->line, shown(words[2]), words[2].p);
    *ret = (struct usermap_line){words[0], words[1], words[2], in->line};
    return TOK_OK;
}

static enum tok_err add_line(struct usermap *map, size_t *room, const struct usermap_line *line)
{
    if (map->n == *room) {
        size_t more = *room ? *room * 2 : 16;
        struct usermap_line *lines = reallocarray(map->lines, more, sizeof(*lines));

        if (!lines)
            return TOK_NO_MEMORY;
        map->lines = lines;
        *room = more;
    }
    map->lines[map->n++] = *line;
    return TOK_OK;
}

static enum tok_err read_lines(struct ini *in, struct usermap *map, struct why *why)
{
    struct usermap_line line;
    struct slice text = {0};
    size_t room = 0;
    enum tok_err err;
    bool end;

    for (;;) {
        err = ini_next_line(in, &text, &end, why);
        if (err || end)
            return err;
        if (text.n == 0 || *text.p == '#')
            continue;
        err = read_line(in, text, &line, why);
        if (!err)
            err = add_line(map, &room, &line);
        if (err)
            return err;
    }
}

static enum tok_err sort(const char *name, struct usermap *map, struct why *why)
{
    if (map->n < 2)
        return TOK_OK;
    qsort(map->lines, map->n, sizeof(*map->lines), compare);
    for (size_t i = 1; i < map->n; i++) {
        const struct usermap_line *a = &map->lines[i - 1], *b = &map->lines[i];

        if (compare(a, b) == 0)
            return why_set(why, TOK_SETTINGS,
                           "%s:%u: %.*s of this issuer is in line %u, too; allowed is one line "
                           "for a value",
                           name, a->line > b->line ? a->line : b->line, shown(b->value),
                           b->value.p, a->line > b->line ? b->line : a->line);
    }
    return TOK_OK;
}

/* Takes the text over, whatever comes of it. */
static enum tok_err parse(const char *name, char *text, size_t n, struct usermap *ret,
                          struct why *why)
{
    struct ini in = {.name = name, .rest = {text, n}};
    struct usermap map = {.text = text};
    enum tok_err err = read_lines(&in, &map, why);

    if (!err)
        err = sort(name, &map, why);
    if (err)
        usermap_clear(&map);
    else
        *ret = map;
    return err == TOK_NO_MEMORY ? why_set(why, err, "%s: %s", name, tok_err_text(err)) : err;
}

enum tok_err usermap_parse(const char *name, struct slice text, struct usermap *ret,
                           struct why *why)
{
    char *copy = malloc(text.n + 1);

    if (!copy)
        return why_set(why, TOK_NO_MEMORY, "%s: %s", name, tok_err_text(TOK_NO_MEMORY));
    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return parse(name, copy, text.n, ret, why);
}

enum tok_err usermap_load(const char *path, enum file_trust trust, struct usermap *ret,
                          struct why *why)
{
    char *text;
    size_t n;
    enum tok_err err = file_read(path, trust, USERMAP_FILE_MAX, &text, &n, NULL, why);

    if (err)
        return err == TOK_FILE ? TOK_SETTINGS : err;
    return parse(path, text, n, ret, why);
}

static const struct usermap_line *find(const struct usermap *map, struct slice issuer,
                                       struct slice value)
{
    const struct usermap_line wanted = {.issuer = issuer, .value = value};

    return map->n > 0 ? bsearch(&wanted, map->lines, map->n, sizeof(wanted), compare) : NULL;
}

/* The value's *@DOMAIN; false when it is no NAME@DOMAIN. */
static bool domain_of(struct slice value, char room[USERMAP_VALUE_MAX + 1], struct slice *ret)
{
    const char *at = value.n > 0 ? memchr(value.p, '@', value.n) : NULL;
    size_t name_n = at ? (size_t)(at - value.p) : 0, rest = value.n - name_n;

    if (name_n == 0 || rest < 2 || holds((struct slice){at + 1, rest - 1}, '@'))
        return false;
    room[0] = '*';
    memcpy(room + 1, at, rest);
    *ret = (struct slice){room, rest + 1};
    return true;
}

enum tok_err usermap_find(const struct usermap *map, struct slice issuer, struct slice value,
                          struct slice *ret)
{
    char room[USERMAP_VALUE_MAX + 1];
    const struct usermap_line *line;
    struct slice domain;

    if (value.n == 0 || value.n > USERMAP_VALUE_MAX)
        return TOK_UNMAPPED;
    line = find(map, issuer, value);
    if (!line && domain_of(value, room, &domain))
        line = find(map, issuer, domain);
    if (!line)
        return TOK_UNMAPPED;
    *ret = line->user;
    return TOK_OK;
}
