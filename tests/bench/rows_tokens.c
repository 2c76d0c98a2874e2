#include "tests/bench/bench_core.h"

#include "common/jose/key_object.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#ifdef HAVE_LIBJWT
#include <jwt.h>
#endif
#ifdef HAVE_CJOSE
#include <cjose/cjose.h>
#endif

/* HS256 */

struct hmac_floor {
    struct bench_token *token;
    EVP_MAC_CTX *evp;
    char text[1024]; /* the token, NUL-terminated */
};

/* libcrypto's own way to use a key again: its context is set back to where the key was taken.
 */
static void hmac_evp(void *arg, size_t n)
{
    struct hmac_floor *h = arg;
    struct slice in = h->token->input;
    uint8_t mac[32];
    size_t len;

    for (size_t i = 0; i < n; i++)
        timing_must(EVP_MAC_init(h->evp, NULL, 0, NULL) == 1 &&
                        EVP_MAC_update(h->evp, (const uint8_t *)in.p, in.n) == 1 &&
                        EVP_MAC_final(h->evp, mac, &len, sizeof(mac)) == 1 &&
                        CRYPTO_memcmp(mac, h->token->signature.p, len) == 0,
                    "EVP_MAC");
}

static void make_hmac(struct bench_token *token, struct hmac_floor *ret)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    *ret = (struct hmac_floor){.token = token, .evp = EVP_MAC_CTX_new(mac)};
    timing_must(EVP_MAC_init(ret->evp, (const uint8_t *)token->key->octets.p,
                             token->key->octets.n, params) == 1,
                "EVP_MAC_init");
    EVP_MAC_free(mac);
    memcpy(ret->text, token->token.p, token->token.n + 1);
}

#ifdef HAVE_LIBJWT
/* Parses and checks the signature; looks at no claim. */
static void verify_libjwt(void *arg, size_t n)
{
    struct hmac_floor *h = arg;
    const struct secret *octets = &h->token->key->octets;

    for (size_t i = 0; i < n; i++) {
        jwt_t *jwt;

        timing_must(
            jwt_decode(&jwt, h->text, (const unsigned char *)octets->p, (int)octets->n) == 0,
            "libjwt");
        jwt_free(jwt);
    }
}
#endif

#ifdef HAVE_CJOSE
struct cjose {
    cjose_jwk_t *jwk;
    const struct secret *token;
};

/* Checks the signature; parses no payload. */
static void verify_cjose(void *arg, size_t n)
{
    struct cjose *c = arg;
    cjose_err err;

    for (size_t i = 0; i < n; i++) {
        cjose_jws_t *jws = cjose_jws_import(c->token->p, c->token->n, &err);

        timing_must(jws && cjose_jws_verify(jws, c->jwk, &err), "cjose");
        cjose_jws_release(jws);
    }
}
#endif

static void row_hs256(void)
{
    static struct bench_token token;
    static struct hmac_floor hmac;
    struct row row = {
        "HS256 verify, whole",
        {{"verify_token", bench_verify, &token, 0}, {"EVP_MAC reinit", hmac_evp, &hmac, 4}},
        .n = 500};
    size_t k = 2;

    if (!timing_wanted(row.name))
        return;
    bench_token_make("HS256", &token);
    make_hmac(&token, &hmac);
#ifdef HAVE_LIBJWT
    row.contenders[k++] = (struct contender){"libjwt", verify_libjwt, &hmac, 1};
#endif
#ifdef HAVE_CJOSE
    cjose_err err;
    struct cjose cjose = {.token = &token.token};

    cjose.jwk = cjose_jwk_create_oct_spec((const uint8_t *)token.key->octets.p,
                                          token.key->octets.n, &err);
    timing_must(cjose.jwk != NULL, "cjose JWK");
    row.contenders[k++] = (struct contender){"cjose", verify_cjose, &cjose, 1};
#endif
    timing_row(&row);
#ifdef HAVE_CJOSE
    cjose_jwk_release(cjose.jwk);
#endif
    (void)k;
    EVP_MAC_CTX_free(hmac.evp);
    bench_token_clear(&token);
}

/* RS256, ES256, EdDSA */

struct pair {
    struct bench_token token;
    EVP_MD_CTX *verify, *sign;      /* keyed, to be copied */
    uint8_t der[KEY_SIGNATURE_MAX]; /* the signature as libcrypto takes it */
    size_t n;
};

static void libcrypto_verify(void *arg, size_t n)
{
    struct pair *p = arg;
    struct slice in = p->token.input;

    for (size_t i = 0; i < n; i++) {
        EVP_MD_CTX *once = EVP_MD_CTX_new();

        timing_must(EVP_MD_CTX_copy_ex(once, p->verify) == 1 &&
                        EVP_DigestVerify(once, p->der, p->n, (const uint8_t *)in.p, in.n) == 1,
                    "EVP_DigestVerify");
        EVP_MD_CTX_free(once);
    }
}

/* What a program pays that keeps the key, but no keyed context. */
static void libcrypto_init_verify(void *arg, size_t n)
{
    struct pair *p = arg;
    const struct key *key = p->token.key;
    struct slice in = p->token.input;

    for (size_t i = 0; i < n; i++) {
        EVP_MD_CTX *once = EVP_MD_CTX_new();

        timing_must(EVP_DigestVerifyInit_ex(once, NULL, key->alg->digest, NULL, NULL, key->pkey,
                                            NULL) == 1 &&
                        EVP_DigestVerify(once, p->der, p->n, (const uint8_t *)in.p, in.n) == 1,
                    "EVP_DigestVerify");
        EVP_MD_CTX_free(once);
    }
}

