#include "common/base/base64url.h"
#include "common/base/text.h"
#include "common/jose/key_object.h"
#include "common/jose/key_pem.h"
#include "common/json/json.h"

#define JWK_MEMBERS 64
#define KEY_OPS 16 /* of one key: twice as many as there are (RFC 7517 4.3) */

/* The members of a JWK, and where the message of an error goes. */
struct jwk {
    struct scan_member members[JWK_MEMBERS];
    size_t n;
    struct errmsg *errmsg;
};

static enum tok_err wrong(const struct jwk *jwk, enum tok_err err, const char *member,
                          const char *what)
{
    (void)errmsg_set(jwk->errmsg, err, "%s: %s", member, what);
    return err;
}

/* Reads a string member into buf; ret->p is NULL when it is absent. TOK_UNSUPPORTED when it
 * does not fit: it is longer than any value we support. */
static enum tok_err jwk_word(const struct jwk *jwk, const char *name, char *buf, size_t size,
                             struct slice *ret)
{
    const struct scan_value *v = scan_find(jwk->members, jwk->n, slice_of(name));
    enum tok_err err;
    size_t n;

    if (!v) {
        *ret = (struct slice){NULL, 0};
        return TOK_OK;
    }
    if (v->type != SCAN_STRING)
        return wrong(jwk, TOK_KEYS, name, "expected a string");
    err = scan_string(*v, buf, size, &n);
    if (err == TOK_TOO_LONG)
        return wrong(jwk, TOK_UNSUPPORTED, name, "not supported");
    if (err)
        return err;
    *ret = (struct slice){buf, n};
    return TOK_OK;
}

/* The first row of this key type, or NULL. */
static const struct alg *row_of_type(struct slice kty)
{
    const struct alg *a;

    for (size_t i = 0; (a = alg_at(i)); i++)
        if (slice_is(kty, a->kty))
            return a;
    return NULL;
}

/* The algorithm of a key that names none: that of its curve, else the one of `among` that fits
 * the type. */
static enum tok_err implied_alg(const struct jwk *jwk, struct slice kty, struct slice crv,
                                alg_set among, const struct alg **ret)
{
    size_t n;
    const struct alg *alg = alg_fitting(crv.p ? ~(alg_set)0 : among, kty, crv, &n);

    if (n == 0)
        return wrong(jwk, TOK_UNSUPPORTED, "alg",
                     "missing, and no allowed algorithm fits this kty");
    if (n > 1)
        return wrong(
            jwk, TOK_KEYS, "alg",
            "missing; add it, or allow exactly one algorithm of this kty (algorithms=)");
    *ret = alg;
    return TOK_OK;
}

static enum tok_err jwk_alg(const struct jwk *jwk, alg_set among, const struct alg **ret)
{
    char kty_buf[32], crv_buf[32], alg_buf[32];
    struct slice kty = {0}, crv = {0}, name = {0};
    const struct alg *row, *alg;
    bool has_curve;
    size_t fitting;
    enum tok_err err = jwk_word(jwk, "kty", kty_buf, sizeof(kty_buf), &kty);

    if (err)
        return err;
    if (!kty.p)
        return wrong(jwk, TOK_KEYS, "kty", "missing");
    row = row_of_type(kty);
    if (!row)
        return wrong(jwk, TOK_UNSUPPORTED, "kty", "not supported");
    has_curve = row->crv != NULL;
    err = has_curve ? jwk_word(jwk, "crv", crv_buf, sizeof(crv_buf), &crv) : TOK_OK;
    if (err)
        return err;
    if (has_curve && !crv.p)
        return wrong(jwk, TOK_KEYS, "crv", "missing");
    if (!alg_fitting(~(alg_set)0, kty, crv, &fitting))
        return wrong(jwk, TOK_UNSUPPORTED, "crv", "not supported");
    err = jwk_word(jwk, "alg", alg_buf, sizeof(alg_buf), &name);
    if (err)
        return err;
    if (!name.p)
        return implied_alg(jwk, kty, crv, among, ret);
    alg = alg_find(name);
    if (!alg)
        return wrong(jwk, TOK_UNSUPPORTED, "alg", "not supported");
    if (!alg_fitting(alg_bit(alg), kty, crv, &fitting))
        return wrong(jwk, TOK_KEYS, "alg",
                     has_curve ? "does not match crv" : "does not match kty");
    *ret = alg;
    return TOK_OK;
}

/* RFC 7517 4.2 */
static enum tok_err check_use(const struct jwk *jwk)
{
    const struct scan_value *use = scan_find(jwk->members, jwk->n, SLICE("use"));

    if (use && use->type != SCAN_STRING)
        return wrong(jwk, TOK_KEYS, "use", "expected a string");
    if (use && !scan_string_is(*use, SLICE("sig")))
        return wrong(jwk, TOK_UNSUPPORTED, "use", "expected \"sig\"");
    return TOK_OK;
}

/* True when an element before the offset end is the same string. */
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

/* RFC 7517 4.3: an array of different strings that includes the operation we need. */
static enum tok_err check_key_ops(const struct jwk *jwk, enum key_part part)
{
    const struct scan_value *ops = scan_find(jwk->members, jwk->n, SLICE("key_ops"));
    const char *wanted = part == KEY_PUBLIC ? "verify" : "sign";
    struct scan_value op;
    size_t pos = 0, n = 0;
    bool found = false;

