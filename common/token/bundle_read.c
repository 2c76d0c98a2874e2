#include "common/token/bundle_form.h"

#include "common/base/base64url.h"
#include "common/jose/jws.h"

#define MEMBERS_MAX 64

/* A bundle while it is read. */
struct reading {
    const struct bundle_trust *trust;
    struct scan_member members[MEMBERS_MAX];
    size_t n;
    struct bundle *b;
    struct errmsg *errmsg;
};

static enum tok_err wrong(const struct reading *r, const char *name, const char *form)
{
    return errmsg_set(r->errmsg, TOK_CLAIM_TYPE, "bundle: member \"%s\": expected %s", name,
                      form);
}

/* The member of this name of an object; false: not found. */
static bool find_member(struct scan_value object, const char *name, struct scan_value *ret)
{
    struct scan_member m;
    size_t pos = 0;

    while (scan_next_member(object, &pos, &m)) {
        if (!scan_member_is(&m, slice_of(name)))
            continue;
        *ret = m.value;
        return true;
    }
    return false;
}

static enum tok_err read_integer(const struct reading *r, const struct scan_value *v,
                                 const char *name, int64_t min, int64_t *ret)
{
    int64_t n;

    if (!v || scan_integer(*v, &n) || n < min)
        return wrong(r, name, min ? "an integer above 0" : "an integer that is not negative");
    *ret = n;
    return TOK_OK;
}

/* A string that decodes to exactly size bytes. */
static bool read_bytes(const struct scan_value *v, void *ret, size_t size)
{
    size_t n;

    return v->type == SCAN_STRING && !v->escaped &&
           base64url_decode(scan_string_raw(*v), ret, size, &n) == TOK_OK && n == size;
}

static enum tok_err read_iss(const struct reading *r)
{
    const struct scan_value *v = scan_find(r->members, r->n, SLICE("iss"));
    size_t n = 0;

    if (!v || scan_string(*v, r->b->iss, VALUE_NAME_MAX, &n) ||
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
    return errmsg_set(r->errmsg, err, "bundle: a key of \"%s\": %s", name,
                      inner.text[0] ? inner.text : tok_err_text(err));
}

/* TOK_SIGNATURE unless this element says that the key before signed the key of number i. */
static enum tok_err check_link(const struct reading *r, struct scan_value element, size_t i)
{
    const struct key *before = r->b->chain[i - 1];
    char text[BUNDLE_LINK_MAX + 1], signature[64];
    struct scan_value by, letters;
    size_t n;
    enum tok_err err;

    if (!find_member(element, "by", &by) || !scan_string_is(by, key_kid(before)) ||
        !find_member(element, "signature", &letters) ||
        !read_bytes(&letters, signature, sizeof(signature)))
        return TOK_SIGNATURE;
    err = bundle_link_text(r->b->iss, r->b->chain[i], text, &n);
    return err ? err
               : key_verify(before, (struct slice){text, n},
                            (struct slice){signature, sizeof(signature)});
}

static enum tok_err is_trusted(const struct reading *r, const struct key *key, bool *ret)
{
    char thumbprint[KEY_THUMBPRINT_LEN];
    enum tok_err err = key_thumbprint(key, thumbprint);

    if (!err)
        *ret = word_list_has(r->trust->thumbprints,
                             (struct slice){thumbprint, sizeof(thumbprint)});
    return err;
}

/* Reads the bundle key of an element, number n_chain. *trusted: on entry of the key before, on
 * return of this one. */
static enum tok_err read_chain_key(const struct reading *r, struct scan_value element,
                                   bool *trusted)
{
    struct bundle *b = r->b;
    struct scan_value jwk;
    bool by_name = false;
    enum tok_err err;

    if (b->n_chain == BUNDLE_CHAIN_MAX || !find_member(element, "jwk", &jwk))
        return wrong(r, "bundle_keys", "at most 8 objects with \"jwk\"");
    err = read_jwk(r, "bundle_keys", jwk, &b->chain[b->n_chain]);
    if (err)
        return err;
    b->n_chain++;
    if (key_alg(b->chain[b->n_chain - 1]) != alg_find(SLICE(BUNDLE_ALG)))
        return errmsg_set(r->errmsg, TOK_KEYS, "bundle: a key of \"bundle_keys\": expected %s",
                          BUNDLE_ALG);
    err = is_trusted(r, b->chain[b->n_chain - 1], &by_name);
    if (!err && *trusted && !by_name)
        err = check_link(r, element, b->n_chain - 1);
    *trusted = *trusted || by_name;
    return err == TOK_SIGNATURE ? errmsg_set(r->errmsg, err,
                                             "bundle: a bundle key is not signed by the one "
                                             "before it")
                                : err;
}

static enum tok_err read_chain(const struct reading *r)
{
    const struct scan_value *v = scan_find(r->members, r->n, SLICE("bundle_keys"));
    struct scan_value element;
    bool trusted = false;
    size_t pos = 0;
    enum tok_err err = TOK_OK;

    if (!v || v->type != SCAN_ARRAY)
        return wrong(r, "bundle_keys", "an array");
    while (!err && scan_next_element(*v, &pos, &element))
        err = read_chain_key(r, element, &trusted);
    if (!err && !trusted)
        err = errmsg_set(r->errmsg, TOK_UNKNOWN_KEY,
                         "bundle: none of its bundle keys is trusted here: compare with "
                         "`jwtctl key list` on the issuer");
    return err;
}

static enum tok_err read_key(const struct reading *r, struct scan_value element)
{
    struct bundle *b = r->b;
    struct scan_value state;
    struct key *key = NULL;
    enum tok_err err;

