#include "common/base/base64url.h"
#include "common/jose/jws.h"
#include "common/json/json.h"
#include "common/token/bundle.h"

/* A bundle while it is read. */
struct reading {
    const struct bundle_trust *trust;
    struct scan_value payload;
    struct bundle *b;
    struct errmsg *errmsg;
};

static enum tok_err wrong(const struct reading *r, const char *name, const char *form)
{
    return errmsg_set(r->errmsg, TOK_CLAIM_TYPE, "member \"%s\": expected %s", name, form);
}

static bool find(struct scan_value object, const char *name, struct scan_value *ret)
{
    return scan_find_in(object, slice_of(name), ret);
}

/* A member that decodes to exactly size bytes. */
static bool read_bytes(struct scan_value object, const char *name, void *ret, size_t size)
{
    struct scan_value v;
    size_t n;

    return find(object, name, &v) && v.type == SCAN_STRING && !v.escaped &&
           base64url_decode(scan_string_raw(v), ret, size, &n) == TOK_OK && n == size;
}

static enum tok_err read_iss(const struct reading *r)
{
    struct scan_value v;
    size_t n = 0;

    if (!find(r->payload, "iss", &v) || scan_string(v, r->b->iss, VALUE_NAME_MAX, &n) ||
        !value_is_name((struct slice){r->b->iss, n}))
        return wrong(r, "iss", VALUE_NAME_FORM);
    r->b->iss[n] = '\0';
    return TOK_OK;
}

static enum tok_err read_jwk(const struct reading *r, const char *name, struct scan_value jwk,
                             struct key **ret)
{
    struct errmsg inner = {""};
    enum tok_err err = key_from_jwk(r->trust->ctx, jwk.text, KEY_PUBLIC, ret, &inner);

    if (err == TOK_UNSUPPORTED ||
        (!err && key_kid(*ret).n > 0 && key_alg(*ret)->kind != ALG_OCT))
        return err;
    if (!err) {
        key_free(*ret);
        *ret = NULL;
        err = errmsg_set(&inner, TOK_KEYS, "expected a public key with \"kid\"");
    }
    return errmsg_set(r->errmsg, err, "a key of \"%s\": %s", name,
                      inner.text[0] ? inner.text : tok_err_text(err));
}

/* TOK_SIGNATURE unless this element says that the key before signed the last key read. */
static enum tok_err check_link(const struct reading *r, struct scan_value element)
{
    struct key *const *last = &r->b->chain[r->b->n_chain - 1];
    char text[BUNDLE_LINK_MAX], signature[64];
    struct scan_value by;
    size_t n;
    enum tok_err err = TOK_SIGNATURE;

    if (find(element, "by", &by) && scan_string_is(by, key_kid(last[-1])) &&
        read_bytes(element, "signature", signature, sizeof(signature)))
        err = bundle_link_text(r->b->iss, last[0], text, &n);
    if (!err)
        err = key_verify(last[-1], (struct slice){text, n},
                         (struct slice){signature, sizeof(signature)});
    return err == TOK_SIGNATURE
               ? errmsg_set(r->errmsg, err, "a bundle key is not signed by the one before it")
               : err;
}

/* Reads the next bundle key. *trusted: on entry of the key before, on return of this one. */
static enum tok_err read_chain_key(const struct reading *r, struct scan_value element,
                                   bool *trusted)
{
    struct bundle *b = r->b;
    char thumbprint[KEY_THUMBPRINT_LEN];
    struct scan_value jwk;
    enum tok_err err;

    if (b->n_chain == BUNDLE_CHAIN_MAX || !find(element, "jwk", &jwk))
        return wrong(r, "bundle_keys", "at most 8 objects with \"jwk\"");
    err = read_jwk(r, "bundle_keys", jwk, &b->chain[b->n_chain]);
    if (err)
        return err;
    if (key_alg(b->chain[b->n_chain++]) != alg_find(SLICE(BUNDLE_ALG)))
        return errmsg_set(r->errmsg, TOK_KEYS,
                          "a key of \"bundle_keys\": expected " BUNDLE_ALG);
    err = key_thumbprint(b->chain[b->n_chain - 1], thumbprint);
    if (err)
        return err;
    if (*trusted)
        err = check_link(r, element);
    if ((*trusted && err != TOK_SIGNATURE) ||
        !word_list_has(r->trust->thumbprints, (struct slice){thumbprint, sizeof(thumbprint)}))
        return err;
    /* It is trusted anyway: nothing says that the keys before are its predecessors. */
    *trusted = true;
    b->linked = b->n_chain - 1;
    r->errmsg->text[0] = '\0';
    return TOK_OK;
}