    if (!ops)
        return TOK_OK;
    if (ops->type != SCAN_ARRAY)
        return wrong(jwk, TOK_KEYS, "key_ops", "expected an array of strings");
    while (scan_next_element(*ops, &pos, &op)) {
        if (op.type != SCAN_STRING)
            return wrong(jwk, TOK_KEYS, "key_ops", "expected an array of strings");
        if (++n > KEY_OPS)
            return wrong(jwk, TOK_KEYS, "key_ops", "more than 16 operations");
        if (is_repeated(*ops, pos, op))
            return wrong(jwk, TOK_KEYS, "key_ops", "an operation is repeated");
        found = found || scan_string_is(op, slice_of(wanted));
    }
    if (!found)
        return errmsg_set(jwk->errmsg, TOK_UNSUPPORTED, "key_ops: does not include \"%s\"",
                          wanted);
    return TOK_OK;
}

static enum tok_err read_kid(const struct jwk *jwk, char kid[KEY_KID_MAX], size_t *ret_len)
{
    const struct scan_value *v = scan_find(jwk->members, jwk->n, SLICE("kid"));
    size_t n;

    *ret_len = 0;
    if (!v)
        return TOK_OK;
    if (v->type != SCAN_STRING || scan_string(*v, kid, KEY_KID_MAX, &n) || n == 0)
        return errmsg_set(jwk->errmsg, TOK_KEYS, "kid: expected a string of 1 to %d bytes",
                          KEY_KID_MAX);
    for (size_t i = 0; i < n; i++)
        if (text_is_control(kid[i]))
            return wrong(jwk, TOK_KEYS, "kid", "has control characters");
    *ret_len = n;
    return TOK_OK;
}

/* Decodes a member into parts, which have room. Its length is part_len if the algorithm has
 * one; otherwise it is a number without leading zeros (RFC 7518 2), or a secret of any bytes.
 */
static enum tok_err read_bytes(const struct jwk *jwk, const char *name, const struct alg *alg,
                               struct key_parts *parts, struct slice *ret)
{
    const struct scan_value *v = scan_find(jwk->members, jwk->n, slice_of(name));
    uint8_t *room = (uint8_t *)parts->room.p + parts->used;
    size_t n = 0;

    if (!v)
        return wrong(jwk, TOK_KEYS, name, "missing");
    if (v->type != SCAN_STRING || v->escaped ||
        base64url_decode(scan_string_raw(*v), room, parts->room.n - parts->used, &n) != TOK_OK)
        return wrong(jwk, TOK_KEYS, name, "expected a string of unpadded base64url");
    if (alg->kind != ALG_OCT && alg->part_len && n != alg->part_len)
        return errmsg_set(jwk->errmsg, TOK_KEYS,
                          "%s: expected %zu letters of unpadded base64url", name,
                          (size_t)BASE64URL_LEN(alg->part_len));
    if (alg->kind == ALG_RSA && (n == 0 || room[0] == 0))
        return wrong(jwk, TOK_KEYS, name, "expected a number without leading zeros");
    *ret = (struct slice){(const char *)room, n};
    parts->used += n;
    return TOK_OK;
}

static enum tok_err read_parts(const struct jwk *jwk, const struct alg *alg, enum key_part part,
                               struct key_parts *parts)
{
    const struct key_member *members = key_members(alg->kind);

    for (size_t i = 0; members[i].name; i++) {
        bool is_left_out = members[i].secret && part == KEY_PUBLIC && alg->kind != ALG_OCT;
        enum tok_err err;

        if (is_left_out && scan_find(jwk->members, jwk->n, slice_of(members[i].name)))
            return wrong(jwk, TOK_KEYS, members[i].name,
                         "found a private key, expected a public key");
        if (is_left_out)
            continue;
        err = read_bytes(jwk, members[i].name, alg, parts, &parts->at[i]);
        if (err)
            return err;
    }
    return TOK_OK;
}

static enum tok_err read_jwk(const struct jwk *jwk, const struct key_reading *how,
                             struct key_parts *parts, struct key **ret)
{
    char kid[KEY_KID_MAX];
    struct key_spec spec = {.ctx = how->ctx, .kid = {kid, 0}, .parts = parts};
    enum key_part part = how->part;
    enum tok_err err = jwk_alg(jwk, how->algorithms, &spec.alg);

    if (err)
        return err;
    if (part == KEY_EITHER)
        part = spec.alg->kind == ALG_OCT || scan_find(jwk->members, jwk->n, SLICE("d"))
                   ? KEY_PRIVATE
                   : KEY_PUBLIC;
    spec.is_private = part == KEY_PRIVATE;
    err = check_use(jwk);
    if (!err)
        err = check_key_ops(jwk, part);
    if (!err)
        err = read_kid(jwk, kid, &spec.kid.n);
    if (!err)
        err = read_parts(jwk, spec.alg, part, parts);
    return err ? err : key_make(&spec, ret, jwk->errmsg);
}

enum tok_err key_read(const struct key_reading *how, struct slice text, struct key **ret,
                      struct errmsg *errmsg)
{
    CLEANUP(key_parts_clear) struct key_parts parts = {0};
    struct jwk jwk = {.errmsg = errmsg};
    struct scan_fault fault;
    enum tok_err err;

    if (key_is_pem(text))
        return key_from_pem(how, text, ret, errmsg);
    if (scan_object(text, jwk.members, JWK_MEMBERS, &jwk.n, &fault))
        return errmsg_set(errmsg, TOK_KEYS, "expected a JWK or PEM: %s at byte %zu", fault.what,
                          fault.at);
    err = secret_alloc(text.n, &parts.room);
    return err ? err : read_jwk(&jwk, how, &parts, ret);
}

enum tok_err key_from_jwk(OSSL_LIB_CTX *ctx, struct slice jwk, enum key_part part,
                          struct key **ret, struct errmsg *errmsg)
{
    const struct key_reading how = {.ctx = ctx, .part = part};

    if (key_is_pem(jwk))
        return errmsg_set(errmsg, TOK_KEYS, "found PEM, expected a JWK");
    return key_read(&how, jwk, ret, errmsg);
}
