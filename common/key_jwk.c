#include "key.h"

#include "base64url.h"
#include "emit.h"
#include "scan.h"

#include <stdlib.h>
#include <string.h>

#define JWK_MEMBERS 64

/* Reading a JWK */

/* A JWK's members, and where to say what is wrong with them. */
struct jwk {
    struct scan_member members[JWK_MEMBERS];
    size_t n;
    struct why *why;
};

/* Says what is wrong with a member. */
static enum tok_err wrong(const struct jwk *jwk, enum tok_err err, const char *member,
                          const char *what)
{
    (void)why_set(jwk->why, err, "%s: %s", member, what);
    return err;
}

/* The member as a string into buf; *ret.p is NULL when it is absent. What does not fit is
 * TOK_UNSUPPORTED: a value longer than any we know. */
static enum tok_err jwk_word(const struct jwk *jwk, const char *name, char *buf, size_t size,
                             struct slice *ret)
{
    const struct scan_value *v = scan_find(jwk->members, jwk->n, name);
    enum tok_err err;
    size_t n;

    if (!v) {
        *ret = (struct slice){NULL, 0};
        return TOK_OK;
    }
    if (v->type != SCAN_STRING)
        return wrong(jwk, TOK_KEYS, name, "must be a string");
    err = scan_string(*v, buf, size, &n);
    if (err == TOK_TOO_LONG)
        return wrong(jwk, TOK_UNSUPPORTED, name, "not known here");
    if (err)
        return err;
    *ret = (struct slice){buf, n};
    return TOK_OK;
}

static bool is_known_kty(struct slice kty)
{
    const struct alg *a;

    for (size_t i = 0; (a = alg_at(i)); i++)
        if (slice_is(kty, a->kty))
            return true;
    return false;
}

/* The one algorithm this key is good for: what its curve implies, which alg must not
 * contradict. */
static enum tok_err jwk_alg(const struct jwk *jwk, const struct alg **ret)
{
    char kty_buf[32], crv_buf[32], alg_buf[32];
    struct slice kty = {0}, crv = {0}, name = {0};
    const struct alg *alg;
    enum tok_err err = jwk_word(jwk, "kty", kty_buf, sizeof(kty_buf), &kty);

    if (err)
        return err;
    if (!kty.p)
        return wrong(jwk, TOK_KEYS, "kty", "missing");
    if (!is_known_kty(kty))
        return wrong(jwk, TOK_UNSUPPORTED, "kty", "not known here");
    err = jwk_word(jwk, "crv", crv_buf, sizeof(crv_buf), &crv);
    if (err)
        return err;
    if (!crv.p)
        return wrong(jwk, TOK_KEYS, "crv", "missing");
    alg = alg_of_curve(kty, crv);
    if (!alg)
        return wrong(jwk, TOK_UNSUPPORTED, "crv", "not known here");
    err = jwk_word(jwk, "alg", alg_buf, sizeof(alg_buf), &name);
    if (err)
        return err;
    if (name.p && !alg_find(name))
        return wrong(jwk, TOK_UNSUPPORTED, "alg", "not known here");
    if (name.p && alg_find(name) != alg)
        return wrong(jwk, TOK_KEYS, "alg", "not the one its curve implies");
    *ret = alg;
    return TOK_OK;
}

/* RFC 7517 4.2 */
static enum tok_err check_use(const struct jwk *jwk)
{
    const struct scan_value *use = scan_find(jwk->members, jwk->n, "use");

    if (use && (use->type != SCAN_STRING || !scan_string_is(*use, SLICE("sig"))))
        return wrong(jwk, TOK_KEYS, "use", "must be \"sig\"");
    return TOK_OK;
}

/* True when an element before pos end is the same string as this one. */
static bool is_repeated(struct scan_value array, size_t end, struct scan_value element)
{
    char buf[64];
    size_t n, pos = 0;
    struct scan_value other;

    if (scan_string(element, buf, sizeof(buf), &n))
        return false;
    while (scan_next_element(array, &pos, &other) && pos < end)
        if (scan_string_is(other, (struct slice){buf, n}))
            return true;
    return false;
}

