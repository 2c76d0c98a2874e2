/* Keys and sets of them. */
#include "tests/unit/faults/faults_given.h"

#include "common/jose/key_object.h"
#include "common/jose/keyset.h"
#include "tests/unit/attacks/trial.h"

static void tell_key(struct key **key, char *text)
{
    char thumbprint[KEY_THUMBPRINT_LEN];

    ck_assert_ok(key_thumbprint(*key, thumbprint));
    (void)snprintf(text, FAULTS_TEXT, "%s %.*s %.*s %zu", key_alg(*key)->name,
                   KEY_THUMBPRINT_LEN, thumbprint, (int)key_kid(*key).n, key_kid(*key).p,
                   key_sig_len(*key));
    key_free(*key);
}

static enum tok_err read_key(const void *given, char *text)
{
    const struct given *g = given;
    struct key *key = NULL;
    struct errmsg errmsg = {0};
    enum tok_err err =
        key_read(&(struct key_reading){NULL, g->part, alg_bit(g->alg)}, g->text, &key, &errmsg);

    (void)faults_end();
    if (!err)
        tell_key(&key, text);
    else
        ck_assert_ptr_null(key);
    return err;
}

static void read_it(struct given *g, const char *what, const char *text, enum key_part part)
{
    char name[64];

    if (!text)
        return;
    (void)snprintf(name, sizeof(name), "%s of %s", what, g->alg->name);
    g->text = text_slice(text);
    g->part = part;
    faults_try(name, read_key, g, TOK_OK);
}

static void read_jwks(struct given *g)
{
    read_it(g, "public JWK", g->public_jwk ? g->public_jwk : g->private_jwk.p, KEY_PUBLIC);
    read_it(g, "private JWK", g->private_jwk.p, KEY_PRIVATE);
}

START_TEST(a_jwk_is_read_whole_or_refused)
{
    given_of_each_kind(read_jwks);
}
END_TEST

static void read_pems(struct given *g)
{
    read_it(g, "SubjectPublicKeyInfo", g->public_pem, KEY_PUBLIC);
    read_it(g, "PKCS#8", g->private_pem, KEY_PRIVATE);
    read_it(g, "PKCS#1 or SEC 1", g->other_pem, KEY_PRIVATE);
}

START_TEST(a_pem_is_read_whole_or_refused)
{
    given_of_each_kind(read_pems);
}
END_TEST

static enum tok_err generate(const void *given, char *text)
{
    const struct given *g = given;
    struct key *key = NULL;
    char signature[KEY_SIGNATURE_MAX];
    enum tok_err err = key_generate(NULL, g->alg, &key);

    (void)faults_end();
    if (err) {
        ck_assert_ptr_null(key);
        return err;
    }
    ck_assert_ok(key_sign(key, SLICE("new"), signature));
    ck_assert_ok(key_verify(key, SLICE("new"), (struct slice){signature, key_sig_len(key)}));
    (void)snprintf(text, FAULTS_TEXT, "%s %zu", key_alg(key)->name, key_kid(key).n);
    key_free(key);
    return err;
}

static void generate_one(struct given *g)
{
    faults_try("key_generate", generate, g, TOK_OK);
}

START_TEST(a_key_is_generated_whole_or_not)
{
    given_of_each_kind(generate_one);
}
END_TEST

static enum tok_err thumbprint(const void *given, char *text)
{
    const struct given *g = given;
    char print[KEY_THUMBPRINT_LEN + 1] = "";
    enum tok_err err = key_thumbprint(g->key, print);

    (void)faults_end();
    (void)snprintf(text, FAULTS_TEXT, "%s", print);
    return err;
}

/* Of a key without kid, so that the thumbprint is asked for. */
static enum tok_err public_jwk(const void *given, char *text)
{
    const struct given *g = given;
    char *jwk = NULL;
    enum tok_err err = key_public_jwk(g->key, &jwk);

    (void)faults_end();
    ck_assert_int_eq(err != TOK_OK, jwk == NULL);
    (void)snprintf(text, FAULTS_TEXT, "%s", jwk ? jwk : "");
    free(jwk);
    return err;
}

static enum tok_err public_pem(const void *given, char *text)
{
    const struct given *g = given;
    char *pem = NULL;
    enum tok_err err = key_public_pem(g->key, &pem);

    (void)faults_end();
    ck_assert_int_eq(err != TOK_OK, pem == NULL);
    (void)snprintf(text, FAULTS_TEXT, "%s", pem ? pem : "");
    free(pem);
    return err;
}

static enum tok_err private_jwk(const void *given, char *text)
{
    const struct given *g = given;
    CLEANUP(secret_clear) struct secret jwk = {0};
    enum tok_err err = key_private_jwk(g->key, &jwk);

    (void)faults_end();
    ck_assert_int_eq(err != TOK_OK, jwk.p == NULL);
    (void)snprintf(text, FAULTS_TEXT, "%s", jwk.p ? jwk.p : "");
    return err;
}

