/*
 * Bytes of a stranger as a key. The first byte chooses:
 *
 *   'T'  the rest is the text: a JWK, or PEM
 *   'D'  a byte chooses the label, the rest is what PEM holds, so that DER is mutated as such
 *   'M'  a byte chooses the algorithm, the rest are the members of a JWK: each a length of two
 *        bytes and the number itself, so that numbers are mutated as such
 *
 * The second byte says which algorithms a key without one may be of.
 *
 * Beyond "no crash": a refusal has a sentence and leaves nothing; a key that was taken keeps
 * the sizes of its header, reads back from each form it writes, and, when it is private, signs
 * what its public half takes and no other text or signature.
 */
#include "common/base/base64url.h"
#include "common/jose/key.h"
#include "common/json/emit.h"
#include "tests/fuzz/fuzz.h"

#include <openssl/bio.h>
#include <openssl/pem.h>

DEFINE_CLEANUP(BIO *, cleanup_bio, BIO_free_all)

static void is_same(const struct key *a, const struct key *b)
{
    char first[KEY_THUMBPRINT_LEN], second[KEY_THUMBPRINT_LEN];

    must(key_algs(a) == key_algs(b) && key_is_same(a, b) && key_sig_len(a) == key_sig_len(b));
    must(key_thumbprint(a, first) == TOK_OK && key_thumbprint(b, second) == TOK_OK);
    must(memcmp(first, second, sizeof(first)) == 0);
}

/* The public half as JWK and as PEM, read again; the first of them goes to ret. */
static void write_public(const struct key *key, struct key **ret)
{
    CLEANUP(cleanup_free) char *jwk = NULL;
    CLEANUP(cleanup_free) char *pem = NULL;
    CLEANUP(cleanup_key) struct key *again = NULL;
    const struct key_reading how = {NULL, KEY_PUBLIC, key_algs(key)};

    must(key_public_jwk(key, &jwk) == TOK_OK && key_public_pem(key, &pem) == TOK_OK);
    must(key_read(&how, slice_of(jwk), ret, NULL) == TOK_OK);
    is_same(key, *ret);
    must(!key_kid(key).n || slice_eq(key_kid(key), key_kid(*ret)));
    must(key_read(&how, slice_of(pem), &again, NULL) == TOK_OK);
    is_same(key, again);
}

static void sign(const struct key *key, const struct key *half)
{
    char signature[KEY_SIGNATURE_MAX];
    struct slice s = {signature, key_sig_len(key)};
    size_t at;

    must(key_sign(key, SLICE("a text"), signature) == TOK_OK);
    must(key_verify(half, SLICE("a text"), s) == TOK_OK);
    must(key_verify(half, SLICE("a texT"), s) == TOK_SIGNATURE);
    must(key_verify(half, SLICE("a text"), (struct slice){s.p, s.n - 1}) == TOK_SIGNATURE);
    at = (unsigned char)signature[0] % s.n;
    signature[at] = (char)(signature[at] ^ 1 << (signature[1] & 7));
    must(key_verify(half, SLICE("a text"), s) == TOK_SIGNATURE);
}

static void judge_private(const struct key *key, const struct key *half)
{
    CLEANUP(secret_clear) struct secret jwk = {0};
    CLEANUP(cleanup_key) struct key *again = NULL;

    must(key_private_jwk(key, &jwk) == TOK_OK);
    must(key_from_jwk(NULL, secret_slice(&jwk), KEY_PRIVATE, &again, NULL) == TOK_OK);
    is_same(key, again);
    sign(key, half);
}

static void judge(struct slice text, enum key_part part, alg_set algorithms)
{
    CLEANUP(cleanup_free) char *exact = exact_copy(text);
    CLEANUP(cleanup_key) struct key *key = NULL;
    CLEANUP(cleanup_key) struct key *half = NULL;
    struct errmsg errmsg = {""};
    enum tok_err err = key_read(&(struct key_reading){NULL, part, algorithms},
                                (struct slice){exact, text.n}, &key, &errmsg);

    if (err) {
        must(!key && *errmsg.text && (err == TOK_KEYS || err == TOK_UNSUPPORTED));
        return;
    }
    must(key_sig_len(key) > 0 && key_sig_len(key) <= KEY_SIGNATURE_MAX);
    must(key_kid(key).n <= KEY_KID_MAX);
    if (key_alg(key)->kind == ALG_OCT) {
        must(key_public_jwk(key, &(char *){NULL}) == TOK_KEYS);
        if (part == KEY_PRIVATE)
            judge_private(key, key);
        return;
    }
    must(key_sign(key, SLICE("x"), &(char[KEY_SIGNATURE_MAX]){0}) ==
         (part == KEY_PRIVATE ? TOK_OK : TOK_KEYS));
    write_public(key, &half);
    if (part == KEY_PRIVATE)
        judge_private(key, half);
}

static void judge_der(struct slice in, enum key_part part, alg_set algorithms)
{
    static const char *const labels[] = {
        "PUBLIC KEY",     "PRIVATE KEY",           "RSA PUBLIC KEY", "RSA PRIVATE KEY",
        "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PARAMETERS",  "CERTIFICATE"};
    const char *label = labels[take_byte(&in) % (sizeof(labels) / sizeof(labels[0]))];
    CLEANUP(cleanup_bio) BIO *out = BIO_new(BIO_s_mem());
    const char *text;
    long n;

    must(out != NULL);
    must(PEM_write_bio(out, label, "", (const unsigned char *)in.p, (long)in.n) >= 0);
    n = BIO_get_mem_data(out, &text);
    judge((struct slice){text, (size_t)n}, part, algorithms);
}

static void judge_members(struct slice in, enum key_part part, alg_set algorithms)
{
    static const char *const names[][8] = {
        [ALG_OCT] = {"k"},
        [ALG_RSA] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"},
        [ALG_EC] = {"x", "y", "d"},
        [ALG_OKP] = {"x", "d"},
    };
    const struct alg *alg = alg_at(take_byte(&in) % 13);
    CLEANUP(cleanup_free) char *text = calloc(1, in.n * 2 + 512);
    struct emit out = {.p = text, .size = in.n * 2 + 512};

    must(alg && text);
    emit_begin(&out);
    emit_member_string(&out, "kty", slice_of(alg->kty));
    emit_member_string(&out, "alg", slice_of(alg->name));
    if (alg->crv)
        emit_member_string(&out, "crv", slice_of(alg->crv));
    for (size_t i = 0; i < 8 && names[alg->kind][i] && in.n; i++) {
        size_t n = take_byte(&in) << 8;

        n |= take_byte(&in);
        emit_member_base64url(&out, names[alg->kind][i], take_bytes(&in, n));
    }
    emit_end(&out);
    must(out.n <= out.size);
    judge((struct slice){text, out.n}, part, algorithms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};
    unsigned mode = take_byte(&in), choice = take_byte(&in);
    const struct alg *one = alg_at(choice);
    alg_set algorithms = one ? alg_bit(one) : alg_set_default();

    for (enum key_part part = KEY_PUBLIC; part <= KEY_PRIVATE; part++) {
        switch (mode) {
        case 'T':
            judge(in, part, algorithms);
            break;
        case 'D':
            judge_der(in, part, algorithms);
            break;
        case 'M':
            judge_members(in, part, algorithms);
            break;
        default:
            return -1;
        }
    }
    return 0;
}