/* RFC 7517 4.3: an array of different strings, the operation we want among them. */
static enum tok_err check_key_ops(const struct jwk *jwk, enum key_part part)
{
    const struct scan_value *ops = scan_find(jwk->members, jwk->n, "key_ops");
    const char *wanted = part == KEY_PUBLIC ? "verify" : "sign";
    struct scan_value op;
    size_t pos = 0;
    bool found = false;

    if (!ops)
        return TOK_OK;
    if (ops->type != SCAN_ARRAY)
        return wrong(jwk, TOK_KEYS, "key_ops", "must be an array of strings");
    while (scan_next_element(*ops, &pos, &op)) {
        if (op.type != SCAN_STRING)
            return wrong(jwk, TOK_KEYS, "key_ops", "must be an array of strings");
        if (is_repeated(*ops, pos, op))
            return wrong(jwk, TOK_KEYS, "key_ops", "an operation stands there twice");
        found = found || scan_string_is(op, (struct slice){wanted, strlen(wanted)});
    }
    if (!found)
        return wrong(jwk, TOK_KEYS, "key_ops", "does not hold what it is needed for");
    return TOK_OK;
}

static enum tok_err read_kid(const struct jwk *jwk, char kid[KEY_KID_MAX], size_t *ret_len)
{
    const struct scan_value *v = scan_find(jwk->members, jwk->n, "kid");
    size_t n;

    *ret_len = 0;
    if (!v)
        return TOK_OK;
    if (v->type != SCAN_STRING || scan_string(*v, kid, KEY_KID_MAX, &n) || n == 0)
        return why_set(jwk->why, TOK_KEYS, "kid: must be a string of 1 to %d bytes",
                       KEY_KID_MAX);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)kid[i] < 0x20 || kid[i] == 0x7f)
            return wrong(jwk, TOK_KEYS, "kid", "must not hold control characters");
    *ret_len = n;
    return TOK_OK;
}

/* Key bytes: a base64url string of exactly `len` of them. */
static enum tok_err read_bytes(const struct jwk *jwk, const char *name, size_t len,
                               uint8_t *ret)
{
    const struct scan_value *v = scan_find(jwk->members, jwk->n, name);
    uint8_t bytes[KEY_RAW_MAX];
    char letters[BASE64URL_LEN(KEY_RAW_MAX)];
    size_t n_letters = 0, n = 0;
    bool ok;

    if (!v)
        return wrong(jwk, TOK_KEYS, name, "missing");
    ok = v->type == SCAN_STRING &&
         scan_string(*v, letters, sizeof(letters), &n_letters) == TOK_OK &&
         base64url_decode((struct slice){letters, n_letters}, bytes, sizeof(bytes), &n) ==
             TOK_OK &&
         n == len;
    if (ok)
        memcpy(ret, bytes, len);
    secret_wipe(letters, sizeof(letters));
    secret_wipe(bytes, sizeof(bytes));
    if (!ok)
        return why_set(jwk->why, TOK_KEYS, "%s: must be %zu base64url letters, unpadded", name,
                       (size_t)BASE64URL_LEN(len));
    return TOK_OK;
}

static enum tok_err read_public(const struct jwk *jwk, OSSL_LIB_CTX *ctx, const struct alg *alg,
                                struct slice kid, struct key **ret)
{
    uint8_t x[KEY_RAW_MAX];
    enum tok_err err;

    if (scan_find(jwk->members, jwk->n, "d"))
        return wrong(jwk, TOK_KEYS, "d", "a private key has no place here");
    err = read_bytes(jwk, "x", alg->public_len, x);
    if (err)
        return err;
    err = key_from_raw(ctx, alg, KEY_PUBLIC, x, kid, ret);
    if (err == TOK_KEYS)
        return wrong(jwk, err, "x", "a point of small order, or no point at all");
    if (err)
        return wrong(jwk, err, "x", "libcrypto can't take it");
    return TOK_OK;
}

