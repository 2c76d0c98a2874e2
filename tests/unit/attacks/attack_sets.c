/* Key files that would make one kind of key pass for another, or one key for another. */
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
    {"RSA said to be oct", "RS256", "\"kty\":\"RSA\"", "\"kty\":\"oct\""},
    {"RSA with exponent 1", "RS256", "\"e\":\"AQAB\"", "\"e\":\"AQ\""},
    {"RSA with exponent 2", "RS256", "\"e\":\"AQAB\"", "\"e\":\"Ag\""},
    {"RSA with exponent 65536", "RS256", "\"e\":\"AQAB\"", "\"e\":\"AQAA\""},
    {"RSA with zeros behind e", "RS256", "\"e\":\"AQAB\"", "\"e\":\"AQABAAAA\""},
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

/* Signed by a key of the range, for this header. */
static char *token_of(const struct range *r, const char *signer, const char *alg,
                      const char *kid)
{
    CLEANUP(cleanup_free) char *payload = range_payload(NULL, NULL);
    CLEANUP(cleanup_free) char *header = NULL;
    CLEANUP(cleanup_key) struct key *as = NULL;
    size_t n;

    ck_assert_int_gt(asprintf(&header, "{\"alg\":\"%s\",\"kid\":\"%s\"}", alg, kid), 0);
    if (key_alg(range_key(r, signer))->kind != ALG_RSA)
        return forge(range_key(r, signer), text_slice(header), text_slice(payload));

    /* Any RSA algorithm by any RSA key. */
    CLEANUP(cleanup_free) char *pem = forge_data(range_pem(signer), &n);

    ck_assert_ok(
        key_read(&(struct key_reading){NULL, KEY_PRIVATE, alg_bit(alg_find(text_slice(alg)))},
                 (struct slice){pem, n}, &as, NULL));
    return forge(as, text_slice(header), text_slice(payload));
}

/* Two keys that each would do alone, and what a token of each gets. */
static const struct {
    const char *name, *algs[2], *kids[2];
    enum tok_err err[2];
} pairs[] = {
    {"two of two names", {"EdDSA", "ES256"}, {"a", "b"}, {TOK_OK, TOK_OK}},
    {"two of one name", {"EdDSA", "ES256"}, {"a", "a"}, {TOK_OK, TOK_OK}},
    {"RSA for two algorithms", {"RS256", "RS384"}, {"a", "b"}, {TOK_OK, TOK_OK}},
    {"RSA for two algorithms by one name", {"RS256", "PS256"}, {"a", "a"}, {TOK_OK, TOK_OK}},
    {"two secrets", {"HS256", "HS512"}, {"a", "b"}, {TOK_OK, TOK_OK}},
    {"two secrets of one name", {"HS256", "HS512"}, {"a", "a"}, {TOK_OK, TOK_OK}},
    {"a secret behind RSA", {"RS256", "HS256"}, {"a", "b"}, {TOK_OK, TOK_UNKNOWN_KEY}},
    {"a secret in front of RSA", {"HS256", "RS256"}, {"a", "b"}, {TOK_UNKNOWN_KEY, TOK_OK}},
    {"a secret by the name of RSA", {"HS256", "RS256"}, {"a", "a"}, {TOK_ALG, TOK_OK}},
    {"a secret behind EC", {"ES512", "HS512"}, {"a", "b"}, {TOK_OK, TOK_UNKNOWN_KEY}},
    {"a secret in front of Ed25519", {"HS384", "EdDSA"}, {"a", "b"}, {TOK_UNKNOWN_KEY, TOK_OK}},
};

void attack_pairs(struct range *r)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        CLEANUP(cleanup_free)
        char *first = range_jwk(range_key(r, pairs[i].algs[0]), pairs[i].kids[0]);
        CLEANUP(cleanup_free)
        char *second = range_jwk(range_key(r, pairs[i].algs[1]), pairs[i].kids[1]);
        const char *const jwks[] = {first, second, NULL};
        CLEANUP(cleanup_keyset) struct keyset *set = range_set(jwks);

        for (size_t j = 0; j < 2; j++) {
            CLEANUP(cleanup_free)
            char *token = token_of(r, pairs[i].algs[j], pairs[i].algs[j], pairs[i].kids[j]);

            attack(r, set, "pair", pairs[i].name, text_slice(token), pairs[i].err[j]);
        }
    }
}

/* The JWK of a key, called k, with one text replaced, in a set with another key; then a token
 * that its private half signs. */
