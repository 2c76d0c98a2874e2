#include "tests/unit/attacks/attack.h"

#include <string.h>
#include <sys/mman.h>

static struct tally *tally;

void tally_open(void)
{
    tally =
        mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED)
        abort();
}

struct tally tally_now(void)
{
    return *tally;
}

static const char *const pem_of[] = {"keys/ed25519.pem", "keys/p256.pem",    "keys/p384.pem",
                                     "keys/p521.pem",    "keys/rsa2048.pem", "keys/rsa2048.pem",
                                     "keys/rsa2048.pem", "keys/rsa3072.pem", "keys/rsa3072.pem",
                                     "keys/rsa3072.pem"};

const char *range_pem(const char *alg)
{
    for (size_t i = 0; i < sizeof(pem_of) / sizeof(pem_of[0]); i++)
        if (strcmp(alg_at(i)->name, alg) == 0)
            return pem_of[i];
    return NULL;
}

static struct key *secret_key(const struct alg *alg)
{
    char jwk[256];

    (void)snprintf(jwk, sizeof(jwk),
                   "{\"kty\":\"oct\",\"kid\":\"%s\",\"alg\":\"%s\",\"k\":\""
                   "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
                   "LXNlY3JldC1zZWNyZXQtc2VjcmV0\"}",
                   alg->name, alg->name);
    return forge_key(jwk, KEY_PRIVATE);
}

static struct key *file_key(const struct alg *alg, const char *file)
{
    size_t n;
    CLEANUP(cleanup_free) char *pem = forge_data(file, &n);
    struct key *key = NULL;
    struct errmsg errmsg = {""};

    ck_assert_msg(key_read(&(struct key_reading){NULL, KEY_PRIVATE, alg_bit(alg)},
                           (struct slice){pem, n}, &key, &errmsg) == TOK_OK,
                  "%s: %s", file, errmsg.text);
    return key;
}

char *range_jwk(const struct key *key, const char *kid)
{
    CLEANUP(secret_clear) struct secret secret = {0};
    CLEANUP(cleanup_free) char *half = NULL;
    const char *jwk, *at, *end;
    char *named = NULL;

    if (key_alg(key)->kind == ALG_OCT)
        ck_assert_ok(key_private_jwk(key, &secret));
    else
        ck_assert_ok(key_public_jwk(key, &half));
    jwk = half ? half : secret.p;
    ck_assert_ptr_nonnull(jwk);
    at = strstr(jwk, "\"kid\":\"");
    ck_assert_ptr_nonnull(at);
    at += strlen("\"kid\":\"");
    end = strchr(at, '"');
    ck_assert_int_gt(asprintf(&named, "%.*s%s%s", (int)(at - jwk), jwk, kid, end), 0);
    return named;
}

struct keyset *range_set(const char *const *jwks)
{
    CLEANUP(cleanup_free) char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    struct keyset *set = NULL;
    struct errmsg errmsg = {""};

    ck_assert_ptr_nonnull(out);
    (void)fprintf(out, "{\"keys\":[%s", jwks[0]);
    for (size_t i = 1; jwks[i]; i++)
        (void)fprintf(out, ",%s", jwks[i]);
    (void)fprintf(out, "]}");
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_msg(keyset_parse(NULL, (struct slice){text, n}, ~(alg_set)0, &set, &errmsg) ==
                      TOK_OK,
                  "%s", errmsg.text);
    return set;
}

static struct keyset *set_of(const struct range *r, bool secret)
{
    char *jwks[ALGS + 1] = {0};
    struct keyset *set;
    size_t n = 0;

    for (size_t i = 0; i < ALGS; i++)
        if ((key_alg(r->keys[i])->kind == ALG_OCT) == secret)
            jwks[n++] = range_jwk(r->keys[i], alg_at(i)->name);
    set = range_set((const char *const *)jwks);
    for (size_t i = 0; i < n; i++)
        free(jwks[i]);
    return set;
}

void range_words(struct range *r, const char *words)
{
    struct errmsg errmsg = {""};

    while (words && *words) {
        size_t n = strcspn(words, " "), name = strcspn(words, "= ");
        struct slice value = {name < n ? words + name + 1 : NULL, name < n ? n - name - 1 : 0};

        ck_assert_msg(policy_set(&r->policy, (struct slice){words, name}, value, &errmsg) ==
                          TOK_OK,
                      "%s: %s", words, errmsg.text);
        words += n + (words[n] == ' ');
    }
}

