#include "common/base/file.h"
#include "common/token/policy.h"

#include <string.h>

#define PINNED_MAX 65536 /* bytes of the file */

struct pinned {
    char *issuer;
    word_list audience;
};

static void pinned_clear(struct pinned *pinned)
{
    free(pinned->issuer);
    word_list_free(pinned->audience);
}

/* Takes the next line off the text, which must begin with the key. */
static bool take_value(struct slice *text, struct slice key, struct slice *ret)
{
    struct slice line = *text, rest = {0};

    (void)slice_cut(*text, '\n', &line, &rest);
    if (line.n < key.n || memcmp(line.p, key.p, key.n) != 0)
        return false;
    *ret = slice_skip(line, key.n);
    *text = rest;
    return true;
}

/* TOK_SETTINGS: *ret_line is malformed. */
static enum tok_err parse(struct slice text, struct pinned *ret, unsigned *ret_line)
{
    struct slice issuer, audience;
    enum tok_err err;

    *ret_line = 1;
    if (!take_value(&text, SLICE("Issuer="), &issuer) || !value_is_name(issuer))
        return TOK_SETTINGS;
    err = text_copy(issuer, &ret->issuer);
    if (err)
        return err;
    *ret_line = 2;
    if (!take_value(&text, SLICE("Audience="), &audience))
        return TOK_SETTINGS;
    err = word_list_parse(audience, ' ', value_is_name, &ret->audience);
    if (err)
        return err;
    if (!ret->audience)
        return TOK_SETTINGS;
    *ret_line = 3;
    return text.n > 0 ? TOK_SETTINGS : TOK_OK;
}

enum tok_err policy_read_pinned(struct policy *p, const char *path, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret text = {0};
    CLEANUP(pinned_clear) struct pinned pinned = {0};
    unsigned line;
    enum tok_err err;

    if (p->issuer && p->audience)
        return TOK_OK;
    err = file_read(path, FILE_PUBLIC, PINNED_MAX, &text, errmsg);
    if (err)
        return err == TOK_FILE ? TOK_SETTINGS : err;
    err = parse(secret_slice(&text), &pinned, &line);
    if (err == TOK_SETTINGS)
        return errmsg_set(errmsg, err,
                          "%s:%u: expected the two lines Issuer=NAME and Audience=NAME..., "
                          "audiences separated by single spaces",
                          path, line);
    if (err)
        return errmsg_set(errmsg, err, "%s: %s", path, tok_err_text(err));
    if (!p->issuer) {
        p->issuer = pinned.issuer;
        pinned.issuer = NULL;
    }
    if (!p->audience) {
        p->audience = pinned.audience;
        pinned.audience = NULL;
    }
    return TOK_OK;
}
