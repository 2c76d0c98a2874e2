/* One key taken for another. */
#include "tests/unit/attacks/attack.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

/* A set is of secrets or of public keys, never of both (keyset.h). */
static const struct keyset *set_with(const struct range *r, const struct alg *alg)
{
    return alg->kind == ALG_OCT ? r->secrets : r->publics;
}

static char *named(char ret[128], const char *what, const char *a, const char *b)
{
    (void)snprintf(ret, 128, "%s %s %s", a, what, b);
    return ret;
}

/* HEADER over the good payload, signed by this key. */
static char *signed_by(const struct key *key, const char *header)
{
    CLEANUP(cleanup_free) char *payload = range_payload(NULL, NULL);

    return forge(key, text_slice(header), text_slice(payload));
}

/* Each algorithm under the kid of each other one's key. */
void attack_other_algorithms(struct range *r)
{
    for (size_t a = 0; a < ALGS; a++)
        for (size_t b = 0; b < ALGS; b++) {
            const struct alg *alg = alg_at(a), *other = alg_at(b);
            char name[128], header[HEADER_MAX];

            (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\"}", alg->name,
                           other->name);

            CLEANUP(cleanup_free) char *token = signed_by(r->keys[a], header);

            attack(r, set_with(r, other), "algorithm",
                   named(name, "under the key of", alg->name, other->name), text_slice(token),
                   a == b ? TOK_OK : TOK_ALG);
        }
}

/* CVE-2016-5431, CVE-2022-29217, CVE-2024-54150: what is public of a key, as bytes, for an HMAC
 * secret. */
enum form {
    FORM_PEM,
    FORM_PEM_CUT,
    FORM_PEM_AND_NUL,
    FORM_JWK,
    FORM_SET,
    FORM_NUMBER,
    FORM_LETTERS,
    FORM_KID,
    FORM_NOTHING,
};

static const struct {
    enum form form;
    const char *name;
} secrets[] = {
    {FORM_PEM, "its PEM"},
    {FORM_PEM_CUT, "its PEM without the last newline"},
    {FORM_PEM_AND_NUL, "its PEM and a NUL"},
    {FORM_JWK, "its JWK"},
    {FORM_SET, "its JWK Set"},
    {FORM_NUMBER, "the bytes of its first number"},
    {FORM_LETTERS, "the letters of its first number"},
    {FORM_KID, "its kid"},
    {FORM_NOTHING, "nothing"},
};

/* The letters of n or x. */
static struct slice first_number(const char *jwk)
{
    const char *at = strstr(jwk, "\"n\":\"");

    if (!at)
        at = strstr(jwk, "\"x\":\"");
    ck_assert_ptr_nonnull(at);
    at += strlen("\"x\":\"");
    return (struct slice){at, strcspn(at, "\"")};
}

/* Bytes of that form into ret. */
static size_t secret_of(const struct key *key, enum form form, char ret[2048])
{
    CLEANUP(cleanup_free) char *jwk = range_jwk(key, key_alg(key)->name);
    CLEANUP(cleanup_free) char *pem = NULL;
    struct slice number = first_number(jwk);
    int n = 0;
    size_t bytes = 0;

    ck_assert_ok(key_public_pem(key, &pem));
    switch (form) {
    case FORM_PEM:
        n = snprintf(ret, 2048, "%s", pem);
        break;
    case FORM_PEM_CUT:
        n = snprintf(ret, 2048, "%s", pem) - 1;
        break;
    case FORM_PEM_AND_NUL:
        n = snprintf(ret, 2048, "%s", pem) + 1;
        break;
    case FORM_JWK:
        n = snprintf(ret, 2048, "%s", jwk);
        break;
    case FORM_SET:
        n = snprintf(ret, 2048, "{\"keys\":[%s]}", jwk);
        break;
    case FORM_NUMBER:
        ck_assert_ok(base64url_decode(number, ret, 2048, &bytes));
        return bytes;
    case FORM_LETTERS:
        n = snprintf(ret, 2048, "%.*s", (int)number.n, number.p);
        break;
    case FORM_KID:
        n = snprintf(ret, 2048, "%s", key_alg(key)->name);
        break;
    case FORM_NOTHING:
        break;
    }
    ck_assert(n >= 0 && n < 2048);
    return (size_t)n;
}

static char *hmac_token(struct slice secret, const char *header)
{
    CLEANUP(cleanup_free) char *payload = range_payload(NULL, NULL);
    CLEANUP(cleanup_free) char *input = forge_input(text_slice(header), text_slice(payload));
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = sizeof(mac);

    ck_assert_ptr_nonnull(HMAC(EVP_sha256(), secret.p, (int)secret.n,
                               (const unsigned char *)input, strlen(input), mac, &n));
    return forge_with(text_slice(header), text_slice(payload),
                      (struct slice){(const char *)mac, n});
}

