/*
 * What the token core costs beside what libcrypto alone takes for the same bytes.
 *
 *     bench_core WORK JWTCTL [NAME]      NAME: only rows that begin so
 */
#include "tests/bench/bench_core.h"

#include "common/base/base64url.h"

#include <stdio.h>
#include <string.h>

static const uint8_t jti[ISSUE_ID_BYTES] = "\x01\x90 jti, 16 byte";
static const uint8_t sid[ISSUE_ID_BYTES] = "\x01\x90 sid, 16 byte";
static char audience[] = "jwt-host";
static char *const audiences[] = {audience, NULL};

static void set_word(struct policy *p, const char *word, const char *value)
{
    struct errmsg errmsg = {0};

    timing_must(policy_set(p, (struct slice){word, strlen(word)},
                           (struct slice){value, strlen(value)}, &errmsg) == TOK_OK,
                word);
}

static void make_policy(const char *alg, struct policy *ret)
{
    timing_must(policy_init(ret) == TOK_OK, "policy");
    set_word(ret, "issuer", "https://login.example.org");
    set_word(ret, "audience", "jwt-host");
    set_word(ret, "algorithms", alg);
}

static struct keyset *make_keyset(const struct key *key)
{
    CLEANUP(secret_clear) struct secret jwk = {0};
    CLEANUP(cleanup_free) char *public = NULL;
    struct keyset *set = NULL;
    struct slice text;

    if (key_alg(key)->kind == ALG_OCT) {
        timing_must(key_private_jwk(key, &jwk) == TOK_OK, "JWK");
        text = secret_slice(&jwk);
    } else {
        timing_must(key_public_jwk(key, &public) == TOK_OK, "JWK");
        text = (struct slice){public, strlen(public)};
    }
    timing_must(keyset_parse(NULL, text, alg_bit(key_alg(key)), &set, NULL) == TOK_OK, "set");
    return set;
}

void bench_token_make(const char *alg, struct bench_token *ret)
{
    const struct alg *row = alg_find((struct slice){alg, strlen(alg)});
    struct slice token;
    const char *dot;
    size_t n;

    *ret = (struct bench_token){.claims = {.names = {"sub", "token_type", "jti", NULL},
                                           .token_type = "access",
                                           .exp = BENCH_NOW + 600,
                                           .iat = BENCH_NOW,
                                           .jti = jti,
                                           .sid = sid,
                                           .user = "alice",
                                           .issuer = "https://login.example.org",
                                           .audience = audiences,
                                           .gen = -1}};
    timing_must(key_generate(NULL, row, &ret->key) == TOK_OK, "a key");
    make_policy(alg, &ret->policy);
    ret->keys = make_keyset(ret->key);
    timing_must(issue_token(ret->key, &ret->claims, 0, &ret->token) == TOK_OK, "a token");
    token = secret_slice(&ret->token);
    dot = memrchr(token.p, '.', token.n);
    ret->input = (struct slice){token.p, (size_t)(dot - token.p)};
    timing_must(ret->input.n == BENCH_INPUT, "a signing input of 306 bytes");
    timing_must(base64url_decode((struct slice){dot + 1, token.n - ret->input.n - 1},
                                 ret->signature_room, KEY_SIGNATURE_MAX, &n) == TOK_OK,
                "a signature");
    ret->signature = (struct slice){ret->signature_room, n};
}

void bench_token_clear(struct bench_token *t)
{
    keyset_free(t->keys);
    key_free(t->key);
    secret_clear(&t->token);
    policy_clear(&t->policy);
}

void bench_verify(void *arg, size_t n)
{
    struct bench_token *t = arg;
    struct parsed_token parsed = {0};
    const struct verify_params params = {
        .token = &parsed,
        .policy = &t->policy,
        .keys = t->keys,
        .check = {.now = BENCH_NOW + 1, .user = SLICE("alice"), .service = SLICE("sshd")}};
    struct verify_result result;

    for (size_t i = 0; i < n; i++) {
        timing_must(token_parse(secret_slice(&t->token), &parsed) == TOK_OK, "parse");
        timing_must(verify_token(&params, &result, NULL) == TOK_OK, "verify");
        parsed_token_clear(&parsed);
    }
}

void bench_mint(void *arg, size_t n)
{
    struct bench_token *t = arg;

    for (size_t i = 0; i < n; i++) {
        struct secret token = {0};

        timing_must(issue_token(t->key, &t->claims, 4096, &token) == TOK_OK, "mint");
        secret_clear(&token);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 4) {
        (void)fprintf(stderr, "usage: bench_core WORK JWTCTL [NAME]\n");
        return 2;
    }
    timing_only(argv[3]);
    timing_pin();
    bench_rows_tokens();
    bench_rows_stores(argv[1], argv[2]);
    return timing_status();
}
