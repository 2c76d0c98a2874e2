#include "common/base/file.h"
#include "common/token/policy.h"

#include <string.h>

#define PINNED_MAX 65536 /* bytes of the file */

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

static enum tok_err malformed(const char *path, unsigned line, struct errmsg *errmsg)
{
    return errmsg_set(errmsg, TOK_SETTINGS,
                      "%s:%u: expected the two lines Issuer=NAME and Audience=NAME..., "
                      "audiences separated by single spaces and without '#'",
                      path, line);
}

enum tok_err policy_read_pinned(struct policy *p, const char *path, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret text = {0};
    CLEANUP(cleanup_word_list) word_list audience = NULL;
    struct slice rest, issuer, names;
    enum tok_err err;

    if (p->issuer && p->audience)
        return TOK_OK;
    err = file_read(path, FILE_PUBLIC, PINNED_MAX, &text, errmsg);
    if (file_is_missing(err, errmsg))
        return errmsg_set(
            errmsg, TOK_SETTINGS,
            "%s: no such file: jwtd-issuer writes it on the issuing host, jwtctl sync "
            "on others; without it, issuer= and audience= are required",
            path);
    if (err)
        return err == TOK_FILE ? TOK_SETTINGS : err;
    rest = secret_slice(&text);
    if (!take_value(&rest, SLICE("Issuer="), &issuer) || !value_is_name(issuer))
        return malformed(path, 1, errmsg);
    if (!take_value(&rest, SLICE("Audience="), &names))
        return malformed(path, 2, errmsg);
    err = word_list_parse(names, ' ', value_is_audience, &audience);
    if (err == TOK_SETTINGS || (!err && !audience))
        return malformed(path, 2, errmsg);
    if (!err && rest.n > 0)
        return malformed(path, 3, errmsg);
    if (!err && !p->issuer)
        err = text_copy(issuer, &p->issuer);
    if (err)
        return errmsg_set(errmsg, err, "%s: %s", path, tok_err_text(err));
    if (!p->audience) {
        p->audience = audience;
        audience = NULL;
    }
    return TOK_OK;
}
