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
#define BEGIN SLICE("-----BEGIN")

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
    while (text.n > 0 && *text.p != '{') {
        struct slice line = text;

        if (!slice_cut(text, '\n', &line, &text))
            text.n = 0;
        line = text_trim(line);
        if (line.n >= BEGIN.n && memcmp(line.p, BEGIN.p, BEGIN.n) == 0)
            return true;
    }
    return false;
}

/* RFC 7468 2: "parsers SHOULD ignore whitespace", and data before the block is permitted.
 * libcrypto ignores it but for blanks in front of a line. */
static enum tok_err trim_lines(struct slice text, struct secret *ret)
{
    enum tok_err err = secret_alloc(text.n + 1, ret);
    char *out = ret->p;

    while (!err && text.n > 0) {
        struct slice line = text;

        if (!slice_cut(text, '\n', &line, &text))
            text.n = 0;
        line = text_trim(line);
        memcpy(out, line.p, line.n);
        out += line.n;
        *out++ = '\n';
    }
    return err;
}

/* A decoded block. DER may be a private key. */
struct block {
    char *name, *header;
    unsigned char *der;
    long n;
    const struct label *label;
};

static void block_free(struct block *b)
{
    OPENSSL_free(b->name);
    OPENSSL_free(b->header);
    OPENSSL_clear_free(b->der, b->n > 0 ? (size_t)b->n : 0);
}

/* The label of a key that we read, or NULL and the reason in *refusal. */
static const struct label *find_label(const char *name, struct errmsg *refusal)
{
    const struct label *l = NULL;

    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
        if (strcmp(name, labels[i].name) == 0)
            l = &labels[i];
    if (l && l->structure)
        return l;
    (void)errmsg_set(refusal, TOK_KEYS, "PEM: %.*s %s", LABEL_MAX, name,
                     l ? l->refusal : "is not supported");
    return NULL;
}

/* Finds the one key among the blocks; openssl(1) writes EC PARAMETERS, certificates and text
 * beside it. */
static enum tok_err find_block(struct slice pem, struct block *ret, struct errmsg *errmsg)
{
    KEY_ERRORS_DROP;
    CLEANUP(cleanup_bio) BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
    CLEANUP(block_free) struct block b = {0};
    struct errmsg refusal = {"PEM: no complete block"};

    if (!in)
        return TOK_NO_MEMORY;
    while (PEM_read_bio(in, &b.name, &b.header, &b.der, &b.n) == 1) {
        b.label = find_label(b.name, &refusal);
        if (b.label && ret->label)
            return errmsg_set(errmsg, TOK_KEYS, "PEM: more than one key; expected one");
        if (b.label)
            *ret = b;
        else
            block_free(&b);
        b = (struct block){0};
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return errmsg_set(errmsg, TOK_KEYS, "PEM: incomplete block");
    if (ret->label)
        return TOK_OK;
    (void)errmsg_set(errmsg, TOK_KEYS, "%s", refusal.text);
    return TOK_KEYS;
}

static enum tok_err read_block(struct slice text, enum key_part part, struct block *ret,
                               struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret pem = {0};
    enum tok_err err = text.n < INT_MAX ? trim_lines(text, &pem)
                                        : errmsg_set(errmsg, TOK_KEYS, "PEM: too long");

    if (!err)
        err = find_block(secret_slice(&pem), ret, errmsg);
    if (err == TOK_KEYS && memmem(text.p, text.n, "-----\\n", 7))
        (void)errmsg_set(errmsg, err, "PEM: found \"\\n\", expected a newline in its place");
    if (err)
        return err;
    if (*ret->header)
        return errmsg_set(errmsg, TOK_KEYS, "PEM: %s is encrypted; remove the passphrase first",
                          ret->name);
    if (part != KEY_EITHER && ret->label->part != part)
        return errmsg_set(errmsg, TOK_KEYS, "PEM: %s",
                          part == KEY_PUBLIC ? "found a private key, expected a public key"
                                             : "found a public key, expected a private key");
    return TOK_OK;
}

static enum tok_err decode(OSSL_LIB_CTX *ctx, const struct block *b, EVP_PKEY **ret,
                           struct errmsg *errmsg)
{
    EVP_PKEY *pkey = NULL;
    const unsigned char *p = b->der;
    size_t left = (size_t)b->n;
    int selection = b->label->part == KEY_PUBLIC ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR;
    CLEANUP(cleanup_decoder)
    OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(&pkey, "DER", b->label->structure,
                                                              NULL, selection, ctx, NULL);

    if (!decoder)
        return TOK_CRYPTO;
    if (OSSL_DECODER_from_data(decoder, &p, &left) != 1 || !pkey || left != 0) {
        EVP_PKEY_free(pkey);
        return errmsg_set(errmsg, TOK_KEYS, "PEM: invalid %s", b->name);
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

/* The algorithms of the kty and crv that a JWK of this key would have. */
static enum tok_err find_algs(const EVP_PKEY *pkey, const struct key_reading *how, alg_set *ret,
                              struct errmsg *errmsg)
{
    const struct alg *row;
    alg_set fitting = 0;

    for (size_t i = 0; (row = alg_at(i)); i++)
        if (row->ossl && EVP_PKEY_is_a(pkey, row->ossl) &&
            (row->kind != ALG_EC || group_is(pkey, row->crv)))
            fitting |= alg_bit(row);
    if (!fitting)
        return errmsg_set(errmsg, TOK_UNSUPPORTED, "PEM: key type or curve not supported");
    return key_implied_algs(fitting & how->algorithms, how->part, ret, errmsg);
}

enum tok_err key_from_pem(const struct key_reading *how, struct slice text, struct key **ret,
                          struct errmsg *errmsg)
{
    KEY_ERRORS_DROP;
    CLEANUP(block_free) struct block block = {0};
    CLEANUP(cleanup_pkey) EVP_PKEY *pkey = NULL;
    CLEANUP(key_parts_clear) struct key_parts parts = {0};
    struct key_spec spec = {.ctx = how->ctx, .parts = &parts};
    enum tok_err err = read_block(text, how->part, &block, errmsg);

    if (!err)
        err = decode(how->ctx, &block, &pkey, errmsg);
    if (err)
        return err;
    spec.is_private = block.label->part == KEY_PRIVATE;
    err = find_algs(pkey, how, &spec.algs, errmsg);
    if (err)
        return err;
    err = key_parts_of_pkey(pkey, alg_first(spec.algs), block.label->part, &parts);
    if (err == TOK_CRYPTO)
        return errmsg_set(errmsg, TOK_KEYS, "PEM: incomplete key");
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
