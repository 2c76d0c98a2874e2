/* Key files that would make one kind of key pass for another: none is read, not even in part.
 */
#include "tests/unit/attacks/attack.h"

/* The public JWK of an algorithm's key, with one text in it replaced by another. A set without
 * one key that can be used is refused as well. */
static const struct {
    const char *name, *alg, *from, *to;
} files[] = {
    {"P-384 said to be for ES256", "ES384", "\"alg\":\"ES384\"", "\"alg\":\"ES256\""},
    {"P-256 said to be for ES384", "ES256", "\"alg\":\"ES256\"", "\"alg\":\"ES384\""},
    {"P-521 said to be for EdDSA", "ES512", "\"alg\":\"ES512\"", "\"alg\":\"EdDSA\""},
    {"P-256 said to be for HS256", "ES256", "\"alg\":\"ES256\"", "\"alg\":\"HS256\""},
    {"P-256 said to be for RS256", "ES256", "\"alg\":\"ES256\"", "\"alg\":\"RS256\""},
    {"P-256 said to be for none", "ES256", "\"alg\":\"ES256\"", "\"alg\":\"none\""},
    {"P-384 said to be P-256", "ES384", "P-384\"", "P-256\""},
    {"P-256 said to be P-384", "ES256", "P-256\"", "P-384\""},
    {"P-256 said to be secp256k1", "ES256", "P-256\"", "secp256k1\""},
    {"P-256 said to be OKP", "ES256", "\"kty\":\"EC\"", "\"kty\":\"OKP\""},
    {"P-256 said to be oct", "ES256", "\"kty\":\"EC\"", "\"kty\":\"oct\""},
    {"P-256 without y", "ES256", "\"y\":", "\"z\":"},
    {"P-256 with a d", "ES256", "\"y\":", "\"d\":\"AQ\",\"y\":"},
    {"Ed25519 said to be for ES256", "EdDSA", "\"alg\":\"EdDSA\"", "\"alg\":\"ES256\""},
    {"Ed25519 said to be for HS256", "EdDSA", "\"alg\":\"EdDSA\"", "\"alg\":\"HS256\""},
    {"Ed25519 said to be X25519", "EdDSA", "Ed25519", "X25519"},
    {"Ed25519 said to be Ed448", "EdDSA", "Ed25519", "Ed448"},
    {"Ed25519 said to be P-256", "EdDSA", "Ed25519", "P-256"},
    {"Ed25519 said to be EC", "EdDSA", "\"kty\":\"OKP\"", "\"kty\":\"EC\""},
    {"Ed25519 said to be oct", "EdDSA", "\"kty\":\"OKP\"", "\"kty\":\"oct\""},
    {"Ed25519 with a k", "EdDSA", "\"kty\":\"OKP\",", "\"kty\":\"oct\",\"k\":\"c2hvcnQ\","},
    {"RSA said to be for HS256", "RS256", "\"alg\":\"RS256\"", "\"alg\":\"HS256\""},
    {"RSA said to be for ES256", "RS256", "\"alg\":\"RS256\"", "\"alg\":\"ES256\""},
    {"RSA said to be for RSA-OAEP", "RS256", "\"alg\":\"RS256\"", "\"alg\":\"RSA-OAEP\""},
    {"RSA said to be for nothing", "RS256", "\"alg\":\"RS256\"", "\"alh\":\"RS256\""},
    {"RSA said to be oct", "RS256", "\"kty\":\"RSA\"", "\"kty\":\"oct\""},
    {"RSA with exponent 1", "RS256", "\"e\":\"AQAB\"", "\"e\":\"AQ\""},
    {"RSA with exponent 2", "RS256", "\"e\":\"AQAB\"", "\"e\":\"Ag\""},
    {"RSA with exponent 65536", "RS256", "\"e\":\"AQAB\"", "\"e\":\"AQAA\""},
    {"RSA with a zero in front of e", "RS256", "\"e\":\"AQAB\"", "\"e\":\"AAEAAQ\""},
    {"RSA with an exponent of five bytes", "RS256", "\"e\":\"AQAB\"", "\"e\":\"AQAAAAE\""},
    {"RSA with a d", "RS256", "\"e\":\"AQAB\"", "\"e\":\"AQAB\",\"d\":\"AQ\""},
    {"RSA with other primes", "PS256", "\"e\":\"AQAB\"", "\"e\":\"AQAB\",\"p\":\"Aw\""},
    {"for encryption", "RS256", "\"use\":\"sig\"", "\"use\":\"enc\""},
    {"to sign with", "ES256", "\"use\":\"sig\"", "\"key_ops\":[\"sign\"]"},
    {"an HMAC secret for RS256", "HS256", "\"alg\":\"HS256\"", "\"alg\":\"RS256\""},
    {"an HMAC secret for none", "HS256", "\"alg\":\"HS256\"", "\"alg\":\"none\""},
    {"an HMAC secret of no byte", "HS256", "\"k\":\"", "\"k\":\"\",\"l\":\""},
    {"an HMAC secret of 31 bytes", "HS256", "\"k\":\"",
     "\"k\":\"MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMQ\",\"l\":\""},
    {"an HMAC secret said to be RSA", "HS256", "\"kty\":\"oct\"", "\"kty\":\"RSA\""},
    {"without kty", "EdDSA", "\"kty\":", "\"ktz\":"},
    {"kty twice", "EdDSA", "\"kty\":", "\"kty\":\"OKP\",\"kty\":"},
    {"kid twice", "EdDSA", "\"kid\":", "\"kid\":\"x\",\"\\u006bid\":"},
    {"kid a number", "EdDSA", "\"kid\":", "\"kid\":1,\"x-kid\":"},
};

