#include "common/token/usermap.h"

#include "common/base/cleanup.h"
#include "common/base/ini.h"
#include "common/base/text.h"
#include "common/base/value.h"

#include <inttypes.h>
#include <string.h>

#define LOGIN_DEFS "/etc/login.defs"
#define LOGIN_DEFS_MAX 65536 /* bytes */
#define UID_MIN_DEFAULT 1000 /* login.defs(5) */

#define FORM                                                                                   \
    "ISSUER CLAIM-VALUE LOCAL-USER, separated by spaces, then fold or system or nothing; a "   \
    "line that begins with # is a comment"
#define SHOWN 100 /* bytes of a wrong word in a message */

void usermap_clear(struct usermap *map)
{
    free(map->lines);
    free(map->text);
    *map = (struct usermap){0};
}

static size_t count_stars(struct slice text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '*';
    return n;
}

static enum tok_err read_line(const struct ini *in, struct slice text, struct usermap_line *ret,
                              struct errmsg *errmsg)
{
    struct usermap_line l = {.line = in->line};
    struct slice word;

    if (!text_next_quoted(&text, ' ', &l.issuer) || !text_next_quoted(&text, ' ', &l.value) ||
        !text_next_quoted(&text, ' ', &l.user))
        return INI_REFUSE(in, errmsg, "expected %s", FORM);
    while (text_next_word(&text, ' ', &word)) {
        bool *flag = slice_is(word, "fold") ? &l.fold : &l.system;

        if (*flag || !(slice_is(word, "fold") || slice_is(word, "system")))
            return INI_REFUSE(in, errmsg, "expected %s", FORM);
        *flag = true;
    }
    if (!value_is_name(l.issuer))
        return INI_REFUSE(in, errmsg, "issuer: expected %s, got \"%.*s\"", VALUE_NAME_FORM,
                          slice_shown(l.issuer, SHOWN), l.issuer.p);
    l.pattern = count_stars(l.value) > 0;
    if (l.value.n == 0 || l.value.n > USERMAP_VALUE_MAX || *l.value.p == '"' ||
        slice_is(l.value, "*") || count_stars(l.value) > 1)
        return INI_REFUSE(in, errmsg,
                          "claim value: expected up to %d bytes, with at most one '*' and "
                          "not '*' alone, got \"%.*s\"",
                          USERMAP_VALUE_MAX, slice_shown(l.value, SHOWN), l.value.p);
    if (!username_valid(l.user) || count_stars(l.user) > l.pattern)
        return INI_REFUSE(in, errmsg,
                          "local user: expected %s, with at most one '*' and that only after a "
                          "value with '*', got \"%.*s\"",
                          USER_NAME_FORM, slice_shown(l.user, SHOWN), l.user.p);
    *ret = l;
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

static bool texts_equal(struct slice a, struct slice b, bool fold)
{
    if (!fold)
        return slice_eq(a, b);
    for (size_t i = 0; a.n == b.n && i < a.n; i++)
        if (text_lower(a.p[i]) != text_lower(b.p[i]))
            return false;
    return a.n == b.n;
}

/* Yields what '*' stands for, or nothing. */
static bool matches(const struct usermap_line *l, struct slice value, struct slice *ret_part)
{
    struct slice before, after, rest;

    *ret_part = (struct slice){0};
    if (!slice_cut(l->value, '*', &before, &after))
        return texts_equal(l->value, value, l->fold);
    if (value.n <= before.n + after.n ||
        !texts_equal(before, (struct slice){value.p, before.n}, l->fold))
        return false;
    rest = slice_skip(value, before.n);
    *ret_part = (struct slice){rest.p, rest.n - after.n};
    if (!texts_equal(after, slice_skip(rest, ret_part->n),
                     l->fold || text_begins_with(after, "@")))
        return false;
    for (size_t i = 0; i < ret_part->n; i++)
        if (ret_part->p[i] == '\0' || strchr("@:/\\", ret_part->p[i]))
            return false;
    return true;
}

const struct usermap_line *usermap_find(const struct usermap *map, struct slice issuer,
                                        struct slice value)
{
    struct slice part;

    for (size_t i = 0; i < map->n; i++)
        if (slice_eq(map->lines[i].issuer, issuer) && matches(&map->lines[i], value, &part))
            return &map->lines[i];
    return NULL;
}

static bool digits_alone(struct slice text)
{
    size_t n = 0;

    while (n < text.n && text_is_digit(text.p[n]))
        n++;
    return n == text.n;
}

enum tok_err usermap_apply(const struct usermap_line *line, struct slice value,
                           char ret[USER_NAME_MAX + 1])
{
    struct slice part, before = line->user, after = {0}, user = {ret, 0};
    bool star = slice_cut(line->user, '*', &before, &after);

    if (!matches(line, value, &part))
        return TOK_UNMAPPED;
    user.n = before.n + (star ? part.n : 0) + after.n;
    if (user.n > USER_NAME_MAX)
        return TOK_USER_NAME;
    memcpy(ret, before.p, before.n);
    for (size_t i = 0; star && i < part.n; i++)
        ret[before.n + i] = line->fold ? text_lower(part.p[i]) : part.p[i];
    if (after.n > 0)
        memcpy(ret + user.n - after.n, after.p, after.n);
    ret[user.n] = '\0';
    if (!username_valid(user))
        return TOK_USER_NAME;
    return star && !line->system && (digits_alone(user) || text_ends_with(user, "$"))
               ? TOK_UNMAPPED
               : TOK_OK;
}

static uint64_t uid_min(void)
{
    CLEANUP(secret_clear) struct secret text = {0};
    uint64_t min = UID_MIN_DEFAULT;
    struct slice rest, line, word;

    if (file_read(LOGIN_DEFS, FILE_SETTINGS, LOGIN_DEFS_MAX, &text, NULL) != TOK_OK)
        return min;
    rest = secret_slice(&text);
    while (text_next_word(&rest, '\n', &line))
        if (text_next_word(&line, ' ', &word) && slice_is(word, "UID_MIN") &&
            text_next_word(&line, ' ', &word))
            (void)slice_digits(word, &min);
    return min;
}

enum tok_err usermap_check_uid(const struct usermap_line *line, uid_t uid,
                               struct errmsg *errmsg)
{
    uint64_t min;

    if (!line || !line->pattern || line->system)
        return TOK_OK;
    min = uid_min();
    if (uid >= min)
        return TOK_OK;
    return errmsg_set(errmsg, TOK_UNMAPPED,
                      "line %u of the user map: the account has uid %lu, expected UID_MIN "
                      "(%" PRIu64 ") or more, or the word \"system\" on this line",
                      line->line, (unsigned long)uid, min);
}
