#include "common/base/file.h"
#include "common/token/policy.h"

#include <string.h>

#define PINNED_MAX 65536 /* bytes of the pinned file */

#define PINNED_FORM                                                                            \
    "the two lines Issuer=NAME and Audience=NAME..., audiences parted by single blanks"

/* Takes a line of this key off the text, yielding its value. */
static bool take_line(struct slice *text, struct slice key, struct slice *ret)
{
    const char *end = text->n > 0 ? memchr(text->p, '\n', text->n) : NULL;
    size_t line = end ? (size_t)(end - text->p) : text->n;

    if (line < key.n || memcmp(text->p, key.p, key.n) != 0)
        return false;
    *ret = (struct slice){text->p + key.n, line - key.n};
    line += end ? 1 : 0;
    *text = (struct slice){text->p + line, text->n - line};
    return true;
}

static enum tok_err pinned_wrong(const char *path, unsigned line, struct errmsg *errmsg)
{
    return errmsg_set(errmsg, TOK_SETTINGS,
                      "%s:%u: the line is out of form; allowed are " PINNED_FORM, path, line);
}

static enum tok_err read_pinned(const char *path, struct slice text, char **ret_issuer,
                                word_list *ret_audience, struct errmsg *errmsg)
{
    CLEANUP(cleanup_word_list) word_list audience = NULL;
    struct slice issuer_text, audience_text;
    enum tok_err err;

    if (!take_line(&text, SLICE("Issuer="), &issuer_text) || !value_is_name(issuer_text))
        return pinned_wrong(path, 1, errmsg);
    if (!take_line(&text, SLICE("Audience="), &audience_text))
        return pinned_wrong(path, 2, errmsg);
    err = word_list_parse(audience_text, ' ', value_is_name, &audience);
    if (err == TOK_SETTINGS || (!err && !audience))
        return pinned_wrong(path, 2, errmsg);
    if (!err && text.n > 0)
        return pinned_wrong(path, 3, errmsg);
    if (!err)
        err = text_copy(issuer_text, ret_issuer);
    if (err)
        return err;
    *ret_audience = audience;
    audience = NULL;
    return TOK_OK;
}

enum tok_err policy_read_pinned(struct policy *p, const char *path, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *text = NULL;
    CLEANUP(cleanup_free) char *issuer = NULL;
    CLEANUP(cleanup_word_list) word_list audience = NULL;
    size_t n;
    enum tok_err err;

    if (p->issuer && p->audience)
        return TOK_OK;
    err = file_read(path, FILE_PUBLIC, PINNED_MAX, &text, &n, NULL, errmsg);
    if (err)
        return err == TOK_FILE ? TOK_SETTINGS : err;
    err = read_pinned(path, (struct slice){text, n}, &issuer, &audience, errmsg);
    if (err == TOK_NO_MEMORY)
        return errmsg_set(errmsg, err, "%s: %s", path, tok_err_text(err));
    if (err)
        return err;
    if (!p->issuer) {
        p->issuer = issuer;
        issuer = NULL;
    }
    if (!p->audience) {
        p->audience = audience;
        audience = NULL;
    }
    return TOK_OK;
}
