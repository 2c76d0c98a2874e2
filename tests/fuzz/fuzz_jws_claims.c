/*
 * Bytes of a stranger as a token, and as what a real key signed. The first byte chooses:
 *
 *   'T'  the rest is the token
 *   'P'  the rest is the payload under our header and a signature that holds
 *   'H'  the rest is the header over a good payload, signed
 *   'J'  the rest is a JWK
 *   'K'  the rest is a key set
 *
 * Beyond "no crash": a token nobody signed is never authentic; what is taken has passed every
 * line of our policy, judged here a second time from the claims; peeking never disagrees with
 * reading; a key that was taken reads back from what it writes.
 */
#include "base64url.h"
#include "emit.h"
#include "verify.h"

#include <stdlib.h>
#include <string.h>

#define NOW 1700000100
#define ROOM 65536

static const char jwk[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"rfc8037\","
                          "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","
                          "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";
static const char header[] = "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"rfc8037\"}";
static const char payload[] =
    "{\"token_type\":\"access\",\"exp\":1700000900,\"iat\":1700000000,"
    "\"jti\":\"j\",\"sub\":\"alice\",\"iss\":\"https://host\","
    "\"aud\":\"host\",\"sid\":\"s\"}";

/* Made once: a harness may keep what a library may not. */
static struct key *key;
static struct keyset *keys;
static struct policy policy;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    CLEANUP(cleanup_free) char *public_jwk = NULL;

    (void)argc;
    (void)argv;
    must(key_from_jwk(NULL, (struct slice){jwk, sizeof(jwk) - 1}, KEY_PRIVATE, &key, NULL) ==
         TOK_OK);
    must(key_public_jwk(key, &public_jwk) == TOK_OK);
    must(keyset_parse(NULL, (struct slice){public_jwk, strlen(public_jwk)}, alg_set_default(),
                      &keys, NULL) == TOK_OK);
    must(policy_init(&policy) == TOK_OK);
    must(policy_set(&policy, POLICY_WORDS, SLICE("issuer"), SLICE("https://host"), NULL) ==
         TOK_OK);
    must(policy_set(&policy, POLICY_WORDS, SLICE("audience"), SLICE("host"), NULL) == TOK_OK);
    policy.max_length = ROOM;
    return 0;
}

static enum tok_err judge(struct slice token, struct verify_result *ret)
{
    static char scratch[ROOM];
    const struct verify_ask ask = {
        .token = token,
        .policy = &policy,
        .keys = keys,
        .now = NOW,
        .user = SLICE("alice"),
        .service = SLICE("sshd"),
        .scratch = scratch,
        .scratch_size = BASE64URL_BYTES(token.n),
    };

    must(token.n <= ROOM);
    return verify_token(&ask, ret);
}

/* Our policy said once more, in other words. */
static void must_be_allowed(const struct verify_result *r)
{
    const struct claims *c = &r->claims;

    must(r->authentic && strcmp(r->user, "alice") == 0 && strcmp(r->kid, "rfc8037") == 0);
    must(c->has_exp && c->exp > NOW - 5 && c->has_iat && c->iat <= NOW + 5);
    must(!c->has_nbf || c->nbf <= NOW + 5);
    must(c->exp - c->iat <= policy.max_lifetime);
    must(c->iss && scan_string_is(*c->iss, SLICE("https://host")));
    must(c->sub && scan_string_is(*c->sub, SLICE("alice")));
    must(claims_has_audience(c, SLICE("host")) && !c->bound && !c->one_time);
    must(c->token_type && scan_string_is(*c->token_type, SLICE("access")));
    must(base64url_is_text((struct slice){r->jti, strlen(r->jti)}));
    must(base64url_is_text((struct slice){r->sid, strlen(r->sid)}));
}

/* Peeking reads the iss that the claims have, or none. */
static void must_peek_the_same(struct slice token, const struct verify_result *r)
{
    static char scratch[ROOM];
    char iss[1024];

    if (verify_peek_issuer(token, scratch, sizeof(scratch), iss, sizeof(iss)) != TOK_OK)
        return;
    if (r->claims.n)
        must(r->claims.iss && scan_string_is(*r->claims.iss, (struct slice){iss, strlen(iss)}));
}

