/* Keys and tokens. */
#include "faults.h"

#include "issue.h"
#include "key_parts.h"
#include "trial.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#define EVERY_ALG (~(alg_set)0)

/* A key, as its files have it. */
struct given {
    const struct alg *alg;
    struct key *key;
    char *public_jwk, *public_pem, *private_pem, *other_pem;
    struct secret private_jwk;
    struct slice text; /* what is read */
    enum key_part part;
    char *scope; /* of a token that is minted */
};

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

/* Calls fn for a new key of each algorithm. */
static void of_each_alg(void (*fn)(struct given *g))
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

/* The same without those RSA ones that differ by the digest alone. */
static void of_each_kind(void (*fn)(struct given *g))
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
    struct why why = {0};
    enum tok_err err = key_read(NULL, g->text, g->part, alg_bit(g->alg), &key, &why);

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
    of_each_kind(read_jwks);
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
    of_each_kind(read_pems);
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
    of_each_kind(generate_one);
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
    of_each_kind(write_all);
}
END_TEST

/* A set. */

struct set {
    struct slice text;
    alg_set algorithms;
    const char *path;
};

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
    struct why why = {0};
    enum tok_err err = g->path
                           ? keyset_load(NULL, g->path, FILE_PUBLIC, g->algorithms, &set, &why)
                           : keyset_parse(NULL, g->text, g->algorithms, &set, &why);

    (void)faults_end();
    if (!err)
        tell_set(set, text);
    else
        ck_assert_ptr_null(set);
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
        key->kid_len = (size_t)snprintf(key->kid, sizeof(key->kid), "%s", alg->name);
        ck_assert_ok(key_public_jwk(key, &jwk));
        used += (size_t)snprintf(text + used, FAULTS_TEXT - used, "%s%s",
                                 text[used - 1] == '[' ? "" : ",", jwk);
    }
    (void)snprintf(text + used, FAULTS_TEXT - used, "]}");
    return text;
}

/* A file that is followed: read at first, looked at again, read again when it is another. */
static enum tok_err follow_set(const void *given, char *text)
{
    const struct set *g = given;
    CLEANUP(keyset_file_clear) struct keyset_file file = {0};
    const struct keyset *set = NULL;
    struct why why = {0};
    enum tok_err err = keyset_file_init(NULL, g->path, FILE_PUBLIC, g->algorithms, &file);

    for (int i = 0; !err && i < 2; i++) {
        set = NULL;
        err = keyset_file_get(&file, &set, &why);
    }
    (void)faults_end();
    if (err)
        ck_assert_ptr_null(set);
    else
        (void)snprintf(text, FAULTS_TEXT, "%zu", keyset_size(set));
    return err;
}

