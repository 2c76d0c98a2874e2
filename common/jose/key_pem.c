#include "common/jose/key_pem.h"

#include "common/base/text.h"
#include "common/jose/key_errors.h"
#include "common/jose/key_object.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#define LABEL_MAX 32

DEFINE_CLEANUP(BIO *, cleanup_bio, BIO_free_all)
DEFINE_CLEANUP(OSSL_DECODER_CTX *, cleanup_decoder, OSSL_DECODER_CTX_free)

/* The labels of PEM (RFC 7468; those of PKCS#1 and SEC 1 are not in it). */
struct label {
    const char *name;
    const char *structure; /* name in libcrypto; NULL: refused */
    enum key_part part;
    const char *refusal; /* ends the message */
};

static const struct label labels[] = {
    {"PUBLIC KEY", "SubjectPublicKeyInfo", KEY_PUBLIC, NULL},
    {"PRIVATE KEY", "PrivateKeyInfo", KEY_PRIVATE, NULL},
    {"RSA PUBLIC KEY", "type-specific", KEY_PUBLIC, NULL},
    {"RSA PRIVATE KEY", "type-specific", KEY_PRIVATE, NULL},
    {"EC PRIVATE KEY", "type-specific", KEY_PRIVATE, NULL},
    {"ENCRYPTED PRIVATE KEY", NULL, KEY_PRIVATE,
     "is not supported; remove the passphrase first"},
    {"EC PARAMETERS", NULL, KEY_PUBLIC, "is not a key; remove this block"},
    {"CERTIFICATE", NULL, KEY_PUBLIC,
     "is not a key; extract its public key (openssl x509 -pubkey -noout)"},
    {"TRUSTED CERTIFICATE", NULL, KEY_PUBLIC,
     "is not a key; extract its public key (openssl x509 -pubkey -noout)"},
    {"X509 CERTIFICATE", NULL, KEY_PUBLIC,
     "is not a key; extract its public key (openssl x509 -pubkey -noout)"},
};

bool key_is_pem(struct slice text)
{
    const struct slice begin = SLICE("-----BEGIN ");

    return text.n >= begin.n && memcmp(text.p, begin.p, begin.n) == 0;
}

/* A decoded block. DER may be a private key. */
struct block {
    char *label, *header;
    unsigned char *der;
    long n;
    struct slice rest; /* the text behind the block */
};

static void block_free(struct block *b)
{
    OPENSSL_free(b->label);
    OPENSSL_free(b->header);
    OPENSSL_clear_free(b->der, b->n > 0 ? (size_t)b->n : 0);
}

static enum tok_err read_block(struct slice pem, struct block *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_bio) BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);

    if (!in)
        return TOK_NO_MEMORY;
    if (PEM_read_bio(in, &ret->label, &ret->header, &ret->der, &ret->n) != 1)
        return errmsg_set(errmsg, TOK_KEYS, "PEM: incomplete block");
    ret->rest.n = BIO_ctrl_pending(in);
    ret->rest.p = pem.p + (pem.n - ret->rest.n);
    return TOK_OK;
}

static bool is_all_space(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!text_is_space(text.p[i]))
            return false;
    return true;
}

static enum tok_err find_label(const struct block *b, enum key_part part,
                               const struct label **ret, struct errmsg *errmsg)
{
    const struct label *l = NULL;

    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
        if (strcmp(b->label, labels[i].name) == 0)
            l = &labels[i];
    if (!l)
        return errmsg_set(errmsg, TOK_KEYS, "PEM: %.*s is not supported", LABEL_MAX, b->label);
    if (!l->structure)
        return errmsg_set(errmsg, TOK_KEYS, "PEM: %s %s", l->name, l->refusal);
    if (*b->header)
        return errmsg_set(errmsg, TOK_KEYS, "PEM: %s is encrypted; remove the passphrase first",
                          l->name);
    if (part != KEY_EITHER && l->part != part)
        return errmsg_set(errmsg, TOK_KEYS, "PEM: %s",
                          part == KEY_PUBLIC ? "found a private key, expected a public key"
                                             : "found a public key, expected a private key");
    if (!is_all_space(b->rest))
        return errmsg_set(errmsg, TOK_KEYS,
                          "PEM: text after the first block; expected one key");
    *ret = l;
    return TOK_OK;
}