/* With the first `from` in it replaced. */
static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *bent = NULL;

    ck_assert_msg(at != NULL, "%s is not in %s", from, text);
    ck_assert_int_gt(asprintf(&bent, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)),
                     0);
    return bent;
}

static enum tok_err read_set(const char *text)
{
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;
    struct errmsg errmsg = {""};
    enum tok_err err = keyset_parse(NULL, text_slice(text), ~(alg_set)0, &set, &errmsg);

    ck_assert_msg(!err == (set != NULL) && (!err || *errmsg.text), "%s", text);
    return err;
}

void attack_sets(struct range *r)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        CLEANUP(cleanup_free) char *right = range_jwk(range_key(r, files[i].alg), "k");
        CLEANUP(cleanup_free) char *wrong = replaced(right, files[i].from, files[i].to);

        attack_result(r, "file", files[i].name, read_set(wrong), TOK_KEYS);
    }
    for (size_t i = 0; i < ALGS; i++) {
        CLEANUP(cleanup_free) char *right = range_jwk(r->keys[i], "k");

        attack_result(r, "file, right", alg_at(i)->name, read_set(right), TOK_OK);
    }
}

/* Two keys that each would do alone. */
static const struct {
    const char *name, *algs[2], *kids[2];
    enum tok_err err;
} pairs[] = {
    {"two of two names", {"EdDSA", "ES256"}, {"a", "b"}, TOK_OK},
    {"two of one name", {"EdDSA", "ES256"}, {"a", "a"}, TOK_KEYS},
    {"one key for two algorithms", {"RS256", "RS384"}, {"a", "b"}, TOK_OK},
    {"one key for two algorithms by one name", {"RS256", "PS256"}, {"a", "a"}, TOK_KEYS},
    {"two secrets", {"HS256", "HS512"}, {"a", "b"}, TOK_OK},
    {"two secrets of one name", {"HS256", "HS512"}, {"a", "a"}, TOK_KEYS},
    {"a secret behind RSA", {"RS256", "HS256"}, {"a", "b"}, TOK_KEYS},
    {"a secret in front of RSA", {"HS256", "RS256"}, {"a", "b"}, TOK_KEYS},
    {"a secret behind EC", {"ES512", "HS512"}, {"a", "b"}, TOK_KEYS},
    {"a secret in front of Ed25519", {"HS384", "EdDSA"}, {"a", "b"}, TOK_KEYS},
};

void attack_pairs(struct range *r)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        CLEANUP(cleanup_free)
        char *first = range_jwk(range_key(r, pairs[i].algs[0]), pairs[i].kids[0]);
        CLEANUP(cleanup_free)
        char *second = range_jwk(range_key(r, pairs[i].algs[1]), pairs[i].kids[1]);
        CLEANUP(cleanup_free) char *text = NULL;

        ck_assert_int_gt(asprintf(&text, "{\"keys\":[%s,%s]}", first, second), 0);
        attack_result(r, "pair", pairs[i].name, read_set(text), pairs[i].err);
    }
}
