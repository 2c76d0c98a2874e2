#include "common/base/base64url.h"
#include "common/base/text.h"
#include "common/jose/key_object.h"
#include "common/jose/key_pem.h"
#include "common/json/json.h"

#define JWK_MEMBERS 64
#define COORDINATE_MAX ((size_t)66) /* bytes, of P-521 */

/* The members of a JWK, and where the message of an error goes. */
struct jwk {
    struct scan_member members[JWK_MEMBERS];
    size_t n;
    struct errmsg *errmsg;
};

static enum tok_err wrong(const struct jwk *jwk, const char *member, const char *what)
{
    return errmsg_set(jwk->errmsg, TOK_KEYS, "%s: %s", member, what);
}

static enum tok_err unsupported(const struct jwk *jwk, const char *member)
{
    return errmsg_set(jwk->errmsg, TOK_UNSUPPORTED, "%s: not supported", member);
}

/* NULL also for null: serializers of .NET and Java write it for members that are not set. */
static const struct scan_value *find(const struct jwk *jwk, const char *name)
{
    const struct scan_value *v = scan_find(jwk->members, jwk->n, slice_of(name));

    return v && v->type != SCAN_NULL ? v : NULL;
}

static bool is_text(const struct scan_value *v, const char *text)
{
    return v && text && scan_string_is_text(v, text);
}

/* The algorithms of a key: that of alg, that of the curve, or those among the candidates. */
static enum tok_err read_algs(const struct jwk *jwk, const struct key_reading *how,
                              alg_set *ret)
{
    const struct scan_value *kty = find(jwk, "kty"), *crv = find(jwk, "crv");
    const struct scan_value *name = find(jwk, "alg");
    const struct alg *row, *type = NULL;
    alg_set fitting = 0, named = 0;

    for (size_t i = 0; (row = alg_at(i)); i++) {
        if (is_text(kty, row->kty)) {
            type = row;
            fitting |= !row->crv || is_text(crv, row->crv) ? alg_bit(row) : 0;
        }
        if (is_text(name, row->name) || is_text(name, row->alias))
            named = alg_bit(row);
    }
    if (!type)
        return kty ? unsupported(jwk, "kty") : wrong(jwk, "kty", "missing");
    if (!fitting)
        return crv ? unsupported(jwk, "crv") : wrong(jwk, "crv", "missing");
    if (!name)
        return key_implied_algs(type->crv ? fitting : fitting & how->algorithms, how->part, ret,
                                jwk->errmsg);
    if (!named)
        return unsupported(jwk, "alg");
    *ret = named;
    return named & fitting
               ? TOK_OK
               : wrong(jwk, "alg", type->crv ? "does not match crv" : "does not match kty");
}

/* RFC 7517 4.2 and 4.3. Other operations, and what is no string, do not matter. */
static enum tok_err check_use(const struct jwk *jwk, enum key_part part)
{
    const struct scan_value *use = find(jwk, "use"), *ops = find(jwk, "key_ops");
    const char *wanted = part == KEY_PUBLIC ? "verify" : "sign";
    struct scan_value op;
    size_t pos = 0;

    if (use && !scan_string_is(*use, SLICE("sig")))
        return errmsg_set(jwk->errmsg, TOK_UNSUPPORTED, "use: expected \"sig\"");
    if (!ops)
        return TOK_OK;
    while (scan_next_element(*ops, &pos, &op))
        if (scan_string_is(op, slice_of(wanted)))
            return TOK_OK;
    return errmsg_set(jwk->errmsg, TOK_UNSUPPORTED, "key_ops: does not include \"%s\"", wanted);
}

static enum tok_err read_kid(const struct jwk *jwk, char kid[KEY_KID_MAX], size_t *ret_len)
{
    const struct scan_value *v = find(jwk, "kid");
    size_t n = 0;

    if (v && scan_string(*v, kid, KEY_KID_MAX, &n))
        return errmsg_set(jwk->errmsg, TOK_KEYS, "kid: expected a string of at most %d bytes",
                          KEY_KID_MAX);
    for (size_t i = 0; i < n; i++)
        if (text_is_control(kid[i]))
            return wrong(jwk, "kid", "has control characters");
    *ret_len = n;
    return TOK_OK;
}

/*
 * RFC 7515 2: base64url has "all trailing '=' characters omitted" and no '+' or '/'. Encoders
 * of plain base64 (RFC 4648 4) publish both; PHP also escapes the '/'. The bytes are the same.
 */
static size_t to_base64url(char *text, size_t n)
{
    for (size_t padding = n % 4 == 0 ? 2 : 0; padding > 0 && n > 0 && text[n - 1] == '=';
         padding--)
        n--;
    for (size_t i = 0; i < n; i++)
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    return n;
}

/*
 * Brings a public number to the one form that thumbprints and comparisons need, in place.
 * RFC 7518 6.3.1.1: "some cryptographic libraries prefix an extra zero-valued octet to the
 * modulus"; BigInteger.toByteArray() of Java does so, for coordinates too. RFC 7518 6.2.1.2:
 * "The length of this octet string MUST be the full size of a coordinate"; encoders of plain
 * integers (old Keycloak, ruby-jwt, jwcrypto) leave out the zeros at its start.
 */
