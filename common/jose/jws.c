#include "common/jose/jws.h"

#include "common/base/base64url.h"
#include "common/base/text.h"

#include <string.h>

#define HEADER_MEMBERS 32
#define SHAPED_LETTERS 14 /* of {"alg":""}, the shortest header */

enum tok_err jws_split(struct slice token, struct jws *ret)
{
    struct slice rest;
    struct jws jws;

    if (!slice_cut(token, '.', &jws.header, &rest) ||
        !slice_cut(rest, '.', &jws.payload, &jws.signature))
        return TOK_MALFORMED;
    if (jws.header.n == 0 || jws.payload.n == 0 || !base64url_is_text(jws.header) ||
        !base64url_is_text(jws.payload) || !base64url_is_text(jws.signature))
        return TOK_MALFORMED;
    jws.input = (struct slice){token.p, jws.header.n + 1 + jws.payload.n};
    *ret = jws;
    return TOK_OK;
}

/* Compares without regard to case; word is in lower case. */
static bool begins(struct slice text, const char *word)
{
    size_t n = strlen(word);

    if (text.n < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (text_lower(text.p[i]) != word[i])
            return false;
    return true;
}

struct slice jws_trim(struct slice text)
{
    while (text.n > 0 && text_is_space(*text.p))
        text = slice_skip(text, 1);
    while (text.n > 0 && text_is_space(text.p[text.n - 1]))
        text.n--;
    return text;
}

/* '{' is 01111011 in binary: the first six bits are the letter 'e', the last two are the first
 * of the next letter, which is then one of the last sixteen. */
static bool begins_object(struct slice letters)
{
    static const struct slice seconds = {"wxyz0123456789-_", 16};

    return letters.n >= 2 && letters.p[0] == 'e' &&
           memchr(seconds.p, letters.p[1], seconds.n) != NULL;
}

static bool begins_token(struct slice text)
{
    struct slice letters, rest;

    return slice_cut(text, '.', &letters, &rest) && letters.n >= SHAPED_LETTERS &&
           base64url_is_text(letters) && begins_object(letters);
}

bool jws_is_shaped(struct slice text)
{
    struct slice rest = jws_trim(text);

    if (begins(rest, "bearer"))
        rest = jws_trim(slice_skip(rest, strlen("bearer")));
    if (begins_token(rest))
        return true;
    /* Within other text only as encoders write a header: {" */
    for (; rest.n > SHAPED_LETTERS; rest = slice_skip(rest, 1))
        if (!base64url_is_text((struct slice){rest.p, 1}) &&
            text_begins_with(slice_skip(rest, 1), "eyJ") && begins_token(slice_skip(rest, 1)))
            return true;
    return false;
}

enum jws_typ jws_typ_of(struct slice name)
{
    if (begins(name, "application/"))
        name = slice_skip(name, strlen("application/"));
    if (name.n == strlen("jwt") && begins(name, "jwt"))
        return JWS_TYP_JWT;
    if (name.n == strlen("at+jwt") && begins(name, "at+jwt"))
        return JWS_TYP_AT_JWT;
    if (name.n == strlen("jwt-bundle") && begins(name, "jwt-bundle"))
        return JWS_TYP_BUNDLE;
    if (name.n == strlen("jwt-issuer-keys") && begins(name, "jwt-issuer-keys"))
        return JWS_TYP_ISSUER_KEYS;
    return JWS_TYP_OTHER;
}

static enum tok_err read_typ(const struct scan_value *v, enum jws_typ *ret)
{
    char name[64]; /* longer than any type we know */
    size_t n = 0;
    enum tok_err err = v ? scan_string(*v, name, sizeof(name), &n) : TOK_OK;

    if (err == TOK_CLAIM_TYPE)
        return TOK_HEADER;
    if (!v)
        *ret = JWS_TYP_ABSENT;
    else
        *ret = err ? JWS_TYP_OTHER : jws_typ_of((struct slice){name, n});
    return TOK_OK;
}

static enum tok_err read_kid(const struct scan_value *v, struct jws_header *h)
{
    h->has_kid = v != NULL;
    return v && scan_string(*v, h->kid, sizeof(h->kid), &h->kid_len) ? TOK_HEADER : TOK_OK;
}

static enum tok_err read_alg(const struct scan_value *v, const struct alg **ret)
{
    char name[32];
    size_t n = 0;

    *ret = scan_string(*v, name, sizeof(name), &n) ? NULL : alg_find((struct slice){name, n});
    return *ret ? TOK_OK : TOK_ALG;
}

enum tok_err jws_read_header(struct slice letters, struct jws_header *ret)
{
    UNINITIALIZED char text[JWS_HEADER_MAX];
    UNINITIALIZED struct scan_member members[HEADER_MEMBERS];
    struct jws_header h = {0};
    const struct scan_value *alg;
    size_t len, n;
    enum tok_err err;

    if (letters.n > BASE64URL_LEN(sizeof(text)))
        return TOK_HEADER;
    err = base64url_decode(letters, text, sizeof(text), &len);
    if (err)
        return err;
    err = scan_object((struct slice){text, len}, members, HEADER_MEMBERS, &n, NULL);
    if (err)
        return err;
    alg = scan_find(members, n, SLICE("alg"));
    if (!alg || alg->type != SCAN_STRING)
        return TOK_HEADER;
    err = read_typ(scan_find(members, n, SLICE("typ")), &h.typ);
    if (err)
        return err;
    err = read_kid(scan_find(members, n, SLICE("kid")), &h);
    if (err)
        return err;
    if (scan_find(members, n, SLICE("crit")))
        return TOK_CRIT;
    if (scan_find(members, n, SLICE("b64")) || scan_find(members, n, SLICE("zip")) ||
        scan_find(members, n, SLICE("enc")))
        return TOK_UNSUPPORTED;
    err = read_alg(alg, &h.alg);
    if (err)
        return err;
    *ret = h;
    return TOK_OK;
}