static enum tok_err read_chain(const struct reading *r)
{
    struct scan_value v, element;
    bool trusted = false;
    size_t pos = 0;
    enum tok_err err = TOK_OK;

    if (!find(r->payload, "bundle_keys", &v) || v.type != SCAN_ARRAY)
        return wrong(r, "bundle_keys", "an array");
    while (!err && scan_next_element(v, &pos, &element))
        err = read_chain_key(r, element, &trusted);
    return err || trusted ? err
                          : errmsg_set(r->errmsg, TOK_UNKNOWN_KEY,
                                       "none of its bundle keys is trusted here: "
                                       "compare with `jwtctl key list` on the issuer");
}

static bool read_state(struct scan_value key, enum bundle_key_state *ret)
{
    struct scan_value v;

    for (int i = BUNDLE_KEY_NEXT; i <= BUNDLE_KEY_OLD; i++) {
        if (!find(key, "state", &v) || !scan_string_is_text(&v, bundle_states[i]))
            continue;
        *ret = (enum bundle_key_state)i;
        return true;
    }
    return false;
}

static enum tok_err read_key(const struct reading *r, struct scan_value element)
{
    struct bundle *b = r->b;
    struct key *key = NULL;
    enum tok_err err;

    if (b->n_keys == BUNDLE_KEYS_MAX || !read_state(element, &b->states[b->n_keys]))
        return wrong(r, "keys", "at most 64 keys with \"state\": next, signing or old");
    err = read_jwk(r, "keys", element, &key);
    if (err)
        return err == TOK_UNSUPPORTED ? TOK_OK : err;
    b->keys[b->n_keys++] = key;
    for (size_t i = 0; i + 1 < b->n_keys; i++)
        if (slice_eq(key_kid(b->keys[i]), key_kid(key)))
            return errmsg_set(r->errmsg, TOK_KEYS, "two keys have one \"kid\"");
    return TOK_OK;
}

static enum tok_err read_keys(const struct reading *r)
{
    struct scan_value v, element;
    size_t pos = 0;
    enum tok_err err = TOK_OK;

    if (!find(r->payload, "keys", &v) || v.type != SCAN_ARRAY)
        return wrong(r, "keys", "an array");
    while (!err && scan_next_element(v, &pos, &element))
        err = read_key(r, element);
    return err || r->b->n_keys > 0 ? err : wrong(r, "keys", "at least one usable key");
}

static enum tok_err read_number(const struct reading *r, struct scan_value object,
                                const char *name, int64_t min, int64_t *ret)
{
    struct scan_value v;

    return !find(object, name, &v) || scan_integer(v, ret) || *ret < min
               ? wrong(r, name, "a positive integer")
               : TOK_OK;
}

/* What key documents have as well. */
static enum tok_err read_order(const struct reading *r)
{
    enum tok_err err = read_number(r, r->payload, "iat", 1, &r->b->iat);

    return err ? err : read_number(r, r->payload, "seq", 1, &r->b->seq);
}

static enum tok_err read_rest(const struct reading *r)
{
    struct bundle *b = r->b;
    struct scan_value revoked;
    int64_t count = 0;
    enum tok_err err;

    if (!find(r->payload, "revoked", &revoked) ||
        !read_bytes(revoked, "sha256", b->revoked.sha256, REVOKED_SHA256_LEN))
        return wrong(r, "revoked", "an object with a SHA-256");
    err = read_number(r, r->payload, "exp", 1, &b->exp);
    if (!err)
        err = read_number(r, r->payload, "epoch", 1, &b->epoch);
    if (!err)
        err = read_number(r, revoked, "count", 0, &count);
    if (!err)
        err = read_number(r, revoked, "pruned_until", 0, &b->pruned_until);
    b->revoked.count = (uint64_t)count;
    if (err)
        return err;
    return b->exp > b->iat ? TOK_OK : wrong(r, "exp", "a time after \"iat\"");
}