/* HEADER.PAYLOAD.SIGNATURE as our key would sign it; free it. */
static char *sign(struct slice head, struct slice body, size_t *ret_n)
{
    size_t size = BASE64URL_LEN(head.n) + BASE64URL_LEN(body.n) + 88;
    struct emit out = {.p = malloc(size), .size = size};
    char signature[KEY_SIGNATURE_MAX];

    must(out.p != NULL);
    emit_base64url(&out, head);
    emit_text(&out, ".");
    emit_base64url(&out, body);
    must(key_sign(key, (struct slice){out.p, out.n}, signature) == TOK_OK);
    emit_text(&out, ".");
    emit_base64url(&out, (struct slice){signature, key_sig_len(key)});
    must(out.n == size);
    *ret_n = size;
    return out.p;
}

static void judge_stranger(struct slice token)
{
    struct verify_result r;
    enum tok_err err = judge(token, &r);

    must(err != TOK_OK && !r.authentic && !*r.user && !*r.jti && !*r.sid);
    must(!tok_err_is_ours(err));
    (void)jws_is_shaped(token);
    must_peek_the_same(token, &r);
}

static void judge_signed(struct slice head, struct slice body, bool head_is_ours)
{
    size_t n;
    CLEANUP(cleanup_free) char *token = sign(head, body, &n);
    struct verify_result r;
    enum tok_err err = judge((struct slice){token, n}, &r);

    if (head_is_ours && body.n)
        must(r.authentic);
    if (err == TOK_OK)
        must_be_allowed(&r);
    else
        must(!*r.user);
    must(!tok_err_is_ours(err));
    must_peek_the_same((struct slice){token, n}, &r);
}

static void read_key(struct slice text)
{
    CLEANUP(cleanup_key) struct key *one = NULL;
    CLEANUP(cleanup_key) struct key *again = NULL;
    CLEANUP(cleanup_free) char *out = NULL;
    char first[KEY_THUMBPRINT_LEN], second[KEY_THUMBPRINT_LEN];
    struct why why = {""};
    enum tok_err err = key_from_jwk(NULL, text, KEY_PUBLIC, &one, &why);

    if (err) {
        must(!one && *why.text && (err == TOK_KEYS || err == TOK_UNSUPPORTED));
        return;
    }
    if (key_alg(one)->kind == ALG_OCT)
        return;
    must(key_public_jwk(one, &out) == TOK_OK);
    must(key_from_jwk(NULL, (struct slice){out, strlen(out)}, KEY_PUBLIC, &again, NULL) ==
         TOK_OK);
    must(key_thumbprint(one, first) == TOK_OK && key_thumbprint(again, second) == TOK_OK);
    must(memcmp(first, second, sizeof(first)) == 0);
    must(!key_kid(one).n || slice_eq(key_kid(one), key_kid(again)));
}

static void read_keyset(struct slice text)
{
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;
    struct why why = {""};
    enum tok_err err = keyset_parse(NULL, text, alg_set_default(), &set, &why);

    if (err) {
        must(err == TOK_KEYS && !set && *why.text);
        return;
    }
    must(keyset_size(set) > 0);
    for (size_t i = 0; i < keyset_size(set); i++) {
        struct slice kid = key_kid(keyset_at(set, i));

        must(!kid.n || keyset_find(set, kid) == keyset_at(set, i));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest;

    if (size < 1 || size > ROOM / 2)
        return -1;
    rest = (struct slice){(const char *)data + 1, size - 1};
    switch (data[0]) {
    case 'T':
        judge_stranger(rest);
        return 0;
    case 'P':
        judge_signed(SLICE(header), rest, true);
        return 0;
    case 'H':
        judge_signed(rest, SLICE(payload), false);
        return 0;
    case 'J':
        read_key(rest);
        return 0;
    case 'K':
        read_keyset(rest);
        return 0;
    default:
        return -1;
    }
}