#define PREFIX "\"n\":\""
static const struct {
    const char *name, *key, *from, *to, *alg;
    enum tok_err err;
} changed[] = {
    /* Forms that name the same key. */
    {"n with zeros in front", "RS256", PREFIX, PREFIX "AAAA", "RS256", TOK_OK},
    {"e with a zero in front", "RS256", "\"AQAB\"", "\"AAEAAQ\"", "RS256", TOK_OK},
    {"n padded with =", "RS256", "\",\"e\"", "==\",\"e\"", "RS256", TOK_OK},
    {"null for d", "RS256", PREFIX, "\"d\":null," PREFIX, "RS256", TOK_OK},
    {"use and key_ops", "ES256", "\"use\":", "\"key_ops\":[\"verify\"],\"use\":", "ES256",
     TOK_OK},
    /* Forms that would name another. */
    {"n with zeros behind", "RS256", "\",\"e\"", "AA\",\"e\"", "RS256", TOK_UNKNOWN_KEY},
    {"n and = and more", "RS256", "\",\"e\"", "==AAAA\",\"e\"", "RS256", TOK_UNKNOWN_KEY},
    {"n with an = too many", "RS256", "\",\"e\"", "===\",\"e\"", "RS256", TOK_UNKNOWN_KEY},
    {"n with = in front", "RS256", PREFIX, PREFIX "====", "RS256", TOK_UNKNOWN_KEY},
    {"x with a zero in front", "EdDSA", "\"x\":\"", "\"x\":\"AAAA", "EdDSA", TOK_UNKNOWN_KEY},
    {"x with zeros behind", "ES256", "\",\"y\"", "AAAA\",\"y\"", "ES256", TOK_UNKNOWN_KEY},
    {"no x, which is then 0", "ES256", "\"x\":\"", "\"x\":\"\",\"z\":\"", "ES256",
     TOK_UNKNOWN_KEY},
    {"no bytes for d", "RS256", PREFIX, "\"d\":\"\"," PREFIX, "RS256", TOK_UNKNOWN_KEY},
    /* use, key_ops and alg. */
    {"for encryption", "RS256", "\"sig\"", "\"enc\"", "RS256", TOK_UNKNOWN_KEY},
    {"key_ops against use", "RS256", "\"use\":", "\"key_ops\":[\"encrypt\"],\"use\":", "RS256",
     TOK_UNKNOWN_KEY},
    {"use against key_ops", "RS256", "\"use\":\"sig\"",
     "\"key_ops\":[\"verify\"],\"use\":\"enc\"", "RS256", TOK_UNKNOWN_KEY},
    {"key_ops to sign", "RS256", "\"use\":\"sig\"", "\"key_ops\":[\"sign\"]", "RS256",
     TOK_UNKNOWN_KEY},
    {"key_ops VERIFY", "RS256", "\"use\":\"sig\"", "\"key_ops\":[\"VERIFY\"]", "RS256",
     TOK_UNKNOWN_KEY},
    {"key_ops of nothing", "RS256", "\"use\":\"sig\"", "\"key_ops\":[]", "RS256",
     TOK_UNKNOWN_KEY},
    {"RSA of RS256 for PS256", "RS256", "\"use\"", "\"x\"", "PS256", TOK_ALG},
    {"RSA of RS256 for RS512", "RS256", "\"use\"", "\"x\"", "RS512", TOK_ALG},
    {"RSA of null for RS384", "RS256", "\"alg\":\"RS256\"", "\"alg\":null", "RS384", TOK_OK},
    {"RSA of no alg for PS512", "RS256", "\"alg\":\"RS256\",", "", "PS512", TOK_OK},
    {"RSA of an empty alg", "RS256", "\"alg\":\"RS256\"", "\"alg\":\"\"", "RS256",
     TOK_UNKNOWN_KEY},
    {"RSA of alg RSA", "RS256", "\"alg\":\"RS256\"", "\"alg\":\"RSA\"", "RS256",
     TOK_UNKNOWN_KEY},
    {"RSA of alg HS256", "RS256", "\"alg\":\"RS256\"", "\"alg\":\"HS256\"", "RS256",
     TOK_UNKNOWN_KEY},
    /* kid */
    {"another kid", "RS256", "\"kid\":\"k\"", "\"kid\":\"K\"", "RS256", TOK_UNKNOWN_KEY},
    {"a kid with a NUL", "RS256", "\"kid\":\"k\"", "\"kid\":\"k\\u0000\"", "RS256",
     TOK_UNKNOWN_KEY},
    {"a kid by escapes", "RS256", "\"kid\":\"k\"", "\"kid\":\"\\u006b\"", "RS256", TOK_OK},
    {"kid null", "RS256", "\"kid\":\"k\"", "\"kid\":null", "RS256", TOK_OK},
    {"kid a number", "RS256", "\"kid\":\"k\"", "\"kid\":0", "RS256", TOK_UNKNOWN_KEY},
};