static enum tok_err read_private(const struct jwk *jwk, OSSL_LIB_CTX *ctx,
                                 const struct alg *alg, struct slice kid, struct key **ret)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    uint8_t x[KEY_RAW_MAX], d[KEY_RAW_MAX];
    enum tok_err err = read_bytes(jwk, "x", alg->public_len, x);

    if (err)
        return err;
    err = read_bytes(jwk, "d", alg->private_len, d);
    if (err)
        return err;
    err = key_from_raw(ctx, alg, KEY_PRIVATE, d, kid, &key);
    secret_wipe(d, sizeof(d));
    if (err)
        return wrong(jwk, err, "d", "libcrypto can't take it");
    if (!slice_eq((struct slice){(const char *)x, alg->public_len}, key_raw_public(key)))
        return wrong(jwk, TOK_KEYS, "x", "is not the public part of d");
    *ret = key;
    key = NULL;
    return TOK_OK;
}

static enum tok_err read_jwk(const struct jwk *jwk, OSSL_LIB_CTX *ctx, enum key_part part,
                             struct key **ret)
{
    const struct alg *alg = NULL;
    char kid_buf[KEY_KID_MAX];
    struct slice kid = {kid_buf, 0};
    enum tok_err err = jwk_alg(jwk, &alg);

    if (err)
        return err;
    err = check_use(jwk);
    if (err)
        return err;
    err = check_key_ops(jwk, part);
    if (err)
        return err;
    err = read_kid(jwk, kid_buf, &kid.n);
    if (err)
        return err;
    return part == KEY_PUBLIC ? read_public(jwk, ctx, alg, kid, ret)
                              : read_private(jwk, ctx, alg, kid, ret);
}

enum tok_err key_from_jwk(OSSL_LIB_CTX *ctx, struct slice text, enum key_part part,
                          struct key **ret, struct why *why)
{
    struct jwk jwk = {.why = why};
    struct scan_fault fault;

    if (scan_object(text, jwk.members, JWK_MEMBERS, &jwk.n, &fault))
        return why_set(why, TOK_KEYS, "no JSON object: %s at byte %zu", fault.what, fault.at);
    return read_jwk(&jwk, ctx, part, ret);
}

/* Writing */

/* d: its bytes, or an empty slice for the public part alone. */
static void emit_jwk(const struct key *key, struct slice kid, struct slice d, struct emit *out)
{
    const struct alg *a = key_alg(key);

    emit_begin(out);
    emit_member_string(out, "kty", (struct slice){a->kty, strlen(a->kty)});
    emit_member_string(out, "crv", (struct slice){a->crv, strlen(a->crv)});
    emit_member_base64url(out, "x", key_raw_public(key));
    if (d.n)
        emit_member_base64url(out, "d", d);
    emit_member_string(out, "kid", kid);
    emit_member_string(out, "alg", (struct slice){a->name, strlen(a->name)});
    emit_member_string(out, "use", SLICE("sig"));
    emit_end(out);
}

static enum tok_err write_jwk(const struct key *key, struct slice d, struct secret *ret)
{
    char thumbprint[KEY_THUMBPRINT_LEN];
    struct slice kid = key_kid(key);
    struct emit count = {0}, out = {0};
    enum tok_err err;

    if (!kid.n) {
        err = key_thumbprint(key, thumbprint);
        if (err)
            return err;
        kid = (struct slice){thumbprint, KEY_KID_LEN};
    }
    emit_jwk(key, kid, d, &count);
    err = secret_alloc(count.n, ret);
    if (err)
        return err;
    out = (struct emit){.p = ret->p, .size = ret->n};
    emit_jwk(key, kid, d, &out);
    return TOK_OK;
}

enum tok_err key_public_jwk(const struct key *key, char **ret)
{
    CLEANUP(secret_clear) struct secret text = {0};
    enum tok_err err = write_jwk(key, (struct slice){"", 0}, &text);
    char *copy;

    if (err)
        return err;
    copy = strdup(text.p);
    if (!copy)
        return TOK_NO_MEMORY;
    *ret = copy;
    return TOK_OK;
}

enum tok_err key_private_jwk(const struct key *key, struct secret *ret)
{
    CLEANUP(secret_clear) struct secret d = {0};
    enum tok_err err = key_raw_private(key, &d);

    return err ? err : write_jwk(key, secret_slice(&d), ret);
}