static void libcrypto_sign(void *arg, size_t n)
{
    struct pair *p = arg;
    struct slice in = p->token.input;

    for (size_t i = 0; i < n; i++) {
        EVP_MD_CTX *once = EVP_MD_CTX_new();
        uint8_t signature[KEY_SIGNATURE_MAX];
        size_t len = sizeof(signature);

        timing_must(EVP_MD_CTX_copy_ex(once, p->sign) == 1 &&
                        EVP_DigestSign(once, signature, &len, (const uint8_t *)in.p, in.n) == 1,
                    "EVP_DigestSign");
        EVP_MD_CTX_free(once);
    }
}

static size_t to_der(struct slice signature, uint8_t *ret)
{
    const uint8_t *r = (const uint8_t *)signature.p;
    int half = (int)signature.n / 2, n;
    ECDSA_SIG *sig = ECDSA_SIG_new();

    (void)ECDSA_SIG_set0(sig, BN_bin2bn(r, half, NULL), BN_bin2bn(r + half, half, NULL));
    n = i2d_ECDSA_SIG(sig, &ret);
    ECDSA_SIG_free(sig);
    return (size_t)n;
}

static void make_pair(const char *alg, struct pair *ret)
{
    const struct key *key;

    *ret = (struct pair){.verify = EVP_MD_CTX_new(), .sign = EVP_MD_CTX_new()};
    bench_token_make(alg, &ret->token);
    key = ret->token.key;
    timing_must(EVP_DigestVerifyInit_ex(ret->verify, NULL, key->alg->digest, NULL, NULL,
                                        key->pkey, NULL) == 1 &&
                    EVP_DigestSignInit_ex(ret->sign, NULL, key->alg->digest, NULL, NULL,
                                          key->pkey, NULL) == 1,
                "contexts");
    ret->n = ret->token.signature.n;
    memcpy(ret->der, ret->token.signature.p, ret->n);
    if (key->alg->kind == ALG_EC)
        ret->n = to_der(ret->token.signature, ret->der);
}

static void row_pair(const char *alg, const char *verify, const char *mint)
{
    static struct pair p;
    struct row row = {
        verify,
        {{"verify_token", bench_verify, &p.token, 0},
         {"EVP_DigestVerifyInit, EVP_DigestVerify", libcrypto_init_verify, &p, 1.03},
         {"EVP_DigestVerify, context copied", libcrypto_verify, &p, 1.03}},
        .n = 20};

    if (!timing_wanted(verify))
        return;
    make_pair(alg, &p);
    timing_row(&row);
    if (mint) {
        row = (struct row){mint,
                           {{"issue_token", bench_mint, &p.token, 0},
                            {"EVP_DigestSign, context copied", libcrypto_sign, &p, 1.05}},
                           .n = 20};
        timing_row(&row);
    }
    EVP_MD_CTX_free(p.verify);
    EVP_MD_CTX_free(p.sign);
    bench_token_clear(&p.token);
}

/* Two threads, each its own key. They wait by turning, so that no wake-up is counted. */

#define THREAD_ROUNDS 301

struct pairing {
    struct bench_token token[2];
    size_t n;
    atomic_uint asked, answered; /* rounds */
};

static void *second_thread(void *arg)
{
    struct pairing *p = arg;
    cpu_set_t other;

    CPU_ZERO(&other);
    CPU_SET(0, &other);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(other), &other);
    for (unsigned round = 1; round <= THREAD_ROUNDS; round++) {
        while (atomic_load(&p->asked) < round)
            ;
        bench_verify(&p->token[1], p->n);
        atomic_store(&p->answered, round);
    }
    return NULL;
}

static double alone(struct pairing *p)
{
    double from = timing_ns();

    bench_verify(&p->token[0], p->n);
    return timing_ns() - from;
}

static double both(struct pairing *p, unsigned round)
{
    double from = timing_ns();

    atomic_store(&p->asked, round);
    bench_verify(&p->token[0], p->n);
    while (atomic_load(&p->answered) < round)
        ;
    return timing_ns() - from;
}

static void row_threads(const char *alg, size_t n)
{
    static double one[THREAD_ROUNDS], two[THREAD_ROUNDS];
    static struct pairing p;
    pthread_t second;
    char name[64];

    (void)snprintf(name, sizeof(name), "two threads / one, %s verify", alg);
    if (!timing_wanted(name))
        return;
    p = (struct pairing){.n = n};
    bench_token_make(alg, &p.token[0]);
    bench_token_make(alg, &p.token[1]);
    timing_must(pthread_create(&second, NULL, second_thread, &p) == 0, "a thread");
    for (unsigned round = 0; round < THREAD_ROUNDS; round++) {
        one[round] = alone(&p);
        two[round] = both(&p, round + 1);
    }
    (void)pthread_join(second, NULL);
    bench_token_clear(&p.token[0]);
    bench_token_clear(&p.token[1]);
    timing_sort(one, THREAD_ROUNDS);
    timing_sort(two, THREAD_ROUNDS);
    timing_verdict(name, 2 * one[0] / two[0],
                   2 * one[THREAD_ROUNDS / 2] / two[THREAD_ROUNDS / 2], 1.9, true);
}

void bench_rows_tokens(void)
{
    row_hs256();
    row_pair("RS256", "RS256 verify, whole", NULL);
    row_pair("ES256", "ES256 verify, whole", "ES256 mint, whole");
    row_pair("EdDSA", "EdDSA verify, whole", "EdDSA mint, whole");
    row_threads("HS256", 2000);
    row_threads("EdDSA", 20);
}