/* The last bundle key must have signed. */
static enum tok_err check_signature(const struct reading *r, const struct jws *jws,
                                    const struct jws_header *h)
{
    const struct key *key = r->b->chain[r->b->n_chain - 1];
    UNINITIALIZED char signature[KEY_SIGNATURE_MAX];
    size_t n;
    enum tok_err err;

    if (!h->has_kid || !slice_eq(key_kid(key), (struct slice){h->kid, h->kid_len}))
        return errmsg_set(r->errmsg, TOK_UNKNOWN_KEY,
                          "not signed by the last of its bundle keys");
    if (h->alg != key_alg(key))
        return TOK_ALG;
    err = base64url_decode(jws->signature, signature, sizeof(signature), &n);
    return err ? err : key_verify(key, jws->input, (struct slice){signature, n});
}

/* Nothing but the chain, which leads from a trusted key to the one that signed, is read before
 * the signature is verified. */
static enum tok_err read_text(struct reading *r, enum jws_typ typ, struct slice text)
{
    UNINITIALIZED char payload[BASE64URL_BYTES(BUNDLE_MAX)];
    struct jws jws;
    struct jws_header h;
    size_t n;
    enum tok_err err = text.n > BUNDLE_MAX ? TOK_TOO_LONG : jws_split(text, &jws);

    if (!err)
        err = jws_read_header(jws.header, &h);
    if (!err && h.typ != typ)
        err = TOK_TYP;
    if (!err)
        err = base64url_decode(jws.payload, payload, sizeof(payload), &n);
    if (!err)
        err = scan_document((struct slice){payload, n}, &r->payload, NULL);
    if (!err)
        err = read_iss(r);
    if (!err)
        err = read_chain(r);
    if (!err)
        err = check_signature(r, &jws, &h);
    if (!err)
        err = read_keys(r);
    if (!err)
        err = read_order(r);
    return err || typ == JWS_TYP_ISSUER_KEYS ? err : read_rest(r);
}

static enum tok_err read_as(enum jws_typ typ, const struct bundle_trust *trust,
                            struct slice text, struct bundle *ret, struct errmsg *errmsg)
{
    CLEANUP(bundle_clear) struct bundle b = {0};
    struct errmsg inner = {""};
    struct reading r = {.trust = trust, .b = &b, .errmsg = &inner};
    enum tok_err err = read_text(&r, typ, text);

    if (err)
        return errmsg_set(errmsg, err, "%s: %s",
                          typ == JWS_TYP_BUNDLE ? "bundle" : "key document",
                          inner.text[0] ? inner.text : tok_err_text(err));
    *ret = b;
    b = (struct bundle){0};
    return TOK_OK;
}

enum tok_err bundle_read(const struct bundle_trust *trust, struct slice text,
                         struct bundle *ret, struct errmsg *errmsg)
{
    return read_as(JWS_TYP_BUNDLE, trust, text, ret, errmsg);
}

enum tok_err key_document_read(const struct bundle_trust *trust, const char *iss,
                               struct slice text, struct bundle *ret, struct errmsg *errmsg)
{
    CLEANUP(bundle_clear) struct bundle b = {0};
    enum tok_err err = read_as(JWS_TYP_ISSUER_KEYS, trust, text, &b, errmsg);

    if (!err && strcmp(b.iss, iss) != 0)
        err = errmsg_set(errmsg, TOK_ISSUER, "key document: of the issuer %s, expected %s",
                         b.iss, iss);
    if (err)
        return err;
    *ret = b;
    b = (struct bundle){0};
    return TOK_OK;
}

enum tok_err bundle_leads_from(const struct bundle *b, const char *thumbprint, bool *ret)
{
    char key[KEY_THUMBPRINT_LEN];
    enum tok_err err = TOK_OK;

    *ret = false;
    for (size_t i = b->linked; !err && !*ret && i < b->n_chain; i++) {
        err = key_thumbprint(b->chain[i], key);
        *ret = !err && memcmp(key, thumbprint, sizeof(key)) == 0;
    }
    return err;
}