void range_words_reset(struct range *r)
{
    policy_clear(&r->policy);
    ck_assert_ok(policy_init(&r->policy));
    range_words(r, "issuer=https://host audience=host leeway=5s");
    r->policy.algorithms = ~(alg_set)0;
}

struct range *range_new(void)
{
    struct range *r = calloc(1, sizeof(*r));

    ck_assert_ptr_nonnull(r);
    ck_assert_ptr_null(alg_at(ALGS));
    for (size_t i = 0; i < ALGS; i++) {
        const struct alg *alg = alg_at(i);

        ck_assert_ptr_nonnull(alg);
        r->keys[i] = alg->kind == ALG_OCT ? secret_key(alg) : file_key(alg, pem_of[i]);
    }
    r->publics = set_of(r, false);
    r->secrets = set_of(r, true);
    r->user = "alice";
    range_words_reset(r);
    return r;
}

void range_free(struct range **at)
{
    struct range *r = *at;
    unsigned wrong = r->wrong;

    for (size_t i = 0; i < ALGS; i++)
        key_free(r->keys[i]);
    keyset_free(r->publics);
    keyset_free(r->secrets);
    policy_clear(&r->policy);
    parsed_token_clear(&r->parsed);
    free(r);
    ck_assert_msg(wrong == 0, "%u cases went another way: see above", wrong);
}

const struct key *range_key(const struct range *r, const char *alg)
{
    for (size_t i = 0; i < ALGS; i++)
        if (strcmp(alg_at(i)->name, alg) == 0)
            return r->keys[i];
    ck_abort_msg("%s: no such algorithm", alg);
    return NULL;
}

const char *range_header(const char *alg, char ret[HEADER_MAX])
{
    (void)snprintf(ret, HEADER_MAX, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}", alg,
                   alg);
    return ret;
}

char *range_payload(const char *but, const char *more)
{
    static const char *const claims[][2] = {
        {"token_type", "\"access\""}, {"exp", "1700000900"},
        {"iat", "1700000000"},        {"jti", "\"AY8BAgMEcAWAAAAAAAAAAA\""},
        {"sub", "\"alice\""},         {"iss", "\"https://host\""},
        {"aud", "\"host\""},          {"sid", "\"" SID "\""},
    };
    char *text = NULL;
    const char *comma = "";
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(out);
    (void)fputc('{', out);
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        if (but && strstr(but, claims[i][0]))
            continue;
        (void)fprintf(out, "%s\"%s\":%s", comma, claims[i][0], claims[i][1]);
        comma = ",";
    }
    if (more && *more)
        (void)fprintf(out, "%s%s", comma, more);
    (void)fputc('}', out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

void attack_result(struct range *r, const char *group, const char *name, enum tok_err got,
                   enum tok_err want)
{
    unsigned *kind = want ? &tally->attacks : &tally->neighbours;

    (*kind)++;
    if (got == want)
        return;
    r->wrong++;
    kind = !want  ? &tally->false_refusals
           : !got ? &tally->false_accepts
                  : &tally->wrong_reasons;
    (*kind)++;
    printf("# %s: %s: %s, not %s\n", group, name, tok_err_word(got), tok_err_word(want));
    (void)fflush(stdout);
}

void attack(struct range *r, const struct keyset *keys, const char *group, const char *name,
            struct slice token, enum tok_err want)
{
    const struct verify_params ask = {
        .token = &r->parsed,
        .policy = &r->policy,
        .keys = keys,
        .check = {.now = NOW,
                  .user = r->user ? text_slice(r->user) : (struct slice){0},
                  .service = SLICE("sshd"),
                  .map = r->map,
                  .host_key = host_key_check},
    };
    enum tok_err got;

    parsed_token_clear(&r->parsed);
    ck_assert_ok(token_parse(token, &r->parsed));
    got = verify_token(&ask, &r->result, NULL);
    attack_result(r, group, name, got, want);
    /* A refused token has no user, one that was not signed nothing at all. */
    ck_assert_msg(!got == !!*r->result.user, "%s: %s: user", group, name);
    ck_assert_msg(r->result.authentic || (!r->result.claims.n && !r->result.exp),
                  "%s: %s: claims", group, name);
}

void attack_signed(struct range *r, const char *group, const char *name, struct slice header,
                   struct slice payload, enum tok_err want)
{
    CLEANUP(cleanup_free)
    char *token = forge(range_key(r, "EdDSA"), header, payload);

    attack(r, r->publics, group, name, text_slice(token), want);
}
