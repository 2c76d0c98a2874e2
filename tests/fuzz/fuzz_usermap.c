/*
 * A line with an issuer, a line with a claim's value, and any bytes as the map. Beyond "no
 * crash": an error names file and line; a linear search finds the same; a user that is found is
 * a portable user name in the map.
 */
#include "common/base/cleanup.h"
#include "common/token/policy.h"
#include "common/token/usermap.h"
#include "tests/fuzz/fuzz.h"

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

/* Does a line's value, with its *@DOMAIN, stand for this one? 2: by its very bytes. */
static int stands_for(struct slice has, struct slice value)
{
    const char *at;

    if (slice_eq(has, value))
        return 2;
    if (has.n < 3 || has.p[0] != '*')
        return 0;
    at = value.n > 0 ? memchr(value.p, '@', value.n) : NULL;
    if (!at || at == value.p || memchr(at + 1, '@', value.n - (size_t)(at + 1 - value.p)))
        return 0;
    return slice_eq((struct slice){has.p + 1, has.n - 1},
                    (struct slice){at, value.n - (size_t)(at - value.p)});
}

static struct slice walk(struct slice text, struct slice issuer, struct slice value)
{
    struct slice user = {0};
    int best = 0;

    while (text.n > 0) {
        struct slice line = take_line(&text), has_issuer = take_word(&line);
        struct slice has = take_word(&line), has_user = take_word(&line);
        int stands = 0;

        if (has_issuer.n > 0 && *has_issuer.p != '#' && slice_eq(has_issuer, issuer))
            stands = stands_for(has, value);
        if (stands > best) {
            best = stands;
            user = has_user;
        }
    }
    return user;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};
    struct slice issuer = take_line(&in), value = take_line(&in), user = {0}, want;
    CLEANUP(usermap_clear) struct usermap map = {0};
    struct errmsg errmsg = {""};
    enum tok_err err = usermap_parse("f", in, &map, &errmsg);

    must(err == TOK_OK || err == TOK_SETTINGS);
    if (err) {
        must(strncmp(errmsg.text, "f:", 2) == 0 && errmsg.text[2] >= '1' &&
             errmsg.text[2] <= '9');
        must(map.lines == NULL && map.text == NULL);
        return 0;
    }
    want = value.n == 0 ? (struct slice){0} : walk(in, issuer, value);
    err = usermap_find(&map, issuer, value, &user);
    must(err == (want.n > 0 ? TOK_OK : TOK_UNMAPPED));
    must(slice_eq(user, want) && (err || username_valid(user)));
    return 0;
}