static void write_all(struct given *g)
{
    size_t kid_len = g->key->kid_len;

    g->key->kid_len = 0;
    faults_try("key_thumbprint", thumbprint, g, TOK_OK);
    faults_try("key_private_jwk", private_jwk, g, TOK_OK);
    if (g->public_jwk) {
        faults_try("key_public_jwk", public_jwk, g, TOK_OK);
        faults_try("key_public_pem", public_pem, g, TOK_OK);
    }
    g->key->kid_len = kid_len;
}

START_TEST(a_key_is_written_whole_or_not)
{
    given_of_each_kind(write_all);
}
END_TEST

/* A set. */

struct set {
    struct slice text;
    alg_set algorithms;
    const char *path;
};

/* A key that libcrypto refuses is skipped: for these tests that is the error that it was. */
static enum tok_err skipped(const struct keyset *set)
{
    return keyset_skipped(set, 0) ? TOK_KEYS : TOK_OK;
}

static void tell_set(struct keyset *set, char *text)
{
    size_t used = 0;

    for (size_t i = 0; i < keyset_size(set); i++) {
        struct slice kid = key_kid(keyset_at(set, i));

        used += (size_t)snprintf(text + used, FAULTS_TEXT - used, "%.*s %d ", (int)kid.n, kid.p,
                                 keyset_find(set, kid) == keyset_at(set, i));
    }
    keyset_free(set);
}

static enum tok_err read_set(const void *given, char *text)
{
    const struct set *g = given;
    struct keyset *set = NULL;
    struct errmsg errmsg = {0};
    enum tok_err err =
        g->path
            ? keyset_load(&(struct keyset_source){NULL, g->path, FILE_PUBLIC, g->algorithms},
                          &set, &errmsg)
            : keyset_parse(NULL, g->text, g->algorithms, &set, &errmsg);

    (void)faults_end();
    if (err)
        ck_assert_ptr_null(set);
    else if (!(err = skipped(set)))
        tell_set(set, text);
    else
        keyset_free(set);
    return err;
}

/* {"keys":[...]} of one key of each algorithm but the HMAC ones, each called as its algorithm;
 * free it. */
static char *make_set(void)
{
    char *text = calloc(1, FAULTS_TEXT);
    size_t used = (size_t)snprintf(text, FAULTS_TEXT, "{\"keys\":[");
    const struct alg *alg;

    for (size_t i = 0; (alg = alg_at(i)); i++) {
        CLEANUP(cleanup_key) struct key *key = NULL;
        CLEANUP(cleanup_free) char *jwk = NULL;

        if (alg->kind == ALG_OCT)
            continue;
        ck_assert_ok(key_generate(NULL, alg, &key));
        key->kid_len = (size_t)snprintf(key->kid, KEY_KID_LEN, "%s", alg->name);
        ck_assert_ok(key_public_jwk(key, &jwk));
        used += (size_t)snprintf(text + used, FAULTS_TEXT - used, "%s%s",
                                 text[used - 1] == '[' ? "" : ",", jwk);
        if (i == 0) /* the same key twice, which is one */
            used += (size_t)snprintf(text + used, FAULTS_TEXT - used, ",%s", jwk);
    }
    (void)snprintf(text + used, FAULTS_TEXT - used, "]}");
    return text;
}

/* A file that is followed: read at first, looked at again, read again when it is another. */
static enum tok_err follow_set(const void *given, char *text)
{
    const struct set *g = given;
    CLEANUP(keyset_file_clear)
    struct keyset_file file = {.from = {NULL, g->path, FILE_PUBLIC, g->algorithms}};
    const struct keyset *set = NULL;
    struct errmsg errmsg = {0};
    enum tok_err err = TOK_OK;

    for (int i = 0; !err && i < 2; i++) {
        set = NULL;
        err = keyset_file_get(&file, &set, &errmsg);
    }
    (void)faults_end();
    if (err)
        ck_assert_ptr_null(set);
    else
        (void)snprintf(text, FAULTS_TEXT, "%zu", keyset_size(set));
    return err ? err : skipped(set);
}

START_TEST(a_set_is_read_whole_or_refused)
{
    NEEDS_ROOT();
    char path[] = "/tmp/faults-XXXXXX";
    CLEANUP(cleanup_free) char *text = make_set();
    struct set parsed = {.text = text_slice(text), .algorithms = EVERY_ALG};
    struct set loaded = {.path = path, .algorithms = EVERY_ALG};
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    faults_try("keyset_parse", read_set, &parsed, TOK_OK);
    faults_try("keyset_load", read_set, &loaded, TOK_OK);
    faults_try("keyset_file_get", follow_set, &loaded, TOK_OK);
    (void)unlink(path);
}
END_TEST

size_t faults_key_tests(const TTest *ret[FAULTS_TESTS])
{
    const TTest *const tests[] = {
        a_jwk_is_read_whole_or_refused,  a_pem_is_read_whole_or_refused,
        a_key_is_generated_whole_or_not, a_key_is_written_whole_or_not,
        a_set_is_read_whole_or_refused,
    };

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        ret[i] = tests[i];
    return sizeof(tests) / sizeof(tests[0]);
}