static size_t normalise(const struct alg *alg, char *bytes, size_t n)
{
    size_t zeros = 0, want = alg->part_len;

    while (zeros < n && bytes[zeros] == '\0')
        zeros++;
    n -= zeros;
    if (n > want)
        want = n; /* of RSA, or too long */
    memmove(bytes + want - n, bytes + zeros, n);
    memset(bytes, 0, want - n);
    return want;
}

/* Decodes a member into parts, which have room. The private ones have the form of the RFCs
 * exactly. */
static enum tok_err read_bytes(const struct jwk *jwk, const struct key_member *member,
                               const struct alg *alg, struct key_parts *parts,
                               struct slice *ret)
{
    const struct scan_value *v = find(jwk, member->name);
    char *room = parts->room.p + parts->used;
    size_t left = parts->room.n - parts->used, n = 0;

    if (!v)
        return wrong(jwk, member->name, "missing");
    if (scan_string(*v, room, left, &n) || (member->secret && v->escaped))
        return wrong(jwk, member->name, "expected a string of base64url");
    if (!member->secret)
        n = to_base64url(room, n);
    if (base64url_decode((struct slice){room, n}, room, left, &n))
        return wrong(jwk, member->name, "expected a string of base64url");
    if (!member->secret && alg->kind != ALG_OKP && n > 0)
        n = normalise(alg, room, n);
    if (alg->kind != ALG_OCT && alg->part_len && n != alg->part_len)
        return errmsg_set(jwk->errmsg, TOK_KEYS, "%s: has %zu bytes; expected %zu",
                          member->name, n, alg->part_len);
    if (member->secret && alg->kind == ALG_RSA && (n == 0 || room[0] == 0))
        return wrong(jwk, member->name, "expected a number without leading zeros");
    *ret = (struct slice){room, n};
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

        if (is_left_out && find(jwk, members[i].name))
            return wrong(jwk, members[i].name, "found a private key, expected a public key");
        if (is_left_out)
            continue;
        err = read_bytes(jwk, &members[i], alg, parts, &parts->at[i]);
        if (err)
            return err;
    }
    return TOK_OK;
}

static enum tok_err read_jwk(const struct jwk *jwk, struct key_reading how,
                             struct key_spec *spec, struct key_parts *parts)
{
    enum tok_err err;

    if (how.part == KEY_EITHER)
        how.part =
            is_text(find(jwk, "kty"), "oct") || find(jwk, "d") ? KEY_PRIVATE : KEY_PUBLIC;
    spec->is_private = how.part == KEY_PRIVATE;
    err = check_use(jwk, how.part);
    if (!err)
        err = read_algs(jwk, &how, &spec->algs);
    return err ? err : read_parts(jwk, alg_first(spec->algs), how.part, parts);
}

/* A set has many keys: the message also tells which one it is about. */
static void add_kid(struct errmsg *errmsg, struct slice kid)
{
    if (errmsg && *errmsg->text && kid.n > 0)
        (void)errmsg_set(errmsg, TOK_OK, "%s (kid %.*s)", errmsg->text, slice_shown(kid, 64),
                         kid.p);
}

enum tok_err key_read(const struct key_reading *how, struct slice text, struct key **ret,
                      struct errmsg *errmsg)
{
    CLEANUP(key_parts_clear) struct key_parts parts = {0};
    char kid[KEY_KID_MAX];
    struct key_spec spec = {.ctx = how->ctx, .kid = {kid, 0}, .parts = &parts};
    struct jwk jwk = {.errmsg = errmsg};
    struct scan_fault fault;
    enum tok_err err;

    if (key_is_pem(text))
        return key_from_pem(how, text, ret, errmsg);
    if (scan_object(text, jwk.members, JWK_MEMBERS, &jwk.n, &fault))
        return errmsg_set(errmsg, TOK_KEYS, "expected a JWK or PEM: %s at byte %zu", fault.what,
                          fault.at);
    /* Letters are decoded where they are copied to; two coordinates may become longer. */
    err = secret_alloc(text.n + 2 * COORDINATE_MAX, &parts.room);
    if (!err)
        err = read_kid(&jwk, kid, &spec.kid.n);
    if (!err)
        err = read_jwk(&jwk, *how, &spec, &parts);
    if (!err)
        err = key_make(&spec, ret, errmsg);
    if (err)
        add_kid(errmsg, spec.kid);
    return err;
}

enum tok_err key_from_jwk(OSSL_LIB_CTX *ctx, struct slice jwk, enum key_part part,
                          struct key **ret, struct errmsg *errmsg)
{
    const struct key_reading how = {.ctx = ctx, .part = part};

    if (key_is_pem(jwk))
        return errmsg_set(errmsg, TOK_KEYS, "found PEM, expected a JWK");
    return key_read(&how, jwk, ret, errmsg);
}