void attack_public_secrets(struct range *r)
{
    static const char *const algs[] = {"EdDSA", "ES256", "ES384", "ES512", "RS256", "PS512"};

    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
        for (size_t j = 0; j < sizeof(secrets) / sizeof(secrets[0]); j++) {
            char bytes[2048], header[HEADER_MAX], name[128];
            struct slice secret = {bytes,
                                   secret_of(range_key(r, algs[i]), secrets[j].form, bytes)};

            (void)snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"kid\":\"%s\"}",
                           algs[i]);

            CLEANUP(cleanup_free) char *token = hmac_token(secret, header);
            CLEANUP(cleanup_free) char *nameless = hmac_token(secret, "{\"alg\":\"HS256\"}");

            (void)named(name, "HMAC with", algs[i], secrets[j].name);
            attack(r, r->publics, "secret", name, text_slice(token), TOK_ALG);
            attack(r, r->publics, "secret, no kid", name, text_slice(nameless),
                   TOK_UNKNOWN_KEY);
        }
}

/* A signature of one scheme or hash where the header and the key say another of the same
 * family. */
static const struct {
    const char *says, *is;
} relatives[] = {
    {"RS256", "RS384"}, {"RS256", "RS512"}, {"RS384", "RS256"}, {"RS384", "RS512"},
    {"RS512", "RS256"}, {"RS512", "RS384"}, {"PS256", "PS384"}, {"PS256", "PS512"},
    {"PS384", "PS256"}, {"PS384", "PS512"}, {"PS512", "PS256"}, {"PS512", "PS384"},
    {"RS256", "PS256"}, {"RS384", "PS384"}, {"RS512", "PS512"}, {"PS256", "RS256"},
    {"PS384", "RS384"}, {"PS512", "RS512"}, {"ES256", "ES384"}, {"ES256", "ES512"},
    {"ES384", "ES256"}, {"ES384", "ES512"}, {"ES512", "ES256"}, {"ES512", "ES384"},
    {"EdDSA", "ES256"}, {"ES256", "EdDSA"}, {"HS256", "HS384"}, {"HS256", "HS512"},
    {"HS384", "HS256"}, {"HS384", "HS512"}, {"HS512", "HS256"}, {"HS512", "HS384"},
};

/* One RSA key, in the set as this algorithm's, and as another's to sign with. */
static struct key *as(const struct range *r, const char *alg)
{
    size_t n;
    CLEANUP(cleanup_free) char *pem = forge_data("keys/rsa2048.pem", &n);
    struct key *key = NULL;

    (void)r;
    ck_assert_ok(
        key_read(&(struct key_reading){NULL, KEY_PRIVATE, alg_bit(alg_find(text_slice(alg)))},
                 (struct slice){pem, n}, &key, NULL));
    return key;
}

void attack_relatives(struct range *r)
{
    for (size_t i = 0; i < sizeof(relatives) / sizeof(relatives[0]); i++) {
        const char *says = relatives[i].says, *is = relatives[i].is;
        bool rsa = key_alg(range_key(r, says))->kind == ALG_RSA;
        CLEANUP(cleanup_key) struct key *other = rsa ? as(r, says) : NULL;
        CLEANUP(cleanup_key) struct key *signer = rsa ? as(r, is) : NULL;
        CLEANUP(cleanup_free) char *jwk = range_jwk(rsa ? other : range_key(r, says), says);
        const char *const jwks[] = {jwk, NULL};
        CLEANUP(cleanup_keyset) struct keyset *set = range_set(jwks);
        char header[HEADER_MAX], name[128];
        CLEANUP(cleanup_free)
        char *token = signed_by(rsa ? signer : range_key(r, is), range_header(says, header));
        CLEANUP(cleanup_free)
        char *right = signed_by(rsa ? other : range_key(r, says), header);

        (void)named(name, "said, signed as", says, is);
        attack(r, set, "relative", name, text_slice(token), TOK_SIGNATURE);
        attack(r, set, "relative, signed as said", name, text_slice(right), TOK_OK);
    }
}

/* A key of the same algorithm that is not in the set, by the kid of the one that is. RSA keys
 * are made by no test: RS and PS have each other's. */
static struct key *unknown_key(const struct alg *alg)
{
    size_t n;
    CLEANUP(cleanup_free) char *pem = NULL;
    struct key *key = NULL;

    if (alg->kind != ALG_RSA) {
        ck_assert_ok(key_generate(NULL, alg, &key));
        return key;
    }
    pem = forge_data(alg->pss ? "keys/rsa2048.pem" : "keys/rsa3072.pem", &n);
    ck_assert_ok(key_read(&(struct key_reading){NULL, KEY_PRIVATE, alg_bit(alg)},
                          (struct slice){pem, n}, &key, NULL));
    return key;
}

