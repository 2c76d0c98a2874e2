#include "jwtd/issuer/keys/signer.h"

#include "common/base/base64url.h"
#include "common/base/file.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_LEN (KEY_THUMBPRINT_LEN + 2 * (1 + 20) + 1)
#define FILE_MAX ((size_t)KEYS_MAX * LINE_MAX_LEN)

static bool read_time(struct slice digits, int64_t *ret)
{
    uint64_t n;

    if (digits.n > 18 || !slice_digits(digits, &n))
        return false;
    *ret = (int64_t)n;
    return true;
}

/* A line without its newline: a thumbprint, and in all but the first line one or two times. */
static bool read_line(struct slice line, bool first, struct signer_line *ret)
{
    struct slice thumbprint = line, until, from = {NULL, 0};

    *ret = (struct signer_line){.until = 0};
    if (!first) {
        if (!slice_cut(line, ' ', &thumbprint, &until))
            return false;
        (void)slice_cut(until, ' ', &until, &from);
        if (!read_time(until, &ret->until) || (from.p && !read_time(from, &ret->from)))
            return false;
    }
    if (thumbprint.n != KEY_THUMBPRINT_LEN || !base64url_is_text(thumbprint))
        return false;
    memcpy(ret->thumbprint, thumbprint.p, KEY_THUMBPRINT_LEN);
    return true;
}

static bool parse(struct slice text, struct signer *s)
{
    struct slice line;

    for (; text.n > 0; s->n++)
        if (s->n == KEYS_MAX || !slice_cut(text, '\n', &line, &text) ||
            !read_line(line, s->n == 0, &s->lines[s->n]))
            return false;
    return s->n > 0;
}

enum tok_err signer_read(const char *dir, struct signer *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    CLEANUP(secret_clear) struct secret text = {0};
    struct signer s = {0};
    enum tok_err err = text_concat(dir, "/" SIGNER_FILE, "", &path);

    if (err == TOK_OK)
        err = file_read(path, FILE_PRIVATE, FILE_MAX, &text, errmsg);
    if (file_is_missing(err, errmsg)) {
        *ret = s;
        return TOK_OK;
    }
    if (err != TOK_OK)
        return err == TOK_FILE ? TOK_KEYS : err;
    if (!parse(secret_slice(&text), &s))
        return errmsg_set(errmsg, TOK_KEYS,
                          "%s: malformed: remove it, then the key with the newest file signs",
                          path);
    *ret = s;
    return TOK_OK;
}

enum tok_err signer_write(const char *dir, const struct signer *s, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    char text[FILE_MAX + 1];
    size_t n = 0;
    enum tok_err err = text_concat(dir, "/" SIGNER_FILE, "", &path);

    if (err != TOK_OK)
        return err;
    for (size_t i = 0; i < s->n; i++) {
        const struct signer_line *l = &s->lines[i];
        char until[24] = "", from[24] = "";

        if (i > 0)
            (void)snprintf(until, sizeof(until), " %" PRId64, l->until);
        if (i > 0 && l->from > 0)
            (void)snprintf(from, sizeof(from), " %" PRId64, l->from);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s%s%s\n", KEY_THUMBPRINT_LEN,
                              l->thumbprint, until, from);
    }
    return file_write(path, (struct slice){text, n}, 0600, errmsg);
}

const struct signer_line *signer_find(const struct signer *s,
                                      const char thumbprint[KEY_THUMBPRINT_LEN])
{
    for (size_t i = 0; i < s->n; i++)
        if (memcmp(s->lines[i].thumbprint, thumbprint, KEY_THUMBPRINT_LEN) == 0)
            return &s->lines[i];
    return NULL;
}