    if (b->n_keys == BUNDLE_KEYS_MAX)
        return wrong(r, "keys", "at most 64 keys");
    if (!find_member(element, "state", &state) ||
        !bundle_state_read(&state, &b->states[b->n_keys]))
        return wrong(r, "keys", "keys with \"state\": next, signing or old");
    err = read_jwk(r, "keys", element, &key);
    if (err)
        return err == TOK_UNSUPPORTED ? TOK_OK : err;
    b->keys[b->n_keys++] = key;
    for (size_t i = 0; i + 1 < b->n_keys; i++)
        if (slice_eq(key_kid(b->keys[i]), key_kid(key)))
            return errmsg_set(r->errmsg, TOK_KEYS, "bundle: two keys have one \"kid\"");
    return TOK_OK;
}

static enum tok_err read_keys(const struct reading *r)
{
    const struct scan_value *v = scan_find(r->members, r->n, SLICE("keys"));
    struct scan_value element;
    size_t pos = 0;
    enum tok_err err = TOK_OK;

    if (!v || v->type != SCAN_ARRAY)
        return wrong(r, "keys", "an array");
    while (!err && scan_next_element(*v, &pos, &element))
        err = read_key(r, element);
    return err || r->b->n_keys > 0 ? err : wrong(r, "keys", "at least one usable key");
}

static enum tok_err read_revoked(const struct reading *r)
{
    const struct scan_value *v = scan_find(r->members, r->n, SLICE("revoked"));
    struct bundle *b = r->b;
    struct scan_value sha256, count, pruned;
    int64_t n = 0;
    enum tok_err err;

    if (!v || !find_member(*v, "sha256", &sha256) || !find_member(*v, "count", &count) ||
        !find_member(*v, "pruned_until", &pruned) ||
        !read_bytes(&sha256, b->revoked.sha256, REVOKED_SHA256_LEN))
        return wrong(r, "revoked", "\"sha256\", \"count\" and \"pruned_until\"");
    err = read_integer(r, &count, "count", 0, &n);
    b->revoked.count = (uint64_t)n;
    return err ? err : read_integer(r, &pruned, "pruned_until", 0, &b->pruned_until);
}

static enum tok_err read_numbers(const struct reading *r)
{
    struct bundle *b = r->b;
    const struct {
        const char *name;
        int64_t *to;
    } numbers[] = {{"iat", &b->iat}, {"exp", &b->exp}, {"epoch", &b->epoch}, {"seq", &b->seq}};
    enum tok_err err = TOK_OK;

    for (size_t i = 0; !err && i < sizeof(numbers) / sizeof(numbers[0]); i++)
        err = read_integer(r, scan_find(r->members, r->n, slice_of(numbers[i].name)),
                           numbers[i].name, 1, numbers[i].to);
    return err || b->exp > b->iat ? err : wrong(r, "exp", "a time after \"iat\"");
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
                          "bundle: not signed by the last of its bundle keys");
    if (h->alg != key_alg(key))
        return errmsg_set(r->errmsg, TOK_ALG, "bundle: alg: expected %s", BUNDLE_ALG);
    err = base64url_decode(jws->signature, signature, sizeof(signature), &n);
    if (!err)
        err = key_verify(key, jws->input, (struct slice){signature, n});
    return err ? errmsg_set(r->errmsg, err, "bundle: signature: %s", tok_err_text(err))
               : TOK_OK;
}

/* Nothing but the chain, which leads from a trusted key to the one that signed, is read before
 * the signature is verified. */
static enum tok_err read_payload(struct reading *r, struct slice payload, const struct jws *jws,
                                 const struct jws_header *h)
{
    enum tok_err (*const steps[])(const struct reading *) = {read_numbers, read_keys,
                                                             read_revoked};
    enum tok_err err = scan_object(payload, r->members, MEMBERS_MAX, &r->n, NULL);

    if (err)
        return errmsg_set(r->errmsg, err, "bundle: %s", tok_err_text(err));
    err = read_iss(r);
    if (!err)
        err = read_chain(r);
    if (!err)
        err = check_signature(r, jws, h);
    for (size_t i = 0; !err && i < sizeof(steps) / sizeof(steps[0]); i++)
        err = steps[i](r);
    return err;
}

static enum tok_err read_form(struct slice text, struct jws *ret_jws, struct jws_header *ret_h)
{
    enum tok_err err = text.n > BUNDLE_MAX ? TOK_TOO_LONG : jws_split(text, ret_jws);

    if (!err)
        err = jws_read_header(ret_jws->header, ret_h);
    return !err && ret_h->typ != JWS_TYP_BUNDLE ? TOK_TYP : err;
}

enum tok_err bundle_read(const struct bundle_trust *trust, struct slice text,
                         struct bundle *ret, struct errmsg *errmsg)
{
    CLEANUP(bundle_clear) struct bundle b = {0};
    UNINITIALIZED char payload[BASE64URL_BYTES(BUNDLE_MAX)];
    UNINITIALIZED struct reading r;
    struct jws jws;
    struct jws_header h;
    size_t n;
    enum tok_err err = read_form(text, &jws, &h);

    if (!err)
        err = base64url_decode(jws.payload, payload, sizeof(payload), &n);
    if (err)
        return errmsg_set(errmsg, err, "bundle: %s", tok_err_text(err));
    r.trust = trust;
    r.b = &b;
    r.errmsg = errmsg;
    err = read_payload(&r, (struct slice){payload, n}, &jws, &h);
    if (err)
        return errmsg && !errmsg->text[0]
                   ? errmsg_set(errmsg, err, "bundle: %s", tok_err_text(err))
                   : err;
    *ret = b;
    b = (struct bundle){0};
    return TOK_OK;
}