void attack_changed(struct range *r)
{
    for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
        CLEANUP(cleanup_free) char *right = range_jwk(range_key(r, changed[i].key), "k");
        CLEANUP(cleanup_free) char *bent = replaced(right, changed[i].from, changed[i].to);
        CLEANUP(cleanup_free) char *other = range_jwk(range_key(r, "ES384"), "other");
        const char *const jwks[] = {bent, other, NULL};
        CLEANUP(cleanup_keyset) struct keyset *set = range_set(jwks);
        CLEANUP(cleanup_free) char *token = token_of(r, changed[i].key, changed[i].alg, "k");

        attack(r, set, "changed", changed[i].name, text_slice(token), changed[i].err);
    }
}

/* Two keys by the name k, the second with a text replaced, in a set with another key; then a
 * token of each, in this algorithm. RS256 and PS256 have different keys. */
static const struct {
    const char *name, *keys[2], *from, *to, *alg;
    enum tok_err err[2];
} collisions[] = {
    {"two RSA keys for RS256",
     {"RS256", "PS256"},
     "PS256",
     "RS256",
     "RS256",
     {TOK_UNKNOWN_KEY, TOK_UNKNOWN_KEY}},
    {"RS256 and PS256", {"RS256", "PS256"}, "PS256", "PS256", "RS256", {TOK_OK, TOK_SIGNATURE}},
    {"RS256, and a key of no alg",
     {"RS256", "PS256"},
     "\"alg\":\"PS256\",",
     "",
     "RS256",
     {TOK_UNKNOWN_KEY, TOK_UNKNOWN_KEY}},
    {"PS512 of no alg beside RS256",
     {"RS256", "PS256"},
     "\"alg\":\"PS256\",",
     "",
     "PS512",
     {TOK_UNKNOWN_KEY, TOK_UNKNOWN_KEY}},
    {"RS256, and one to encrypt",
     {"RS256", "PS256"},
     "\"use\":\"sig\"",
     "\"use\":\"enc\"",
     "RS256",
     {TOK_OK, TOK_SIGNATURE}},
    {"RS256, and a weak one",
     {"RS256", "PS256"},
     "\"e\":\"AQAB\"",
     "\"e\":\"AQ\"",
     "RS256",
     {TOK_OK, TOK_SIGNATURE}},
    {"one key, named twice",
     {"RS256", "RS256"},
     "\"alg\"",
     "\"alg\"",
     "RS256",
     {TOK_OK, TOK_OK}},
    {"one key, padded once",
     {"RS256", "RS256"},
     PREFIX,
     PREFIX "AAAA",
     "RS256",
     {TOK_OK, TOK_OK}},
    {"RS256, and PS256 with a padded modulus",
     {"RS256", "PS256"},
     PREFIX,
     PREFIX "AAAA",
     "RS256",
     {TOK_OK, TOK_SIGNATURE}},
    {"RS256, and its modulus with zeros behind",
     {"RS256", "RS256"},
     "\",\"e\"",
     "AA\",\"e\"",
     "RS256",
     {TOK_OK, TOK_OK}},
    {"one key, with and without alg",
     {"RS256", "RS256"},
     "\"alg\":\"RS256\",",
     "",
     "PS384",
     {TOK_OK, TOK_OK}},
    {"RS256, and its modulus as an HMAC secret",
     {"RS256", "RS256"},
     "\"kty\":\"RSA\",\"n\"",
     "\"kty\":\"oct\",\"k\"",
     "RS256",
     {TOK_OK, TOK_OK}},
};

void attack_collisions(struct range *r)
{
    for (size_t i = 0; i < sizeof(collisions) / sizeof(collisions[0]); i++) {
        CLEANUP(cleanup_free) char *first = range_jwk(range_key(r, collisions[i].keys[0]), "k");
        CLEANUP(cleanup_free) char *right = range_jwk(range_key(r, collisions[i].keys[1]), "k");
        CLEANUP(cleanup_free)
        char *second = replaced(right, collisions[i].from, collisions[i].to);
        CLEANUP(cleanup_free) char *other = range_jwk(range_key(r, "ES384"), "other");
        const char *const orders[][4] = {{first, second, other, NULL},
                                         {other, second, first, NULL}};

        for (size_t j = 0; j < 4; j++) {
            CLEANUP(cleanup_keyset) struct keyset *set = range_set(orders[j / 2]);
            CLEANUP(cleanup_free)
            char *token = token_of(r, collisions[i].keys[j % 2], collisions[i].alg, "k");

            attack(r, set, "collision", collisions[i].name, text_slice(token),
                   collisions[i].err[j % 2]);
        }
    }
}