void attack_other_keys(struct range *r)
{
    for (size_t i = 0; i < ALGS; i++) {
        const struct alg *alg = alg_at(i);
        CLEANUP(cleanup_key) struct key *key = unknown_key(alg);
        char header[HEADER_MAX], nameless[HEADER_MAX];

        (void)snprintf(nameless, sizeof(nameless), "{\"alg\":\"%s\"}", alg->name);

        CLEANUP(cleanup_free) char *token = signed_by(key, range_header(alg->name, header));
        CLEANUP(cleanup_free) char *any = signed_by(key, nameless);
        CLEANUP(cleanup_free) char *right = signed_by(r->keys[i], nameless);

        attack(r, set_with(r, alg), "unknown key", alg->name, text_slice(token), TOK_SIGNATURE);
        attack(r, set_with(r, alg), "unknown key, no kid", alg->name, text_slice(any),
               TOK_SIGNATURE);
        attack(r, set_with(r, alg), "no kid, of a key in the set", alg->name, text_slice(right),
               TOK_OK);
    }
}

/* What the set is made of, whose key signs, and what the header says; NULL: nothing. */
static const struct {
    const char *name, *kids[3], *signer, *alg, *kid, *words;
    enum tok_err err;
} kids[] = {
    {"one of two, by its kid",
     {"EdDSA", "ES256", NULL},
     "ES256",
     "ES256",
     "ES256",
     NULL,
     TOK_OK},
    {"one of two, by the other's kid",
     {"EdDSA", "ES256", NULL},
     "ES256",
     "ES256",
     "EdDSA",
     NULL,
     TOK_ALG},
    {"one of two, by none", {"EdDSA", "ES256", NULL}, "ES256", "ES256", NULL, NULL, TOK_OK},
    {"by none, of no key's algorithm",
     {"EdDSA", "ES256", NULL},
     "ES384",
     "ES384",
     NULL,
     NULL,
     TOK_UNKNOWN_KEY},
    {"by none, HMAC among public keys",
     {"EdDSA", "ES256", NULL},
     "HS256",
     "HS256",
     NULL,
     NULL,
     TOK_UNKNOWN_KEY},
    {"by none, a public key's among secrets",
     {"HS256", "HS384", NULL},
     "EdDSA",
     "EdDSA",
     NULL,
     NULL,
     TOK_UNKNOWN_KEY},
    {"RS256 by the kid of ES256",
     {"RS256", "ES256", NULL},
     "RS256",
     "RS256",
     "ES256",
     NULL,
     TOK_ALG},
    {"ES256 said, RS256 signed, kid of RS256",
     {"RS256", "ES256", NULL},
     "RS256",
     "ES256",
     "RS256",
     NULL,
     TOK_ALG},
    {"ES256 said, RS256 signed, no kid",
     {"RS256", "ES256", NULL},
     "RS256",
     "ES256",
     NULL,
     NULL,
     TOK_SIGNATURE},
    {"a kid of none in the set",
     {"RS256", "ES256", NULL},
     "ES256",
     "ES256",
     "ES384",
     NULL,
     TOK_UNKNOWN_KEY},
    {"an algorithm the words leave out",
     {"RS256", "ES256", NULL},
     "ES256",
     "ES256",
     "ES256",
     "algorithms=RS256",
     TOK_ALG},
    {"an algorithm the words name",
     {"RS256", "ES256", NULL},
     "ES256",
     "ES256",
     "ES256",
     "algorithms=RS256,ES256",
     TOK_OK},
    {"HS256 where only EdDSA is allowed",
     {"HS256", NULL, NULL},
     "HS256",
     "HS256",
     "HS256",
     "algorithms=EdDSA",
     TOK_ALG},
    {"HS256 where it is allowed",
     {"HS256", NULL, NULL},
     "HS256",
     "HS256",
     "HS256",
     "algorithms=HS256",
     TOK_OK},
};

void attack_kids(struct range *r)
{
    for (size_t i = 0; i < sizeof(kids) / sizeof(kids[0]); i++) {
        CLEANUP(cleanup_free)
        char *first = range_jwk(range_key(r, kids[i].kids[0]), kids[i].kids[0]);
        CLEANUP(cleanup_free)
        char *second =
            kids[i].kids[1] ? range_jwk(range_key(r, kids[i].kids[1]), kids[i].kids[1]) : NULL;
        const char *const jwks[] = {first, second, NULL};
        CLEANUP(cleanup_keyset) struct keyset *set = range_set(jwks);
        char header[HEADER_MAX];

        if (kids[i].kid)
            (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"%s\"}",
                           kids[i].alg, kids[i].kid);
        else
            (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", kids[i].alg);

        CLEANUP(cleanup_free)
        char *token = signed_by(range_key(r, kids[i].signer), header);

        range_words(r, kids[i].words);
        attack(r, set, "kid", kids[i].name, text_slice(token), kids[i].err);
        range_words_reset(r);
    }
}