START_TEST(a_set_is_read_whole_or_refused)
{
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

/* Tokens. */

#define SID "SSSSSSSSSSSSSSSSSSSSSS"

struct check {
    struct trial *trial;
    char *token;
    struct revoked list; /* .fd below 0: none */
    const char *user;
    int64_t now;
};

static enum tok_err check_token(const void *given, char *text)
{
    const struct check *c = given;
    struct verify_ask ask = ask_of(c->trial, text_slice(c->token));
    struct verify_result *r = &c->trial->result;
    char sid[VERIFY_ID_MAX + 1];
    enum tok_err err;

    ask.list = c->list.fd < 0 ? NULL : &c->list;
    ask.user = text_slice(c->user);
    ask.now = c->now;
    err = verify_token(&ask, r);
    (void)faults_end();
    verify_id(r->claims.sid, sid);
    (void)snprintf(text, FAULTS_TEXT, "%d %s %s %s", r->authentic, r->kid, r->user, sid);
    return err;
}

/* A set of this one key, as a trial has it. */
static void use_key(struct trial *trial, const struct given *g)
{
    const char *jwk = g->public_jwk ? g->public_jwk : g->private_jwk.p;

    keyset_free(trial->keys);
    trial->keys = NULL;
    trial->policy.algorithms = EVERY_ALG;
    ck_assert_ok(keyset_parse(NULL, text_slice(jwk), EVERY_ALG, &trial->keys, NULL));
}

static char *make_token(const struct given *g, bool with_kid)
{
    struct slice kid = key_kid(g->key);
    char header[256];

    (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"%s%.*s%s}", g->alg->name,
                   with_kid ? ",\"kid\":\"" : "", with_kid ? (int)kid.n : 0, kid.p,
                   with_kid ? "\"" : "");
    return forge(g->key, text_slice(header), SLICE(PAYLOAD));
}

static void spoil(char *token)
{
    char *letter = strrchr(token, '.') + 10;

    *letter = *letter == 'A' ? 'B' : 'A';
}

typedef void try_fn(const char *what, faults_operation *operation, const void *given,
                    enum tok_err verdict);

static void check_both(struct given *g, try_fn *try)
{
    CLEANUP(trial_free) struct trial *trial = trial_new();
    struct check c = {.trial = trial, .list.fd = -1, .user = "alice", .now = NOW};
    char name[64];

    use_key(trial, g);
    for (int with_kid = 0; with_kid <= 1; with_kid++) {
        CLEANUP(cleanup_free) char *token = make_token(g, with_kid);

        c.token = token;
        (void)snprintf(name, sizeof(name), "a good token of %s", g->alg->name);
        try(name, check_token, &c, TOK_OK);
        spoil(token);
        (void)snprintf(name, sizeof(name), "a spoilt token of %s", g->alg->name);
        try(name, check_token, &c, TOK_SIGNATURE);
    }
}

static void check_tokens(struct given *g)
{
    check_both(g, faults_try);
}

START_TEST(a_fault_accepts_no_token_and_blames_none)
{
    of_each_alg(check_tokens);
}
END_TEST

static void check_tokens_inside(struct given *g)
{
    check_both(g, faults_try_inside);
}

START_TEST(memory_short_within_libcrypto_accepts_no_token)
{
    of_each_kind(check_tokens_inside);
}
END_TEST

/* How often common/ asked for memory so far, in this process and those before it. */
static long allocations(void)
{
    static const char *const names[] = {"malloc", "calloc", "reallocarray", "strdup",
                                        "asprintf"};
    struct fault_point point;
    long n = 0;

    for (size_t i = 0; (point = faults_point_at(i)).name; i++)
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
            n += strcmp(point.name, names[k]) == 0 ? point.counted : 0;
    return n;
}

static void check_mac(struct given *g)
{
    CLEANUP(trial_free) struct trial *trial = trial_new();

    if (g->alg->kind != ALG_OCT)
        return;
    use_key(trial, g);
    for (int with_kid = 0; with_kid <= 1; with_kid++) {
        CLEANUP(cleanup_free) char *token = make_token(g, with_kid);
        struct verify_ask ask = ask_of(trial, text_slice(token));
        long before = allocations();
        enum tok_err err;

        faults_begin(FAULT_REFUSED, 0);
        err = verify_token(&ask, &trial->result);
        (void)faults_end();
        ck_assert_ok(err);
        ck_assert_int_eq(allocations() - before, 0);
        faults_begin(FAULT_INSIDE, 0);
        err = verify_token(&ask, &trial->result);
        ck_assert_uint_eq(faults_end(), 0);
        ck_assert_ok(err);
    }
}

START_TEST(a_token_with_a_mac_is_judged_without_an_allocation)
{
    of_each_alg(check_mac);
}
END_TEST

START_TEST(a_fault_accepts_no_token_that_is_refused)
{
    CLEANUP(trial_free) struct trial *trial = trial_new();
    CLEANUP(cleanup_free) char *token = good_token(trial);
    char path[] = "/tmp/faults-XXXXXX";
    int fd = mkstemp(path);
    struct check c = {
        .trial = trial, .token = token, .list.fd = -1, .user = "alice", .now = NOW};

    ck_assert_int_ge(fd, 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(dprintf(fd, "%022d 1700000900\n", i), REVOKED_LINE_LEN);
    c.list = (struct revoked){.fd = fd, .size = 1000L * REVOKED_LINE_LEN};
    faults_try("not on the list", check_token, &c, TOK_OK);
    ck_assert_int_eq(dprintf(fd, SID " 1700000900\n"), REVOKED_LINE_LEN);
    c.list.size += REVOKED_LINE_LEN;
    faults_try("on the list", check_token, &c, TOK_REVOKED);
    c.list.fd = -1;
    c.user = "bob";
    faults_try("another's", check_token, &c, TOK_USER);
    c.user = "alice";
    c.now = NOW + 86400;
    faults_try("expired", check_token, &c, TOK_EXPIRED);
    (void)close(fd);
    (void)unlink(path);
}
END_TEST

/* Whatever secret_equal says is the verdict, on all bytes at once: nothing else looks. */
static void compare_macs(struct given *g)
{
    const struct slice text = SLICE("who compares?");
    char good[KEY_SIGNATURE_MAX], bad[KEY_SIGNATURE_MAX];
    size_t n = key_sig_len(g->key);
    struct fault_comparing done;

    if (g->alg->kind != ALG_OCT)
        return;
    ck_assert_ok(key_sign(g->key, text, good));
    for (size_t i = 0; i < n; i++)
        bad[i] = (char)~good[i];
    (void)faults_comparing(-1);
    ck_assert_ok(key_verify(g->key, text, (struct slice){good, n}));
    done = faults_comparing(0);
    ck_assert_uint_eq(done.calls, 1);
    ck_assert_uint_eq(done.n, n);
    ck_assert_err(key_verify(g->key, text, (struct slice){good, n}), TOK_SIGNATURE);
    (void)faults_comparing(1);
    ck_assert_ok(key_verify(g->key, text, (struct slice){bad, n}));
    (void)faults_comparing(-1);
    ck_assert_err(key_verify(g->key, text, (struct slice){bad, n}), TOK_SIGNATURE);
}

START_TEST(a_mac_is_compared_in_constant_time_alone)
{
    of_each_alg(compare_macs);
}
END_TEST

/* Claims that issue.c has no room for but what it asks for. */
static char *long_scope(void)
{
    char *scope = calloc(1, 2001);

    ck_assert_ptr_nonnull(scope);
    memset(scope, 'x', 2000);
    return scope;
}

static enum tok_err issue(const void *given, char *text)
{
    static const uint8_t id[ISSUE_ID_BYTES] = {1};
    static char host[] = "host";
    static char *audience[] = {host, NULL};
    const struct given *g = given;
    const struct issue_claims claims = {
        .names = {"sub", "token_type", "jti"},
        .token_type = "access",
        .exp = 1700000900,
        .iat = 1700000000,
        .jti = id,
        .sid = id,
        .user = "alice",
        .issuer = "https://host",
        .audience = audience,
        .gen = 1,
        .scope = g->scope,
    };
    CLEANUP(secret_clear) struct secret token = {0};
    CLEANUP(secret_clear) struct secret signature = {0};
    struct jws jws;
    enum tok_err err = issue_token(g->key, &claims, 0, &token, NULL);
    size_t n;

    (void)faults_end();
    if (err) {
        ck_assert_ptr_null(token.p);
        return err;
    }
    ck_assert_ok(jws_split(secret_slice(&token), &jws));
    ck_assert_ok(secret_alloc(key_sig_len(g->key), &signature));
    ck_assert_ok(base64url_decode(jws.signature, signature.p, signature.n, &n));
    ck_assert_ok(key_verify(g->key, jws.input, secret_slice(&signature)));
    (void)snprintf(text, FAULTS_TEXT, "%.*s", (int)jws.input.n, jws.input.p);
    return err;
}

static void issue_one(struct given *g)
{
    faults_try("issue_token", issue, g, TOK_OK);
    g->scope = long_scope();
    faults_try("issue_token of long claims", issue, g, TOK_OK);
    free(g->scope);
    g->scope = NULL;
}

START_TEST(a_token_is_minted_whole_or_not)
{
    of_each_alg(issue_one);
}
END_TEST

size_t faults_key_tests(const TTest *ret[FAULTS_TESTS])
{
    const TTest *const tests[] = {
        a_jwk_is_read_whole_or_refused,
        a_pem_is_read_whole_or_refused,
        a_key_is_generated_whole_or_not,
        a_key_is_written_whole_or_not,
        a_set_is_read_whole_or_refused,
        a_fault_accepts_no_token_and_blames_none,
        memory_short_within_libcrypto_accepts_no_token,
        a_token_with_a_mac_is_judged_without_an_allocation,
        a_fault_accepts_no_token_that_is_refused,
        a_token_is_minted_whole_or_not,
        a_mac_is_compared_in_constant_time_alone,
    };

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        ret[i] = tests[i];
    return sizeof(tests) / sizeof(tests[0]);
}