static enum tok_err decode(OSSL_LIB_CTX *ctx, const struct label *label, const struct block *b,
                           EVP_PKEY **ret, struct errmsg *errmsg)
{
    EVP_PKEY *pkey = NULL;
    const unsigned char *p = b->der;
    size_t left = (size_t)b->n;
    int selection = label->part == KEY_PUBLIC ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR;
    CLEANUP(cleanup_decoder)
    OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(&pkey, "DER", label->structure,
                                                              NULL, selection, ctx, NULL);

    if (!decoder)
        return TOK_CRYPTO;
    if (OSSL_DECODER_from_data(decoder, &p, &left) != 1 || !pkey || left != 0) {
        EVP_PKEY_free(pkey);
        return errmsg_set(errmsg, TOK_KEYS, "PEM: invalid %s", label->name);
    }
    *ret = pkey;
    return TOK_OK;
}

/* A curve given by its parameters instead of its name is refused (RFC 5480 2.1.1), even when
 * libcrypto finds the name. */
static bool group_is(const EVP_PKEY *pkey, const char *crv)
{
    int spelled_out = 1;
    char name[64];
    size_t n;

    return EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                  &spelled_out) == 1 &&
           !spelled_out && EVP_PKEY_get_group_name(pkey, name, sizeof(name), &n) == 1 &&
           OBJ_txt2nid(name) == EC_curve_nist2nid(crv);
}

/* Chooses the algorithm by the kty and crv that a JWK of this key would have. */
static enum tok_err find_alg(const EVP_PKEY *pkey, alg_set algorithms, const struct alg **ret,
                             struct errmsg *errmsg)
{
    const struct alg *row, *alg = NULL;
    size_t n = 0;

    for (size_t i = 0; (row = alg_at(i)); i++) {
        if (!row->ossl || !EVP_PKEY_is_a(pkey, row->ossl) ||
            (row->kind == ALG_EC && !group_is(pkey, row->crv)))
            continue;
        alg = alg_fitting(algorithms, slice_of(row->kty),
                          (struct slice){row->crv, row->crv ? strlen(row->crv) : 0}, &n);
        break;
    }
    if (!row)
        return errmsg_set(errmsg, TOK_UNSUPPORTED, "PEM: key type or curve not supported");
    if (n == 0)
        return errmsg_set(errmsg, TOK_UNSUPPORTED,
                          "PEM: no allowed algorithm fits this key (algorithms=)");
    if (n > 1)
        return errmsg_set(
            errmsg, TOK_KEYS,
            "PEM: several algorithms fit this key; allow exactly one (algorithms=)");
    *ret = alg;
    return TOK_OK;
}

enum tok_err key_from_pem(const struct key_reading *how, struct slice pem, struct key **ret,
                          struct errmsg *errmsg)
{
    KEY_ERRORS_DROP;
    CLEANUP(block_free) struct block block = {0};
    CLEANUP(cleanup_pkey) EVP_PKEY *pkey = NULL;
    CLEANUP(key_parts_clear) struct key_parts parts = {0};
    struct key_spec spec = {.ctx = how->ctx, .parts = &parts};
    const struct label *label = NULL;
    enum tok_err err;

    if (pem.n > INT_MAX)
        return errmsg_set(errmsg, TOK_KEYS, "PEM: too long");
    err = read_block(pem, &block, errmsg);
    if (!err)
        err = find_label(&block, how->part, &label, errmsg);
    if (!err)
        err = decode(how->ctx, label, &block, &pkey, errmsg);
    if (!err)
        err = find_alg(pkey, how->algorithms, &spec.alg, errmsg);
    if (err)
        return err;
    err = key_parts_of_pkey(pkey, spec.alg, label->part, &parts);
    if (err == TOK_CRYPTO)
        return errmsg_set(errmsg, TOK_KEYS, "PEM: incomplete key");
    spec.is_private = label->part == KEY_PRIVATE;
    return err ? err : key_make(&spec, ret, errmsg);
}

enum tok_err key_public_pem(const struct key *key, char **ret)
{
    KEY_ERRORS_DROP;
    CLEANUP(cleanup_bio) BIO *out = NULL;
    struct secret copy = {0};
    const char *text;
    enum tok_err err;
    long n;

    if (!key->pkey)
        return TOK_KEYS;
    out = BIO_new(BIO_s_mem());
    if (!out)
        return TOK_NO_MEMORY;
    if (PEM_write_bio_PUBKEY_ex(out, key->pkey, key->ctx, NULL) != 1 ||
        (n = BIO_get_mem_data(out, &text)) <= 0)
        return TOK_CRYPTO;
    err = secret_copy((struct slice){text, (size_t)n}, &copy);
    if (err)
        return err;
    *ret = copy.p;
    return TOK_OK;
}
