#include "tests/unit/faults/faults_given.h"

#include "common/jose/key_object.h"

#include <openssl/pem.h>

static char *write_pem(EVP_PKEY *pkey, bool traditional)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL, *copy;
    long n;

    ck_assert_ptr_nonnull(out);
    if (traditional)
        ck_assert_int_eq(
            PEM_write_bio_PrivateKey_traditional(out, pkey, NULL, NULL, 0, NULL, NULL), 1);
    else
        ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(out, pkey, NULL, NULL, 0, NULL, NULL),
                         1);
    n = BIO_get_mem_data(out, &text);
    copy = calloc(1, (size_t)n + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, (size_t)n);
    (void)BIO_free(out);
    return copy;
}

static void given_init(struct given *g, const struct alg *alg)
{
    *g = (struct given){.alg = alg};
    ck_assert_ok(key_generate(NULL, alg, &g->key));
    ck_assert_ok(key_private_jwk(g->key, &g->private_jwk));
    if (alg->kind == ALG_OCT)
        return;
    ck_assert_ok(key_public_jwk(g->key, &g->public_jwk));
    ck_assert_ok(key_public_pem(g->key, &g->public_pem));
    g->private_pem = write_pem(g->key->pkey, false);
    if (alg->kind != ALG_OKP)
        g->other_pem = write_pem(g->key->pkey, true);
}

static void given_clear(struct given *g)
{
    key_free(g->key);
    free(g->public_jwk);
    free(g->public_pem);
    free(g->private_pem);
    free(g->other_pem);
    secret_clear(&g->private_jwk);
}

void given_of_each_alg(void (*fn)(struct given *g))
{
    const struct alg *alg;

    for (size_t i = 0; (alg = alg_at(i)); i++) {
        CLEANUP(given_clear) struct given g;

        given_init(&g, alg);
        fn(&g);
    }
}

static bool is_repeated(const struct alg *alg)
{
    const struct alg *other;

    for (size_t i = 0; (other = alg_at(i)) != alg; i++)
        if (other->kind == ALG_RSA && alg->kind == ALG_RSA && other->pss == alg->pss)
            return true;
    return false;
}

void given_of_each_kind(void (*fn)(struct given *g))
{
    const struct alg *alg;

    for (size_t i = 0; (alg = alg_at(i)); i++) {
        CLEANUP(given_clear) struct given g = {0};

        if (is_repeated(alg))
            continue;
        given_init(&g, alg);
        fn(&g);
    }
}
