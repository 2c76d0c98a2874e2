#include "jwtd/issuer/keys/signer.h"

#include "common/base/base64url.h"
#include "common/base/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_LEN (KEY_THUMBPRINT_LEN + 1 + 20 + 1)
#define FILE_MAX ((size_t)KEYS_MAX * LINE_MAX_LEN)

/* A line without its newline: a thumbprint alone where it is the first, else with its time. */
static bool read_line(struct slice line, bool first, struct signer_line *ret)
{
    int64_t until = 0;

    if (line.n < KEY_THUMBPRINT_LEN ||
        !base64url_is_text((struct slice){line.p, KEY_THUMBPRINT_LEN}))
        return false;
    memcpy(ret->thumbprint, line.p, KEY_THUMBPRINT_LEN);
    if (first)
        return line.n == KEY_THUMBPRINT_LEN;
    if (line.n < KEY_THUMBPRINT_LEN + 2 || line.n > KEY_THUMBPRINT_LEN + 1 + 18 ||
        line.p[KEY_THUMBPRINT_LEN] != ' ')
        return false;
    for (size_t i = KEY_THUMBPRINT_LEN + 1; i < line.n; i++) {
        if (line.p[i] < '0' || line.p[i] > '9')
            return false;
        until = until * 10 + (line.p[i] - '0');
    }
    ret->until = until;
    return true;
}

static bool parse(struct slice text, struct signer *s)
{
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        struct slice line;

        if (!end || s->n == KEYS_MAX)
            return false;
        line = (struct slice){text.p, (size_t)(end - text.p)};
        if (!read_line(line, s->n == 0, &s->lines[s->n]))
            return false;
        s->n++;
        text = (struct slice){end + 1, text.n - line.n - 1};
    }
    return s->n > 0;
}

static enum tok_err path_of(const char *dir, char **ret)
{
    char *path;

    if (asprintf(&path, "%s/" SIGNER_FILE, dir) < 0)
        return TOK_NO_MEMORY;
    *ret = path;
    return TOK_OK;
}

enum tok_err signer_read(const char *dir, struct signer *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    CLEANUP(cleanup_free) char *text = NULL;
    struct signer s = {0};
    size_t n = 0;
    int number = 0;
    enum tok_err err = path_of(dir, &path);

    if (err == TOK_OK)
        err = file_read(path, FILE_PRIVATE, FILE_MAX, &text, &n, &number, errmsg);
    if (err == TOK_FILE && number == ENOENT) {
        *ret = s;
        return TOK_OK;
    }
    if (err != TOK_OK)
        return err == TOK_FILE ? TOK_KEYS : err;
    if (!parse((struct slice){text, n}, &s))
        return errmsg_set(
            errmsg, TOK_KEYS,
            "%s: is out of form: remove it, and the key whose file is the newest signs", path);
    *ret = s;
    return TOK_OK;
}

enum tok_err signer_write(const char *dir, const struct signer *s, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    char text[FILE_MAX + 1];
    size_t n = 0;
    enum tok_err err = path_of(dir, &path);

    if (err != TOK_OK)
        return err;
    for (size_t i = 0; i < s->n; i++) {
        const struct signer_line *l = &s->lines[i];
        char until[24] = "";

        if (i > 0)
            (void)snprintf(until, sizeof(until), " %" PRId64, l->until);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s%s\n", KEY_THUMBPRINT_LEN,
                              l->thumbprint, until);
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
