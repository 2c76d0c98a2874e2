#include "common/token/usermap.h"

#include "common/base/cleanup.h"
#include "common/base/ini.h"
#include "common/base/text.h"
#include "common/base/username.h"
#include "common/base/value.h"

#include <string.h>

#define FORM                                                                                   \
    "ISSUER CLAIM-VALUE LOCAL-USER, separated by spaces; CLAIM-VALUE may be *@DOMAIN, and a "  \
    "line that begins with # is a comment"
#define SHOWN 100 /* bytes of a wrong word in a message */

struct usermap_line {
    struct slice issuer, value, user;
    unsigned line;
};

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

/* NAME@DOMAIN, with exactly one '@'. */
static bool split_domain(struct slice value, struct slice *ret_name, struct slice *ret_domain)
{
    return slice_cut(value, '@', ret_name, ret_domain) && ret_name->n > 0 &&
           ret_domain->n > 0 && !memchr(ret_domain->p, '@', ret_domain->n) &&
           !memchr(ret_domain->p, '*', ret_domain->n);
}

/* A '*' other than in *@DOMAIN is an error: patterns are not supported. */
static bool value_valid(struct slice value)
{
    struct slice name, domain;

    if (value.n > USERMAP_VALUE_MAX)
        return false;
    return !memchr(value.p, '*', value.n) ||
           (split_domain(value, &name, &domain) && slice_is(name, "*"));
}

static enum tok_err read_line(const struct ini *in, struct slice text, struct usermap_line *ret,
                              struct errmsg *errmsg)
{
    struct slice issuer, value, user, more;

    if (!text_next_word(&text, ' ', &issuer) || !text_next_word(&text, ' ', &value) ||
        !text_next_word(&text, ' ', &user) || text_next_word(&text, ' ', &more))
        return INI_REFUSE(in, errmsg, "expected %s", FORM);
    if (!value_is_name(issuer))
        return INI_REFUSE(in, errmsg, "issuer: expected %s, got \"%.*s\"", VALUE_NAME_FORM,
                          slice_shown(issuer, SHOWN), issuer.p);
    if (!value_valid(value))
        return INI_REFUSE(in, errmsg,
                          "claim value: expected up to %d bytes without '*', or *@DOMAIN, "
                          "got \"%.*s\"",
                          USERMAP_VALUE_MAX, slice_shown(value, SHOWN), value.p);
    if (!username_valid(user))
        return INI_REFUSE(
            in, errmsg, "local user: expected letters, digits, '.', '_' and '-', got \"%.*s\"",
            slice_shown(user, SHOWN), user.p);
    *ret = (struct usermap_line){issuer, value, user, in->line};
    return TOK_OK;
}

static enum tok_err read_lines(struct ini *in, struct usermap *map, struct errmsg *errmsg)
{
    struct usermap_line *lines, line;
    struct slice text = {0};
    enum tok_err err;
    bool end;

    for (;;) {
        err = ini_next_line(in, &text, &end, errmsg);
        if (err || end)
            return err;
        if (text.n == 0 || *text.p == '#')
            continue;
        err = read_line(in, text, &line, errmsg);
        if (err)
            return err;
        lines = reallocarray(map->lines, map->n + 1, sizeof(*lines));
        if (!lines)
            return TOK_NO_MEMORY;
        lines[map->n++] = line;
        map->lines = lines;
    }
}

static enum tok_err sort(const char *name, struct usermap *map, struct errmsg *errmsg)
{
    if (map->n > 1)
        qsort(map->lines, map->n, sizeof(*map->lines), compare);
    for (size_t i = 1; i < map->n; i++) {
        const struct usermap_line *a = &map->lines[i - 1], *b = &map->lines[i];
        unsigned first = a->line < b->line ? a->line : b->line;

        if (compare(a, b) != 0)
            continue;
        return errmsg_set(
            errmsg, TOK_SETTINGS, "%s:%u: \"%.*s\" of this issuer is already mapped in line %u",
            name, a->line + b->line - first, slice_shown(b->value, SHOWN), b->value.p, first);
    }
    return TOK_OK;
}

enum tok_err usermap_parse(const char *name, struct slice text, struct usermap *ret,
                           struct errmsg *errmsg)
{
    CLEANUP(usermap_clear) struct usermap map = {.text = malloc(text.n + 1)};
    struct ini in = {.name = name, .rest = {map.text, text.n}};
    enum tok_err err = map.text ? TOK_OK : TOK_NO_MEMORY;

    if (!err && text.n > 0)
        memcpy(map.text, text.p, text.n);
    if (!err)
        err = read_lines(&in, &map, errmsg);
    if (!err)
        err = sort(name, &map, errmsg);
    if (err)
        return err == TOK_NO_MEMORY ? errmsg_set(errmsg, err, "%s: %s", name, tok_err_text(err))
                                    : err;
    *ret = map;
    map = (struct usermap){0};
    return TOK_OK;
}

enum tok_err usermap_load(const char *path, enum file_trust trust, struct usermap *ret,
                          struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret text = {0};
    enum tok_err err = file_read(path, trust, USERMAP_FILE_MAX, &text, errmsg);

    if (err)
        return err == TOK_FILE ? TOK_SETTINGS : err;
    return usermap_parse(path, secret_slice(&text), ret, errmsg);
}

static const struct usermap_line *find(const struct usermap *map, struct slice issuer,
                                       struct slice value)
{
    const struct usermap_line wanted = {.issuer = issuer, .value = value};

    return map->n > 0 ? bsearch(&wanted, map->lines, map->n, sizeof(wanted), compare) : NULL;
}

enum tok_err usermap_find(const struct usermap *map, struct slice issuer, struct slice value,
                          struct slice *ret)
{
    char room[USERMAP_VALUE_MAX] = "*@";
    const struct usermap_line *line;
    struct slice name, domain;

    if (value.n == 0 || value.n > USERMAP_VALUE_MAX)
        return TOK_UNMAPPED;
    line = find(map, issuer, value);
    if (!line && split_domain(value, &name, &domain)) {
        memcpy(room + 2, domain.p, domain.n);
        line = find(map, issuer, (struct slice){room, 2 + domain.n});
    }
    if (!line)
        return TOK_UNMAPPED;
    *ret = line->user;
    return TOK_OK;
}
