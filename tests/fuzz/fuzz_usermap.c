/*
 * A line with an issuer, a line with a claim's value, and any bytes as the map. Beyond "no
 * crash": an error names file and line; a plain search finds the same line; each other line
 * that matches is known as an overlap; a user that a line yields has a valid name.
 */
#include "common/base/cleanup.h"
#include "common/token/policy.h"
#include "common/token/usermap.h"
#include "tests/fuzz/fuzz.h"

#include <ctype.h>

static struct slice take_line(struct slice *in)
{
    const char *end = in->n > 0 ? memchr(in->p, '\n', in->n) : NULL;
    struct slice line = take_bytes(in, end ? (size_t)(end - in->p) : in->n);

    (void)take_byte(in); /* the newline */
    return line;
}

static struct slice take_word(struct slice *line)
{
    struct slice word;

    while (line->n > 0 && (*line->p == ' ' || *line->p == '\t'))
        (void)take_byte(line);
    word = (struct slice){line->p, 0};
    while (line->n > 0 && *line->p != ' ' && *line->p != '\t') {
        (void)take_byte(line);
        word.n++;
    }
    return word;
}

/* What a '*' stands for in a value, by trying each place; NULL: the value is another. */
static const char *part_of(struct slice has, struct slice value, size_t *ret_n)
{
    const char *star = memchr(has.p, '*', has.n);
    size_t before = star ? (size_t)(star - has.p) : 0, after = star ? has.n - before - 1 : 0;

    if (!star || value.n <= before + after || memcmp(has.p, value.p, before) != 0)
        return NULL;
    *ret_n = value.n - before - after;
    for (size_t i = 0; i < after; i++) {
        int a = (unsigned char)star[1 + i], b = (unsigned char)value.p[value.n - after + i];
        bool domain = star[1] == '@';

        if (a != b && (!domain || a > 127 || b > 127 || tolower(a) != tolower(b)))
            return NULL;
    }
    for (size_t i = 0; i < *ret_n; i++)
        if (strchr("@:/\\", value.p[before + i]))
            return NULL;
    return value.p + before;
}

/* The number of the first line without quotes and "fold" that matches; 0: none does. */
static unsigned walk(struct slice text, struct slice issuer, struct slice value)
{
    for (unsigned number = 1; text.n > 0; number++) {
        struct slice line = take_line(&text), has_issuer = take_word(&line);
        struct slice has = take_word(&line);
        size_t n;

        if (has_issuer.n > 0 && *has_issuer.p != '#' && slice_eq(has_issuer, issuer) &&
            (slice_eq(has, value) || part_of(has, value, &n)))
            return number;
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};
    struct slice issuer = take_line(&in), value = take_line(&in);
    CLEANUP(usermap_clear) struct usermap map = {0};
    struct errmsg errmsg = {""};
    const struct usermap_line *line;
    char user[USER_NAME_MAX + 1];
    enum tok_err err = usermap_parse("f", in, &map, &errmsg);

    must(err == TOK_OK || err == TOK_SETTINGS);
    if (err) {
        must(strncmp(errmsg.text, "f:", 2) == 0 && errmsg.text[2] >= '1' &&
             errmsg.text[2] <= '9');
        must(map.lines == NULL && map.text == NULL);
        return 0;
    }
    /* A line matches its value, and so does none or an earlier one before it. */
    for (size_t i = 0; i < map.n; i++) {
        line = usermap_find(&map, map.lines[i].issuer, map.lines[i].value);
        must(line && line <= &map.lines[i]);
    }
    line = usermap_find(&map, issuer, value);
    if (!memmem(in.p, in.n, "fold", 4) && !(in.n > 0 && memchr(in.p, '"', in.n)) &&
        value.n > 0 && !memchr(value.p, '\0', value.n) && !memchr(value.p, '*', value.n))
        must((line ? line->line : 0) == walk(in, issuer, value));
    if (!line)
        return 0;
    err = usermap_apply(line, value, user);
    must(err == TOK_OK || err == TOK_USER_NAME || err == TOK_UNMAPPED);
    must(err || (username_valid(slice_of(user)) &&
                 (line->system || !memchr(line->user.p, '*', line->user.n) ||
                  user[strspn(user, "0123456789")] != '\0')));
    return 0;
}
